//! The one place where failures become GraphQL errors. A client gets a code, and what it needs to correct the request; an
//! unexpected failure is logged with the request's id and sent as INTERNAL without its cause.

use std::{sync::Arc, time::Duration};

use async_graphql::{Name, Value};
use entities::{
    CommandError, Failure, Refusal, RowReason, RowRefusal, Violation, Violations,
    access::{AccessError, Reason},
};
use events::{CursorError, FeedError};

/// The values of `extensions.code`.
pub mod codes {
    /// Fields of the input break rules; `violations` lists them.
    pub const VALIDATION: &str = "VALIDATION";
    /// The object does not exist, or is hidden from this caller.
    pub const NOT_FOUND: &str = "NOT_FOUND";
    /// The state does not allow the command: the version differs, or a value is taken.
    pub const CONFLICT: &str = "CONFLICT";
    /// The caller is not authenticated; `reason` says why.
    pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    /// The caller is not allowed to do this.
    pub const FORBIDDEN: &str = "FORBIDDEN";
    /// There are too many attempts or requests; `retryAfterSeconds` says when the next is allowed.
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    /// The idempotency key belongs to another request.
    pub const IDEMPOTENCY_KEY_REUSED: &str = "IDEMPOTENCY_KEY_REUSED";
    /// The cursor was not made by this server.
    pub const CURSOR_INVALID: &str = "CURSOR_INVALID";
    /// The events after the cursor were removed.
    pub const CURSOR_EXPIRED: &str = "CURSOR_EXPIRED";
    /// An event has a form that this version does not know. A subscription goes on with the next one.
    pub const EVENT_UNREADABLE: &str = "EVENT_UNREADABLE";
    /// A part of the system cannot be reached; the client may try again.
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    /// A failure that the caller did not cause; it is logged under the request id.
    pub const INTERNAL: &str = "INTERNAL";
}

/// An error as clients get it. `?` converts only the failures that this module knows, so a resolver cannot send the text of a
/// cause by accident.
#[derive(Debug, Clone)]
pub struct Error(pub async_graphql::Error);

/// The result of a resolver.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        error.0
    }
}

/// Converts an error of async-graphql, such as one of its context.
impl From<async_graphql::Error> for Error {
    fn from(error: async_graphql::Error) -> Self {
        Self(error)
    }
}

impl Error {
    /// Returns whether `extensions.code` is this.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        let extensions = self.0.extensions.as_ref();
        let found = extensions.and_then(|extensions| extensions.get("code"));
        matches!(found, Some(Value::String(found)) if found == code)
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extensions.get_or_insert_default().set(name, value);
        self
    }
}

/// Returns an error with a code.
pub(crate) fn error(code: &str, message: impl Into<String>) -> Error {
    Error(async_graphql::Error::new(message)).with("code", code)
}

/// Logs a failure whose cause is not for clients, and returns the error for them.
pub(crate) fn internal(cause: &dyn std::error::Error) -> Error {
    tracing::error!(error = %cause, "a request failed");
    error(codes::INTERNAL, "internal error")
}

pub(crate) fn invalid(violations: Violations) -> Error {
    error(codes::VALIDATION, "the input is not valid").with("violations", listed(violations.0))
}

fn listed(violations: Vec<Violation>) -> Value {
    let list = violations.into_iter().map(|violation| {
        object([
            ("field", violation.field.into()),
            ("code", violation.code.into()),
            ("message", violation.message.into()),
        ])
    });
    Value::List(list.collect())
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = fields.into_iter();
    Value::Object(
        fields
            .map(|(name, value)| (Name::new(name), value))
            .collect(),
    )
}

/// Returns the code of a refused row.
fn row_code(reason: RowReason) -> &'static str {
    match reason {
        RowReason::Invalid => codes::VALIDATION,
        RowReason::NotFound => codes::NOT_FOUND,
        RowReason::Conflict => codes::CONFLICT,
    }
}

/// Returns the error of a call that does all rows or none: its code is that of the first row that was refused.
fn from_rows(message: String, refused: Vec<(u64, RowRefusal)>) -> Error {
    let first = refused.first().map(|(_, refusal)| row_code(refusal.reason));
    let rows = refused.into_iter().map(|(index, refusal)| {
        let mut fields = vec![
            ("index", index.into()),
            ("code", row_code(refusal.reason).into()),
            ("message", refusal.message.into()),
        ];
        fields.extend(refusal.field.map(|field| ("field", field.into())));
        let current = refusal.current_version;
        fields.extend(current.map(|version| ("currentVersion", version.into())));
        if !refusal.violations.is_empty() {
            fields.push(("violations", listed(refusal.violations)));
        }
        object(fields)
    });
    let rows = Value::List(rows.collect());
    error(first.unwrap_or(codes::CONFLICT), message).with("rows", rows)
}

