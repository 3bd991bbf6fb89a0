//! What text may be and when it is the same, in one place for all domains, without I/O: addresses of email (`email`), names
//! and longer texts (`written`), and what is found by searching (`fold`). Called by the rules of the domains; what they refuse
//! is refused before a transaction begins.

pub(crate) mod email;
mod fold;
pub(crate) mod written;

pub(crate) use fold::{fold, nfc};

use std::borrow::Cow;

use crate::{Violation, Violations};

/// One rule that a text breaks, without the field's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// For programs.
    pub(crate) code: &'static str,
    /// What would be right.
    pub(crate) message: Cow<'static, str>,
}

impl Flaw {
    pub(crate) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The flaw of a field.
    pub(crate) fn of(self, field: &str) -> Violation {
        Violation {
            field: field.to_owned(),
            code: self.code.to_owned(),
            message: self.message.into_owned(),
        }
    }
}

/// The fields of an input, as they are checked one after the other.
#[derive(Default)]
pub struct Fields(Vec<Violation>);

impl Fields {
    /// Puts a text in the form in which it is stored, or notes what is wrong with it.
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

    /// The same if the text is given.
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

    /// Notes what is wrong with any other field.
    pub(crate) fn check(&mut self, field: &str, checked: Result<(), Flaw>) {
        self.0.extend(checked.err().map(|flaw| flaw.of(field)));
    }

    /// All that is wrong, by field.
    pub(crate) fn end(mut self) -> Result<(), Violations> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0
            .sort_by(|a, b| (&a.field, &a.code).cmp(&(&b.field, &b.code)));
        Err(Violations(self.0))
    }
}
