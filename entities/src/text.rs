//! The rules for text of all domains, without I/O: what is valid, and when two texts are the same. There are addresses of email
//! (`email`), names and longer texts (`written`), and the form that is searched (`fold`). Called by the rules of the domains;
//! invalid text is refused before a transaction begins.

pub(crate) mod email;
mod fold;
pub(crate) mod written;

pub(crate) use fold::{fold, nfc};

use std::borrow::Cow;

use crate::{Violation, Violations};

/// A rule that a text breaks, without the name of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The code for programs.
    pub(crate) code: &'static str,
    /// What a valid text would be.
    pub(crate) message: Cow<'static, str>,
}

impl Flaw {
    pub(crate) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Returns the violation for a field.
    pub(crate) fn of(self, field: &str) -> Violation {
        Violation {
            field: field.to_owned(),
            code: self.code.to_owned(),
            message: self.message.into_owned(),
        }
    }
}

/// The fields of an input, checked one after the other.
#[derive(Default)]
pub struct Fields(Vec<Violation>);

impl Fields {
    /// Brings a text into the form in which it is stored, or notes its flaw.
    pub(crate) fn text(
        &mut self,
        field: &str,
        text: &mut String,
        rule: impl FnOnce(&str) -> Result<String, Flaw>,
    ) {
        match rule(text) {
            Ok(checked) => *text = checked,
            Err(flaw) => self.0.push(flaw.of(field)),
        }
    }

    /// Does the same if the text is given.
    pub(crate) fn given(
        &mut self,
        field: &str,
        text: Option<&mut String>,
        rule: impl FnOnce(&str) -> Result<String, Flaw>,
    ) {
        if let Some(text) = text {
            self.text(field, text, rule);
        }
    }

    /// Notes the flaw of any other field.
    pub(crate) fn check(&mut self, field: &str, checked: Result<(), Flaw>) {
        self.0.extend(checked.err().map(|flaw| flaw.of(field)));
    }

    /// Returns all violations, by field.
    pub(crate) fn end(mut self) -> Result<(), Violations> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0
            .sort_by(|a, b| (&a.field, &a.code).cmp(&(&b.field, &b.code)));
        Err(Violations(self.0))
    }
}
