//! Who is calling, and what that allows. Commands and queries of all domains take a `Viewer` and ask `policy`. Callers are
//! authenticated in `users`; memberships of chats are checked in `chats`; what is open for long holds a grant (`grants`).

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

/// On whose behalf something is done.
#[derive(Debug, Clone)]
pub enum Viewer {
    /// Nobody has signed in.
    Anonymous,
    /// A user whose token was checked.
    User(Principal),
    /// A process on its own behalf, such as `seed`; nothing is denied to it.
    Process(&'static str),
    /// All callers of one role at once: the shared execution of a subscription.
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

/// A viewer without an identity. It notes when one is asked for: what was computed then differs by user, so it must be
/// thrown away and computed for each user alone.
#[derive(Debug, Clone, Default)]
pub struct SharedViewer {
    role: Option<Role>,
    is_personal: Arc<AtomicBool>,
}

impl SharedViewer {
    /// All callers of `role`; `None` for those who have not signed in.
    pub fn new(role: Option<Role>) -> Self {
        Self {
            role,
            is_personal: Arc::default(),
        }
    }

    /// Whether somebody asked who the user is.
    pub fn is_personal(&self) -> bool {
        self.is_personal.load(Ordering::Acquire)
    }
}

impl Viewer {
    /// The role, if somebody has signed in.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::User(principal) => Some(principal.role),
            Self::Shared(shared) => shared.role,
            Self::Anonymous | Self::Process(_) => None,
        }
    }

    /// The user, if there is one. What depends on this is not shared between users.
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

    /// The user.
    ///
    /// # Errors
    /// When nobody has signed in.
    pub fn require_user(&self) -> Result<UserId, AccessError> {
        self.user_id()
            .ok_or(AccessError::Unauthenticated(Reason::Missing))
    }

    /// The name under which the log remembers who did something.
    pub fn actor(&self) -> String {
        match self {
            Self::User(principal) => principal.user_id.to_string(),
            Self::Process(name) => (*name).to_owned(),
            Self::Anonymous | Self::Shared(_) => "anonymous".to_owned(),
        }
    }
}

/// Why somebody is not taken for who they say they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no token, and this needs one.
    Missing,
    /// The token is not one of ours.
    Invalid,
    /// The token's time is over.
    Expired,
    /// The token's time has not come.
    NotYetValid,
    /// The session was ended, or the user deactivated.
    Revoked,
}

/// Why something is denied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// Who is calling is not known.
    #[error("{}", reason_text(*.0))]
    Unauthenticated(Reason),
    /// Who is calling may not do this.
    #[error("your role does not allow this")]
    Forbidden,
    /// The chat does not exist, or not for this user: the two cannot be told apart.
    #[error("chat not found")]
    NotMember,
    /// It could not be found out.
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
