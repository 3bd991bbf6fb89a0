//! The caller, and what it is allowed. Commands and queries of all domains take a `Viewer` and ask `policy`. `users`
//! authenticates callers; `chats` checks memberships; subscriptions and connections, which stay open, hold a grant (`grants`).

mod policy;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::id::ids;

pub use policy::{Action, Role, authorize};

ids! {
    /// A user's id. The log names who did something by it.
    UserId = Id<OfUser>, "user";
    /// The id of a session, that is, of a sign-in; access tokens name it.
    SessionId = Id<OfSession>, "session";
}

/// The caller on whose behalf something is done.
#[derive(Debug, Clone)]
pub enum Viewer {
    /// A caller who has not signed in.
    Anonymous,
    /// A user whose token was verified.
    User(Principal),
    /// A process that acts on its own behalf, such as `seed`; it is allowed everything.
    Process(&'static str),
    /// All callers of one role at once: the viewer of a subscription's shared execution.
    Shared(SharedViewer),
}

/// A user as the policies see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The user's id.
    pub user_id: UserId,
    /// The session that the token belongs to.
    pub session_id: SessionId,
    /// The role now, not when the token was issued.
    pub role: Role,
}

/// A viewer without an identity. It notes when its identity is asked for: the result then differs by user, so it must be
/// discarded and computed for each user.
#[derive(Debug, Clone, Default)]
pub struct SharedViewer {
    role: Option<Role>,
    is_personal: Arc<AtomicBool>,
}

impl SharedViewer {
    /// Returns the viewer for all callers of `role`; `None` stands for those who have not signed in.
    pub fn new(role: Option<Role>) -> Self {
        Self {
            role,
            is_personal: Arc::default(),
        }
    }

    /// Returns whether the identity of the user was asked for.
    pub fn is_personal(&self) -> bool {
        self.is_personal.load(Ordering::Acquire)
    }
}

impl Viewer {
    /// Returns the role, if the caller has signed in.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::User(principal) => Some(principal.role),
            Self::Shared(shared) => shared.role,
            Self::Anonymous | Self::Process(_) => None,
        }
    }

    /// Returns the user, if there is one. A result that depends on it is not shared between users.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(principal) => Some(principal.user_id),
            Self::Shared(shared) => {
                shared.is_personal.store(true, Ordering::Release);
                None
            }
            Self::Anonymous | Self::Process(_) => None,
        }
    }

    /// Returns the user.
    ///
    /// # Errors
    /// Fails when the caller has not signed in.
    pub fn require_user(&self) -> Result<UserId, AccessError> {
        self.user_id()
            .ok_or(AccessError::Unauthenticated(Reason::Missing))
    }

    /// Returns the name of the caller in the log.
    pub fn actor(&self) -> String {
        match self {
            Self::User(principal) => principal.user_id.to_string(),
            Self::Process(name) => (*name).to_owned(),
            Self::Anonymous | Self::Shared(_) => "anonymous".to_owned(),
        }
    }
}

/// Why a caller is not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no token, and one is required.
    Missing,
    /// The token is not one of ours.
    Invalid,
    /// The token has expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// The session was ended, or the user deactivated.
    Revoked,
}

/// Why access is denied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// The caller is not authenticated.
    #[error("{}", reason_text(*.0))]
    Unauthenticated(Reason),
    /// The caller's role does not allow this.
    #[error("your role does not allow this")]
    Forbidden,
    /// The chat does not exist, or the user is not a member: the error does not tell which.
    #[error("chat not found")]
    NotMember,
    /// The check failed.
    #[error(transparent)]
    Log(#[from] Arc<events::Error>),
}

fn reason_text(reason: Reason) -> &'static str {
    match reason {
        Reason::Missing => "sign in first",
        Reason::Invalid => "the token is not valid",
        Reason::Expired => "the token has expired",
        Reason::NotYetValid => "the token is not valid yet",
        Reason::Revoked => "the session has ended; sign in again",
    }
}

impl From<events::Error> for AccessError {
    fn from(error: events::Error) -> Self {
        Self::Log(Arc::new(error))
    }
}

impl From<sea_orm::DbErr> for AccessError {
    fn from(error: sea_orm::DbErr) -> Self {
        events::Error::from(error).into()
    }
}
