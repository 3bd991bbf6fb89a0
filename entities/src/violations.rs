//! Bad input, as a list: every field that is wrong, with a code for programs and a sentence for people.

use serde::{Deserialize, Serialize};
use validator::{ValidationErrors, ValidationErrorsKind};

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

impl From<ValidationErrors> for Violations {
    fn from(errors: ValidationErrors) -> Self {
        let mut violations: Vec<_> = errors
            .0
            .into_iter()
            .filter_map(|(field, kind)| match kind {
                ValidationErrorsKind::Field(errors) => Some((field, errors)),
                ValidationErrorsKind::Struct(_) | ValidationErrorsKind::List(_) => None,
            })
            .flat_map(|(field, errors)| {
                errors.into_iter().map(move |error| Violation {
                    field: field.to_string(),
                    message: error
                        .message
                        .map_or_else(|| "is not valid".to_owned(), |m| m.into_owned()),
                    code: error.code.into_owned(),
                })
            })
            .collect();
        violations.sort_by(|a, b| (&a.field, &a.code).cmp(&(&b.field, &b.code)));
        Self(violations)
    }
}
