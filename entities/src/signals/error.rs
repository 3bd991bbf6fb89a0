//! Everything that submitting a signal can answer instead of success.

use events::AsRetryable;

use crate::{KeyReused, Violations, access::AccessError};

/// Why a signal was not submitted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
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

impl From<sea_orm::DbErr> for SignalError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Log(error.into())
    }
}

impl AsRetryable for SignalError {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Log(error) if error.is_retryable())
    }
}
