//! The sessions of a user, as the user sees them.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entities::users::{OpenSession, SESSION_STREAM, SessionId};

use crate::{
    error::Result,
    request::{Read, reading, viewer},
};

pub(crate) struct UserSession(OpenSession);

impl From<OpenSession> for UserSession {
    fn from(session: OpenSession) -> Self {
        Self(session)
    }
}

/// Returns the open sessions of the viewer.
pub(super) async fn sessions(ctx: &Context<'_>) -> Result<Vec<UserSession>> {
    let users = &reading(ctx, Read::Kind(SESSION_STREAM)).users;
    let sessions = users.open_sessions(viewer(ctx)?).await?;
    Ok(sessions.into_iter().map(UserSession::from).collect())
}

/// Returns the viewer's open session with this id, for `node`.
pub(crate) async fn find_session(ctx: &Context<'_>, id: SessionId) -> Result<Option<UserSession>> {
    let mut sessions = sessions(ctx).await?.into_iter();
    Ok(sessions.find(|session| session.0.id == id))
}

/// A session of yourself, on one device. It goes on until you sign out there, end it with `endSession`, or it expires.
#[Object]
impl UserSession {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What the program that signed in said about itself (the header `User-Agent`). Null when it said nothing.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// When you signed in.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When you signed in, or the tokens of the session were last renewed. It may have been used since, for as long as an access token is
    /// valid.
    async fn last_used_at(&self) -> DateTime<Utc> {
        self.0.used_at
    }

    /// When the session ends by itself.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// Whether this is the session of the request.
    async fn is_current(&self) -> bool {
        self.0.is_current
    }
}
