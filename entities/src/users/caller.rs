//! Turns a token into a viewer. A caller is the identity with which a request or a socket was admitted; its token expires, and
//! can be renewed on a socket. The caller's permissions are checked at each use, as the session may have ended and the role
//! changed since the token was issued.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::RwLock;
use sea_orm::EntityTrait;
use tokio::sync::{Notify, futures::Notified};

use super::{
    User, Users,
    sessions::{self, Session},
    standing::Generations,
    tokens::{Claims, Token},
    user,
};
use crate::{
    access::{AccessError, Principal, Reason, SessionId, UserId, Viewer},
    boxed,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

/// The caller of a request or a socket. Clones are the same caller: when one is renewed, all are.
#[derive(Clone, Default)]
pub struct Caller(Option<Arc<Identity>>);

/// Every open socket has one, so it is small.
struct Identity {
    /// The newest token.
    token: RwLock<Arc<Token>>,
    renewed: Notify,
}

impl Caller {
    /// Returns a caller without a token.
    pub fn anonymous() -> Self {
        Self::default()
    }

    fn with(token: Arc<Token>) -> Self {
        Self(Some(Arc::new(Identity {
            token: RwLock::new(token),
            renewed: Notify::new(),
        })))
    }

    /// Returns the user that the token names. No permission may depend on it.
    pub fn user_id(&self) -> Option<UserId> {
        self.token().map(|token| token.claims.user_id)
    }

    pub(crate) fn session_id(&self) -> Option<SessionId> {
        self.token().map(|token| token.claims.session_id)
    }

    fn token(&self) -> Option<Arc<Token>> {
        self.0
            .as_ref()
            .map(|identity| identity.token.read().clone())
    }

    /// Returns how long the token is still valid; `None` for a caller without one.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let left = self
            .token()?
            .claims
            .expires_at
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        Some(left)
    }

    /// Resolves when the token is renewed, from the moment on in which this is enabled; `None` for a caller without one.
    pub(crate) fn renewed(&self) -> Option<Notified<'_>> {
        let identity = self.0.as_ref();
        identity.map(|identity| identity.renewed.notified())
    }
}

impl Users {
    /// Returns the caller with this token, or without one.
    ///
    /// # Errors
    /// `Unauthenticated` when the token is not valid now.
    pub async fn admit(&self, token: Option<&str>) -> Result<Caller> {
        let caller = self.caller_with(token)?;
        self.viewer_of(&caller).await?;
        Ok(caller)
    }

    fn caller_with(&self, token: Option<&str>) -> Result<Caller> {
        let Some(token) = token else {
            return Ok(Caller::anonymous());
        };
        let token = self.tokens.verify(token);
        token
            .map(Caller::with)
            .map_err(AccessError::Unauthenticated)
    }

    /// Gives `caller` a new token of the same user.
    ///
    /// # Errors
    /// `Unauthenticated` when the token is not valid, or another user's; the caller stays as it was.
    #[boxed]
    pub async fn renew(&self, caller: &Caller, token: &str) -> Result<()> {
        let renewed = self.admit(Some(token)).await?;
        match (&caller.0, renewed.token()) {
            (Some(identity), Some(token)) if caller.user_id() == Some(token.claims.user_id) => {
                *identity.token.write() = token;
                identity.renewed.notify_waiters();
                Ok(())
            }
            _ => Err(AccessError::Unauthenticated(Reason::Invalid)),
        }
    }

    /// Returns the caller's current viewer.
    ///
    /// # Errors
    /// `Unauthenticated` when the token has expired, the session has ended or the user was deactivated.
    pub async fn viewer_of(&self, caller: &Caller) -> Result<Viewer> {
        let Some(token) = caller.token() else {
            return Ok(Viewer::Anonymous);
        };
        let now = SystemTime::now();
        if token.claims.expires_at <= now {
            return Err(AccessError::Unauthenticated(Reason::Expired));
        }
        // They are read before anything is looked up, so what is found is not older.
        let generations = self.generations(&token.claims);
        let known = generations.and_then(|generations| token.standing.get(generations, now));
        let principal = match known {
            Some(principal) => principal,
            None => self.look_up(token, generations).await?,
        };
        Ok(Viewer::User(principal))
    }

    /// Returns the present generations of the two rows; `None` if they have to be read from the database.
    fn generations(&self, claims: &Claims) -> Option<Generations> {
        let session = self.sessions.generation(claims.session_id.uuid())?;
        let user = self.cache.generation(claims.user_id.uuid())?;
        Some((session, user))
    }

    #[boxed]
    async fn look_up(
        &self,
        token: Arc<Token>,
        generations: Option<Generations>,
    ) -> Result<Principal> {
        let claims = &token.claims;
        let session = self.load_session(claims.session_id).await?;
        let session = session.filter(|session| session.user_id == claims.user_id);
        let Some(session) = session.filter(Session::is_open) else {
            return Err(AccessError::Unauthenticated(Reason::Revoked));
        };
        let user = self.load_user(claims.user_id).await?;
        let Some(user) = user.filter(|user| user.deactivated_at.is_none()) else {
            return Err(AccessError::Unauthenticated(Reason::Revoked));
        };
        let principal = Principal {
            user_id: user.id,
            session_id: claims.session_id,
            role: user.role,
        };
        if let Some(generations) = generations {
            let until = session.expires_at.into();
            token.standing.set(generations, until, principal);
        }
        Ok(principal)
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
