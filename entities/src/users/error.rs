//! Why commands on users are refused, besides the reasons of all domains.

use std::time::Duration;

use sea_orm::DbErr;

use super::STREAM;
use crate::{
    CommandError, Failure, Refusal,
    record::{Unique, refused},
};

/// Why a command on users failed.
pub type UserError = CommandError<UserRefusal>;

/// The reasons that only users have. Nothing was changed, unless a variant says so.
#[derive(Debug, thiserror::Error)]
pub enum UserRefusal {
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
}

impl Refusal for UserRefusal {
    fn failure(&self) -> Failure {
        match self {
            Self::WrongCredentials | Self::RefreshRefused => Failure::Unauthenticated,
            Self::Throttled { retry_after } => Failure::TooOften(*retry_after),
            Self::NotDeactivated | Self::LastAdministrator => Failure::Conflict,
        }
    }
}

/// Why the database refused the row of a user.
pub(super) fn refused_row(error: DbErr) -> UserError {
    const UNIQUE: &[Unique] = &[Unique {
        field: "email",
        value: "email address",
        constraint: ["app_user_email", "app_user.email_key"],
    }];
    refused(STREAM, UNIQUE, error)
}
