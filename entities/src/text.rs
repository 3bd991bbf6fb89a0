//! The rules for text of all domains, without I/O: what is valid, and when two texts are the same. There are addresses of email
//! (`email`), names and longer texts (`written`), and the form that is searched (`fold`). Called by the rules of the domains;
//! invalid text is refused before a transaction begins.

pub(crate) mod email;
mod fold;
pub(crate) mod written;

pub(crate) use fold::{fold, nfc};

use std::borrow::{Borrow, Cow};

use crate::{Violation, Violations};

/// Returns a text as it is compared in a filter: as it would be stored, whatever its case.
pub(crate) fn trimmed_fold(text: &str) -> String {
    fold(text.trim())
}

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

/// A value of an input: always there, or optional, or a change to an optional one.
pub(crate) trait Given<T> {
    /// Returns the value, if there is one.
    fn given(&mut self) -> Option<&mut T>;
}

impl<T> Given<T> for T {
    fn given(&mut self) -> Option<&mut T> {
        Some(self)
    }
}

impl<T> Given<T> for Option<T> {
    fn given(&mut self) -> Option<&mut T> {
        self.as_mut()
    }
}

impl<T> Given<T> for Option<Option<T>> {
    fn given(&mut self) -> Option<&mut T> {
        self.as_mut()?.as_mut()
    }
}

/// The fields of an input, checked one after the other.
#[derive(Default)]
pub struct Fields(Vec<Violation>);

impl Fields {
    /// Brings a value into the form in which it is stored, or notes its flaw. What is not given has none.
    pub(crate) fn rule<T: Borrow<B>, B: ?Sized>(
        &mut self,
        field: &str,
        value: &mut impl Given<T>,
        rule: impl FnOnce(&B) -> Result<T, Flaw>,
    ) {
        let Some(value) = value.given() else {
            return;
        };
        match rule((*value).borrow()) {
            Ok(checked) => *value = checked,
            Err(flaw) => self.0.push(flaw.of(field)),
        }
    }

    /// Checks a value that has fields of its own, if it is given.
    pub(crate) fn check_within<T>(
        &mut self,
        value: &mut impl Given<T>,
        check: impl FnOnce(&mut T, &mut Self),
    ) {
        if let Some(value) = value.given() {
            check(value, self);
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
