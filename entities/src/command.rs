//! The context of a command, and every failure that a command can answer with, alike in all domains.

use std::{convert::Infallible, time::Duration};

use events::{AsRetryable, Horizon, Receipt};

use crate::{
    RowReason, RowRefusal, Violations,
    access::{AccessError, Viewer},
};

/// Identifies a request that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The idempotency key that the client chose.
    pub key: String,
    /// A digest of the request's content.
    pub fingerprint: Vec<u8>,
}

/// The key was already used for another request.
#[derive(Debug, thiserror::Error)]
#[error("the idempotency key was used before with another request")]
pub struct KeyReused;

/// The caller of a command, and the ids of the call.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// The caller on whose behalf the command runs.
    pub viewer: Viewer,
    /// The id of the HTTP request.
    pub request_id: Option<String>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The client's idempotency key, if it sent one.
    pub idempotency: Option<Idempotency>,
    /// Records the events that the request has written.
    pub receipt: Receipt,
    /// Records the position that the answer includes.
    pub horizon: Horizon,
}

impl CommandContext {
    /// Returns the context of a process that acts on its own behalf.
    pub fn process(name: &'static str) -> Self {
        Self {
            viewer: Viewer::Process(name),
            request_id: None,
            traceparent: None,
            idempotency: None,
            receipt: Receipt::default(),
            horizon: Horizon::default(),
        }
    }

    pub(crate) fn meta(&self) -> events::Meta {
        events::Meta {
            actor: self.viewer.actor(),
            correlation_id: self.request_id.clone(),
            causation_id: None,
            traceparent: self.traceparent.clone(),
            idempotency_key: self.idempotency.as_ref().map(|it| it.key.clone()),
            receipt: self.receipt.clone(),
        }
    }
}

/// Why a command failed. Nothing was changed. Reasons that only one domain has are its `Own`.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<Own = Infallible> {
    /// The object does not exist, is deleted, or is hidden from this caller.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Another object already has a value that must be unique.
    #[error("another {kind} has this {value}")]
    Taken {
        /// The kind of the object.
        kind: &'static str,
        /// The name of the value.
        value: &'static str,
        /// The field of the input.
        field: &'static str,
    },
    /// The object is not deleted, so it cannot be restored.
    #[error("the {0} is not deleted")]
    NotDeleted(&'static str),
    /// The object was changed since the caller read it.
    #[error("the {kind} is at version {current}")]
    VersionConflict {
        /// The kind of the object.
        kind: &'static str,
        /// Its current version.
        current: i64,
    },
    /// Rows were refused of a call that does all of them or none. They have their places in the input, from 0.
    #[error("{} of the rows were refused, and nothing was changed", .0.len())]
    Rows(Vec<(u64, RowRefusal)>),
    /// The input breaks rules of validation.
    #[error("the input is not valid")]
    Invalid(Violations),
    /// The caller is not allowed to do this, or is not authenticated.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The idempotency key was used for another request.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// The log or the database failed.
    #[error(transparent)]
    Log(#[from] events::Error),
    /// A reason that only this domain has.
    #[error(transparent)]
    Own(Own),
}

impl<Own> From<Violations> for CommandError<Own> {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

impl<Own> From<sea_orm::DbErr> for CommandError<Own> {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Log(error.into())
    }
}

impl<Own: Refusal> From<Own> for CommandError<Own> {
    fn from(own: Own) -> Self {
        Self::Own(own)
    }
}

impl<Own> CommandError<Own> {
    /// Refuses a command whose caller expects another version of `kind` than the current one.
    pub(crate) fn check_version(
        kind: &'static str,
        expected: Option<i64>,
        current: i64,
    ) -> Result<(), Self> {
        match expected.is_none_or(|expected| expected == current) {
            true => Ok(()),
            false => Err(Self::VersionConflict { kind, current }),
        }
    }
}

impl CommandError {
    /// Returns the refusal of the row that the error is about.
    ///
    /// # Errors
    /// Returns an error that concerns more than the row.
    pub(crate) fn of_row(self) -> Result<RowRefusal, Self> {
        let mut refusal = RowRefusal {
            reason: RowReason::Conflict,
            message: self.to_string(),
            field: None,
            current_version: None,
            violations: Vec::new(),
        };
        match self {
            Self::NotFound(_) => refusal.reason = RowReason::NotFound,
            Self::Taken { field, .. } => refusal.field = Some(field.to_owned()),
            Self::NotDeleted(_) => {}
            Self::VersionConflict { current, .. } => refusal.current_version = Some(current),
            Self::Invalid(Violations(violations)) => {
                refusal.reason = RowReason::Invalid;
                refusal.violations = violations;
            }
            error => return Err(error),
        }
        Ok(refusal)
    }
}

impl<Own> AsRetryable for CommandError<Own> {
    fn is_retryable(&self) -> bool {
        match self {
            // The loser of two appends sees the winner's version when it runs again. This is right for every domain: a command
            // reads the version that it expects in the transaction that appends, or its stream is new and nobody else's.
            Self::Log(events::Error::VersionConflict) => true,
            Self::Log(error) => error.is_retryable(),
            _ => false,
        }
    }
}

/// The category of a domain's own reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The object does not exist, or is hidden from this caller.
    NotFound,
    /// The caller is not allowed to do this.
    Forbidden,
    /// The state does not allow it.
    Conflict,
    /// The caller did not prove their identity.
    Unauthenticated,
    /// There were too many attempts; the value says how long to wait.
    TooOften(Duration),
}

/// A domain's own reason to refuse a command.
pub trait Refusal: std::error::Error {
    /// Returns the category of the failure.
    fn failure(&self) -> Failure;
}

/// An object that the caller named does not exist. It is the only reason of domains that have no rules of their own.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("there is no {0}")]
pub struct Missing(pub &'static str);

impl Refusal for Missing {
    fn failure(&self) -> Failure {
        Failure::NotFound
    }
}

impl Refusal for Infallible {
    fn failure(&self) -> Failure {
        match *self {}
    }
}
