//! Violations: a list of the invalid fields of an input, each with a code for programs and a sentence for people; and refusals of single
//! rows of an input.

use serde::{Deserialize, Serialize};

/// A rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The input field, as the API names it.
    pub field: String,
    /// The rule, such as `length` or `email`.
    pub code: String,
    /// What a valid value would be.
    pub message: String,
}

/// All rules that an input breaks; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violations(pub Vec<Violation>);

impl Violations {
    /// Returns a list with a single violation.
    pub fn one(field: &str, code: &str, message: &str) -> Self {
        Self(vec![Violation {
            field: field.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
        }])
    }
    /// Returns each as `field:code`.
    #[cfg(test)]
    pub(crate) fn codes(self) -> Vec<String> {
        let all = self.0.into_iter();
        all.map(|it| format!("{}:{}", it.field, it.code)).collect()
    }
}

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRefusal {
    /// The category.
    pub reason: RowReason,
    /// A sentence for people.
    pub message: String,
    /// The field whose value belongs to another record.
    pub field: Option<String>,
    /// The version that the record is at, if another was expected.
    pub current_version: Option<i64>,
    /// The rules that the input breaks.
    pub violations: Vec<Violation>,
}

/// The category of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowReason {
    /// The input breaks rules.
    Invalid,
    /// There is no such record.
    NotFound,
    /// The state does not allow it.
    Conflict,
}
