//! Everything a customer command can answer instead of success.

use events::AsRetryable;

use crate::{KeyReused, Violations, access::AccessError};

/// Why a command on customers failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// There is no such customer, or it is deleted.
    #[error("customer not found")]
    NotFound,
    /// Another customer has this address.
    #[error("another customer has this email address")]
    EmailTaken,
    /// The customer is not deleted, so it cannot be restored.
    #[error("the customer is not deleted")]
    NotDeleted,
    /// The customer was changed since the caller read it.
    #[error("the customer is at version {current}")]
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

impl From<sea_orm::DbErr> for CustomerError {
    fn from(error: sea_orm::DbErr) -> Self {
        let error = events::Error::from(error);
        // Postgres names the index, SQLite the column.
        let is_email = |violated: String| {
            violated.contains("customer_email") || violated.contains("customer.email_key")
        };
        if error.unique_violation().is_some_and(is_email) {
            Self::EmailTaken
        } else {
            Self::Log(error)
        }
    }
}

impl AsRetryable for CustomerError {
    fn is_retryable(&self) -> bool {
        match self {
            // The loser of two appends sees the winner's version when it runs again.
            Self::Log(events::Error::VersionConflict) => true,
            Self::Log(error) => error.is_retryable(),
            _ => false,
        }
    }
}
