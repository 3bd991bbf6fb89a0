//! Why a replica does not answer a statement, as metrics and the log name it.

use sea_orm::{DbErr, SqlxError};

use crate::error::{Outage, outage};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// The primary does not say where it is.
    Primary,
    /// There is no connection to the replica, or no answer.
    Away,
    /// It has not replayed all yet.
    Behind,
    /// It is no standby of this primary.
    Foreign,
    /// What it replays has ended the statement.
    Conflict,
    /// It refuses the statement, or takes too long for it.
    Failed,
    /// It is left alone.
    Resting,
}

/// What keeps a replica from being used, and what is to be said of it.
pub(super) struct Fault {
    pub(super) why: Why,
    pub(super) says: String,
}

impl Why {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Away => "away",
            Self::Behind => "behind",
            Self::Foreign => "foreign",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Resting => "resting",
        }
    }

    pub(super) fn saying(self, says: impl Into<String>) -> Fault {
        let says = says.into();
        Fault { why: self, says }
    }
}

impl From<SqlxError> for Fault {
    fn from(error: SqlxError) -> Self {
        let code = error.as_database_error().and_then(|it| it.code());
        let why = match outage(&error) {
            Some(Outage::Gone | Outage::Refused) => Why::Away,
            // A statement that was cancelled for a conflict has failed to be serialized.
            None if code.as_deref() == Some("40001") => Why::Conflict,
            Some(Outage::Stopped) | None => Why::Failed,
        };
        why.saying(format!("cannot be used: {error}"))
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        Why::Away.saying(format!("cannot be used: {error}"))
    }
}
