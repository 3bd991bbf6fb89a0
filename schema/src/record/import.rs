//! What imports of all records have: what became of a row.

use async_graphql::{Enum, SimpleObject};
use entities::{Violation, record};

/// What became of a row.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "record::ImportOutcome")]
pub(crate) enum ImportOutcome {
    /// The record was created.
    Created,
    /// The record was there, and was changed.
    Updated,
    /// The record was there, and is as it was.
    Unchanged,
    /// Nothing was done; `violations` says why.
    Refused,
}

/// Why a row was refused.
#[derive(SimpleObject)]
pub(crate) struct ImportViolation {
    /// The field of the row.
    field: String,
    /// The rule, such as `length`; `taken` when another record has the value, `duplicate` when an earlier row has.
    code: String,
    /// What would be right.
    message: String,
}

impl From<Violation> for ImportViolation {
    fn from(violation: Violation) -> Self {
        Self {
            field: violation.field,
            code: violation.code,
            message: violation.message,
        }
    }
}
