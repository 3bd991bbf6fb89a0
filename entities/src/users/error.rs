//! Everything a user command can answer instead of success.

use std::time::Duration;

use events::AsRetryable;

use crate::{KeyReused, Violations, access::AccessError};

/// Why a command on users failed. Nothing was changed, unless a variant says so.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is no such user.
    #[error("user not found")]
    NotFound,
    /// Another user has this address.
    #[error("another user has this email address")]
    EmailTaken,
    /// Address and password do not belong together; which of them is wrong is not said.
    #[error("the email address or the password is wrong")]
    WrongCredentials,
    /// The refresh token is unknown, too old, or of a session that has ended. If it had been used before, its session
    /// has ended now.
    #[error("the refresh token is not valid; sign in again")]
    RefreshRefused,
    /// Too many attempts from here, or for this account.
    #[error("too many attempts; try again later")]
    Throttled {
        /// When the next attempt is allowed.
        retry_after: Duration,
    },
    /// Only of users who were deactivated is anything erased.
    #[error("the user is not deactivated")]
    NotDeactivated,
    /// There would be nobody left to manage users.
    #[error("this is the last administrator")]
    LastAdministrator,
    /// The user was changed since the caller read it.
    #[error("the user is at version {current}")]
    VersionConflict {
        /// Its version now.
        current: i64,
    },
    /// The input breaks rules.
    #[error("the input is not valid")]
    Invalid(Violations),
    /// The caller may not do that, or nobody knows who the caller is.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The idempotency key was used for another request.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// The log or the database failed.
    #[error(transparent)]
    Log(#[from] events::Error),
}

impl From<sea_orm::DbErr> for UserError {
    fn from(error: sea_orm::DbErr) -> Self {
        let error = events::Error::from(error);
        // Postgres names the index, SQLite the column.
        let is_email = |violated: String| {
            violated.contains("app_user_email") || violated.contains("app_user.email_key")
        };
        if error.unique_violation().is_some_and(is_email) {
            Self::EmailTaken
        } else {
            Self::Log(error)
        }
    }
}

impl AsRetryable for UserError {
    fn is_retryable(&self) -> bool {
        match self {
            // The loser of two appends sees the winner's version when it runs again.
            Self::Log(events::Error::VersionConflict) => true,
            Self::Log(error) => error.is_retryable(),
            _ => false,
        }
    }
}
