//! Who is calling a command, and everything that a command can answer instead of success, alike in all domains.

use std::{convert::Infallible, time::Duration};

use events::{AsRetryable, Horizon, Receipt};

use crate::{
    Violations,
    access::{AccessError, Viewer},
};

/// A request that may arrive again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's name for the request.
    pub key: String,
    /// A digest of what was asked for.
    pub fingerprint: Vec<u8>,
}

/// The key was used before, for something else.
#[derive(Debug, thiserror::Error)]
#[error("the idempotency key was used before with another request")]
pub struct KeyReused;

/// Who is calling, and under which names the call is known.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// On whose behalf.
    pub viewer: Viewer,
    /// The request that this is part of.
    pub request_id: Option<String>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The client's promise that a repeat is a repeat.
    pub idempotency: Option<Idempotency>,
    /// Where the request learns what it has written.
    pub receipt: Receipt,
    /// Where it learns how far its answer sees.
    pub horizon: Horizon,
}

impl CommandContext {
    /// The context of a process that acts on its own behalf.
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

/// Why a command failed. Nothing was changed. What only one domain can answer is that domain's `Own`.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<Own = Infallible> {
    /// There is no such thing, or it is deleted, or not for this caller.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Another one has a value that must be unique.
    #[error("another {kind} has this {value}")]
    Taken {
        /// What has it.
        kind: &'static str,
        /// What the value is called.
        value: &'static str,
        /// The field of the input.
        field: &'static str,
    },
    /// It is not deleted, so it cannot be restored.
    #[error("the {0} is not deleted")]
    NotDeleted(&'static str),
    /// It was changed since the caller read it.
    #[error("the {kind} is at version {current}")]
    VersionConflict {
        /// What was changed.
        kind: &'static str,
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
    /// The domain's own reason.
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
    /// Refuses a command whose caller expected another version of `kind` than the current one.
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

/// What kind of failure a domain's own reason is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There is no such thing, or not for this caller.
    NotFound,
    /// The caller may not do this.
    Forbidden,
    /// The state does not allow it.
    Conflict,
    /// The caller did not prove who it is.
    Unauthenticated,
    /// Too many attempts; how long to wait.
    TooOften(Duration),
}

/// A domain's own reason to refuse a command.
pub trait Refusal: std::error::Error {
    /// What kind of failure it is.
    fn failure(&self) -> Failure;
}

/// Something that the caller named does not exist. This is the only reason of domains that have no rules of their own.
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
