//! Everything a student command can answer instead of success.

use events::AsRetryable;

use crate::{KeyReused, Violations, access::AccessError};

/// Why a command on students failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StudentError {
    /// There is no such student, or it is deleted.
    #[error("student not found")]
    NotFound,
    /// Another student has this address.
    #[error("another student has this email address")]
    EmailTaken,
    /// Another student has this number.
    #[error("another student has this student number")]
    NumberTaken,
    /// The student was changed since the caller read it.
    #[error("the student is at version {current}")]
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

impl From<sea_orm::DbErr> for StudentError {
    fn from(error: sea_orm::DbErr) -> Self {
        let error = events::Error::from(error);
        // Postgres names the index, SQLite the column.
        let violated = error.unique_violation().unwrap_or_default();
        if violated.contains("student_email") || violated.contains("student.email_key") {
            Self::EmailTaken
        } else if violated.contains("student_number") || violated.contains("student.number_key") {
            Self::NumberTaken
        } else {
            Self::Log(error)
        }
    }
}

impl AsRetryable for StudentError {
    fn is_retryable(&self) -> bool {
        match self {
            // The loser of two appends sees the winner's version when it runs again.
            Self::Log(events::Error::VersionConflict) => true,
            Self::Log(error) => error.is_retryable(),
            _ => false,
        }
    }
}
