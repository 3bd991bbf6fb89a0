//! Turns a token into a viewer. A caller is the identity with which a request or a socket was admitted; its token expires, and
//! can be renewed on a socket. The caller's permissions are checked at each use, as the session may have ended and the role
//! changed since the token was issued.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use sea_orm::EntityTrait;
use tokio::sync::watch;

use super::{
    User, Users,
    sessions::{self, Session},
    tokens::Claims,
    user,
};
use crate::{
    access::{AccessError, Principal, Reason, SessionId, UserId, Viewer},
    boxed,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

/// The caller of a request or a socket. Clones are the same caller: when one is renewed, all are.
#[derive(Clone, Default)]
pub struct Caller(Option<Arc<watch::Sender<Claims>>>);

impl Caller {
    /// Returns a caller without a token.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Returns the user that the token names. No permission may depend on it.
    pub fn user_id(&self) -> Option<UserId> {
        self.claims().map(|claims| claims.user_id)
    }

    pub(crate) fn session_id(&self) -> Option<SessionId> {
        self.claims().map(|claims| claims.session_id)
    }

    fn claims(&self) -> Option<Claims> {
        self.0.as_ref().map(|claims| *claims.borrow())
    }

    /// Returns how long the token is still valid; `None` for a caller without one.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let left = self
            .claims()?
            .expires_at
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        Some(left)
    }

    /// Returns a channel that changes whenever the token is renewed.
    pub(crate) fn renewals(&self) -> Option<watch::Receiver<Claims>> {
        self.0.as_ref().map(|claims| claims.subscribe())
    }
}

impl Users {
    /// Returns the caller with this token, or without one.
    ///
    /// # Errors
    /// `Unauthenticated` when the token is not valid now.
    #[boxed]
    pub async fn admit(&self, token: Option<&str>) -> Result<Caller> {
        let Some(token) = token else {
            return Ok(Caller::anonymous());
        };
        let claims = self
            .tokens
            .verify(token)
            .map_err(AccessError::Unauthenticated)?;
        let caller = Caller(Some(Arc::new(watch::Sender::new(claims))));
        self.viewer_of(&caller).await?;
        Ok(caller)
    }

    /// Gives `caller` a new token of the same user.
    ///
    /// # Errors
    /// `Unauthenticated` when the token is not valid, or another user's; the caller stays as it was.
    #[boxed]
    pub async fn renew(&self, caller: &Caller, token: &str) -> Result<()> {
        let renewed = self.admit(Some(token)).await?;
        match (&caller.0, renewed.claims()) {
            (Some(current), Some(claims)) if current.borrow().user_id == claims.user_id => {
                current.send_replace(claims);
                Ok(())
            }
            _ => Err(AccessError::Unauthenticated(Reason::Invalid)),
        }
    }

    /// Returns the caller's current viewer.
    ///
    /// # Errors
    /// `Unauthenticated` when the token has expired, the session has ended or the user was deactivated.
    #[boxed]
    pub async fn viewer_of(&self, caller: &Caller) -> Result<Viewer> {
        let Some(claims) = caller.claims() else {
            return Ok(Viewer::Anonymous);
        };
        if claims.expires_at <= SystemTime::now() {
            return Err(AccessError::Unauthenticated(Reason::Expired));
        }
        let session = self.load_session(claims.session_id).await?;
        let session = session.filter(|session| session.user_id == claims.user_id);
        if !session.is_some_and(|session| session.is_open()) {
            return Err(AccessError::Unauthenticated(Reason::Revoked));
        }
        let user = self.load_user(claims.user_id).await?;
        let Some(user) = user.filter(|user| user.deactivated_at.is_none()) else {
            return Err(AccessError::Unauthenticated(Reason::Revoked));
        };
        Ok(Viewer::User(Principal {
            user_id: user.id,
            session_id: claims.session_id,
            role: user.role,
        }))
    }

    pub(crate) async fn is_deactivated(&self, id: UserId) -> Result<bool> {
        let user = self.load_user(id).await?;
        Ok(user.is_none_or(|user| user.deactivated_at.is_some()))
    }

    /// Returns the user with this id, deactivated or not.
    pub(super) async fn load_user(&self, id: UserId) -> Result<Option<Arc<User>>> {
        let load = || {
            let reader = self.log.database().reader.clone();
            async move {
                let found = user::Entity::find_by_id(id).one(&reader).await?;
                Ok(found.map(Arc::new))
            }
        };
        Ok(self.cache.get(id.uuid(), load).await?)
    }

    async fn load_session(&self, id: SessionId) -> Result<Option<Session>> {
        let load = || {
            let reader = self.log.database().reader.clone();
            async move { Ok(sessions::Entity::find_by_id(id).one(&reader).await?) }
        };
        Ok(self.sessions.get(id.uuid(), load).await?)
    }
}
