//! The open sessions of a user as the user sees them, to end one that is not theirs any more: the device on which each began, and when it
//! was last used. A session is used when it begins and whenever its tokens are renewed, so the time may be as old as an access token.
//! Kept beside the sessions, as versions before 0025 write those without it; removed with them.

use std::collections::HashMap;

use ::events::{Tx, now, sql::execute};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    SESSION_STREAM, UserError, Users,
    events::Revocation,
    sessions::{self, Session, end_session, lock_session},
    sign_in::principal,
};
use crate::{
    CommandContext,
    access::{SessionId, Viewer},
    boxed,
};

type Result<T, E = UserError> = std::result::Result<T, E>;

/// The most sessions that are shown, the newest.
const MOST: u64 = 100;
/// The most characters that are kept of what a program says about itself.
const MOST_CHARS: usize = 256;

mod session_device {
    //! The table of devices, by session.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::access::SessionId;

    #[sea_orm::model]
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session_device")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub session_id: SessionId,
        pub user_agent: Option<String>,
        pub used_at: DateTime<Utc>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// The id.
    pub id: SessionId,
    /// What the program that signed in said about itself, if it did.
    pub user_agent: Option<String>,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// When the session began, or its tokens were last renewed.
    pub used_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whether it is the caller's own.
    pub is_current: bool,
}

impl Users {
    /// Returns the caller's open sessions, the newest first, a hundred at most.
    #[boxed]
    pub async fn open_sessions(&self, viewer: &Viewer) -> Result<Vec<OpenSession>> {
        let principal = principal(viewer)?;
        let reader = &self.log.database().reader;
        let open = sessions::Entity::find()
            .filter(sessions::Column::UserId.eq(principal.user_id))
            .filter(sessions::Column::RevokedAt.is_null())
            .filter(sessions::Column::ExpiresAt.gt(now()))
            .order_by_desc(sessions::Column::CreatedAt)
            .order_by_desc(sessions::Column::Id)
            .limit(MOST)
            .all(reader)
            .await?;
        let ids = open.iter().map(|session| session.id);
        let devices = session_device::Entity::find()
            .filter(session_device::Column::SessionId.is_in(ids))
            .all(reader)
            .await?;
        let mut devices: HashMap<_, _> = devices
            .into_iter()
            .map(|device| (device.session_id, device))
            .collect();
        let shown = open.into_iter().map(|session| {
            let device = devices.remove(&session.id);
            shown(&session, device, principal.session_id)
        });
        Ok(shown.collect())
    }

    /// Ends one of the caller's sessions, which may be the caller's own.
    ///
    /// # Errors
    /// `NotFound` when the caller has no such session that is open, as in a repeat.
    #[boxed]
    pub async fn end_session(&self, context: CommandContext, id: SessionId) -> Result<OpenSession> {
        let principal = principal(&context.viewer)?;
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move {
                    let session = lock_session(tx, id).await?;
                    let session = session
                        .filter(|it| it.is_open() && it.user_id == principal.user_id)
                        .ok_or(UserError::NotFound(SESSION_STREAM))?;
                    let device = session_device::Entity::find_by_id(id).one(&**tx).await?;
                    let ended = shown(&session, device, principal.session_id);
                    end_session(tx, &context, session, Revocation::SignedOut).await?;
                    Ok(ended)
                })
            })
            .await
    }
}

fn shown(
    session: &Session,
    device: Option<session_device::Model>,
    current: SessionId,
) -> OpenSession {
    let (user_agent, used_at) = device
        .map(|device| (device.user_agent, device.used_at))
        .unzip();
    OpenSession {
        id: session.id,
        user_agent: user_agent.flatten(),
        created_at: session.created_at,
        used_at: used_at.unwrap_or(session.created_at),
        expires_at: session.expires_at,
        is_current: session.id == current,
    }
}

/// Notes that a session is used, and when it begins also what the program says about itself, in one line.
pub(super) async fn note_use(
    tx: &Tx<'_>,
    session_id: SessionId,
    user_agent: Option<&str>,
) -> Result<()> {
    let is_shown = |letter: &char| !letter.is_control();
    let user_agent: Option<String> =
        user_agent.map(|text| text.chars().filter(is_shown).take(MOST_CHARS).collect());
    let sql = "insert into session_device (session_id, user_agent, used_at) values ($1, $2, $3)
               on conflict (session_id) do update set used_at = excluded.used_at";
    let values = vec![session_id.into(), user_agent.into(), now().into()];
    execute(&**tx, sql, values).await?;
    Ok(())
}
