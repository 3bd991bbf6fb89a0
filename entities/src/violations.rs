//! Bad input, as a list: every field that is wrong, with a code for programs and a sentence for people.

use serde::{Deserialize, Serialize};

/// One rule that one field breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The input field, as the API names it.
    pub field: String,
    /// The rule, such as `length` or `email`.
    pub code: String,
    /// What would be right.
    pub message: String,
}

/// All rules that an input breaks; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violations(pub Vec<Violation>);

impl Violations {
    /// A single violation.
    pub fn one(field: &str, code: &str, message: &str) -> Self {
        Self(vec![Violation {
            field: field.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
        }])
    }
}
