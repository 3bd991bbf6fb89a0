//! Why commands on users are refused, besides the reasons of all domains.

use std::time::Duration;

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
    /// Address and password do not match; the error does not tell which of them is wrong.
    #[error("the email address or the password is wrong")]
    WrongCredentials,
    /// The refresh token is unknown or too old, or its session has ended. If the token had been used before, its session has
    /// ended now.
    #[error("the refresh token is not valid; sign in again")]
    RefreshRefused,
    /// There were too many attempts from this address, or for this account.
    #[error("too many attempts; try again later")]
    Throttled {
        /// When the next attempt is allowed.
        retry_after: Duration,
    },
    /// Not everybody may register here.
    #[error("registration is closed; an administrator creates users")]
    RegistrationClosed,
    /// No mail is sent here.
    #[error("this installation sends no mail; ask an administrator for a new password")]
    NoMail,
    /// The user is not deactivated; only the data of deactivated users is erased.
    #[error("the user is not deactivated")]
    NotDeactivated,
    /// The user's personal data was erased, so nobody could sign in as them.
    #[error("the user's personal data was erased")]
    Erased,
    /// Nobody would be left to manage users.
    #[error("this is the last administrator")]
    LastAdministrator,
}

impl Refusal for UserRefusal {
    fn failure(&self) -> Failure {
        match self {
            Self::WrongCredentials | Self::RefreshRefused => Failure::Unauthenticated,
            Self::RegistrationClosed | Self::NoMail => Failure::Forbidden,
            Self::Throttled { retry_after } => Failure::TooOften(*retry_after),
            Self::NotDeactivated | Self::Erased | Self::LastAdministrator => Failure::Conflict,
        }
    }
}

/// Returns the reason why the database refused the row of a user.
pub(super) fn refused_row(error: impl Into<::events::Error>) -> UserError {
    const UNIQUE: &[Unique] = &[
        Unique {
            field: "email",
            value: "email address",
            constraint: ["app_user_email", "app_user.email_key"],
        },
        Unique {
            field: "username",
            value: "username",
            constraint: ["username_name", "username.name"],
        },
    ];
    refused(STREAM, UNIQUE, error)
}