impl From<events::Error> for Error {
    fn from(cause: events::Error) -> Self {
        from_log(&cause)
    }
}

/// Converts the failure of a batch, which all waiting requests share.
impl From<Arc<events::Error>> for Error {
    fn from(cause: Arc<events::Error>) -> Self {
        from_log(&cause)
    }
}

fn from_log(cause: &events::Error) -> Error {
    match cause {
        events::Error::Unavailable(_) => {
            tracing::warn!(error = %cause, "a request failed");
            error(
                codes::UNAVAILABLE,
                "the database cannot be reached; try again",
            )
        }
        events::Error::Crowded => error(
            codes::RATE_LIMITED,
            "too much of yours is under way; wait for answers before you ask for more",
        )
        .with("retryAfterSeconds", 1),
        // This happens only after all attempts of a transaction have failed.
        cause if cause.is_retryable() || matches!(cause, events::Error::VersionConflict) => {
            tracing::warn!(error = %cause, "a request failed");
            error(codes::UNAVAILABLE, "too many changes at once; try again")
        }
        cause => internal(cause),
    }
}

/// Returns the error for an event that cannot be shown. Subscribers are told about an unreadable event and get the ones after
/// it: it must not withhold the events of everything else.
pub(crate) fn from_event(cause: &events::Error) -> Error {
    match cause {
        events::Error::Malformed { .. } => {
            tracing::error!(error = %cause, "an event cannot be shown to subscribers");
            error(
                codes::EVENT_UNREADABLE,
                "this event cannot be read; those after it follow",
            )
        }
        cause => from_log(cause),
    }
}

impl From<CursorError> for Error {
    fn from(cause: CursorError) -> Self {
        match cause {
            CursorError::Malformed | CursorError::Foreign => {
                error(codes::CURSOR_INVALID, cause.to_string())
            }
            CursorError::Expired => error(codes::CURSOR_EXPIRED, cause.to_string()),
        }
    }
}

impl From<FeedError> for Error {
    fn from(cause: FeedError) -> Self {
        match cause {
            FeedError::Cursor(cause) => cause.into(),
            FeedError::Log(cause) => cause.into(),
        }
    }
}

/// Converts the refusal of a caller's access.
impl From<AccessError> for Error {
    fn from(cause: AccessError) -> Self {
        let message = cause.to_string();
        match cause {
            AccessError::Unauthenticated(reason) => unauthenticated(message, reason),
            AccessError::Forbidden => error(codes::FORBIDDEN, message),
            AccessError::NotMember => error(codes::NOT_FOUND, message),
            AccessError::Log(cause) => cause.into(),
        }
    }
}

fn unauthenticated(message: String, reason: Reason) -> Error {
    error(codes::UNAUTHENTICATED, message).with("reason", reason_name(reason))
}

const fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Missing => "MISSING",
        Reason::Invalid => "INVALID",
        Reason::Expired => "EXPIRED",
        Reason::NotYetValid => "NOT_YET_VALID",
        Reason::Revoked => "REVOKED",
    }
}

/// Converts the failure of a command of any domain.
impl<Own: Refusal> From<CommandError<Own>> for Error {
    fn from(cause: CommandError<Own>) -> Self {
        let message = cause.to_string();
        match cause {
            CommandError::NotFound(_) => error(codes::NOT_FOUND, message),
            CommandError::Taken { field, .. } => {
                error(codes::CONFLICT, message).with("field", field)
            }
            CommandError::NotDeleted(_) => error(codes::CONFLICT, message),
            CommandError::VersionConflict { current, .. } => {
                error(codes::CONFLICT, message).with("currentVersion", current)
            }
            CommandError::Rows(refused) => from_rows(message, refused),
            CommandError::Invalid(violations) => invalid(violations),
            CommandError::Access(cause) => cause.into(),
            CommandError::KeyReused(_) => error(codes::IDEMPOTENCY_KEY_REUSED, message),
            CommandError::Log(cause) => cause.into(),
            CommandError::Own(own) => from_failure(own.failure(), message),
        }
    }
}

fn from_failure(failure: Failure, message: String) -> Error {
    match failure {
        Failure::NotFound => error(codes::NOT_FOUND, message),
        Failure::Forbidden => error(codes::FORBIDDEN, message),
        Failure::Conflict => error(codes::CONFLICT, message),
        Failure::Unauthenticated => unauthenticated(message, Reason::Invalid),
        Failure::TooOften(retry_after) => too_often(message, retry_after),
    }
}

fn too_often(message: String, retry_after: Duration) -> Error {
    // The time is rounded up, so that a client that waits for it is admitted.
    let seconds = retry_after.as_millis().div_ceil(1000).max(1) as u64;
    error(codes::RATE_LIMITED, message).with("retryAfterSeconds", seconds)
}
