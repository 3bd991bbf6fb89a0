//! Filters of lists: conditions on the columns of a table, joined by and, or and not. A filter is plain data; this module makes a
//! condition of the database of it. A domain describes its columns with `filter_fields!`. Used by the lists of all domains.
//!
//! A condition is true or false, and never unknown, so that `not` selects exactly the rows that its condition does not: a row
//! without a value fulfils no comparison. SQL would call that unknown, so a comparison of a column that may be null asks first
//! whether there is a value.
//!
//! Both databases give the same rows. Texts are compared by code point, in the form in which the domain compares them. A time is
//! stored to the microsecond, and a time between two of them is moved to the one that makes no difference. What neither database
//! can store equals nothing.

use std::hash::{Hash, Hasher};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use sea_orm::{
    ActiveEnum, Condition, DbBackend, Value,
    sea_query::{Expr, ExprTrait},
};

mod fields;

pub use fields::FilterField;
pub(crate) use fields::{are_nullable, filter_fields, first_of};

use crate::{id, searching::contains};

/// Selects the rows of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter<F> {
    /// All of these hold. Without any, every row is selected.
    All(Vec<Self>),
    /// At least one of these holds. Without any, no row is selected.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// The value of a field passes a test.
    Is(F, Test),
    /// The searched text of the row contains this one, whatever its case.
    Contains(String),
}

impl<F> Default for Filter<F> {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

/// A test of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// It is one of these.
    OneOf(Vec<Operand>),
    /// It is greater.
    Above(Operand),
    /// It is greater or equal.
    AtLeast(Operand),
    /// It is less.
    Below(Operand),
    /// It is less or equal.
    AtMost(Operand),
    /// It is a text that begins with this one.
    StartsWith(String),
    /// Whether there is none.
    IsNull(bool),
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A text, or the name of a value of an enum.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A number.
    Real(f64),
    /// A time.
    Time(DateTime<Utc>),
    /// An id, as people see it.
    Id(String),
}

/// GraphQL has no number that differs from itself.
impl Eq for Operand {}

impl Hash for Operand {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Text(text) | Self::Id(text) => text.hash(state),
            Self::Number(number) => number.hash(state),
            // Both zeros are equal, so they are one.
            Self::Real(number) => (number + 0.0).to_bits().hash(state),
            Self::Time(time) => time.hash(state),
        }
    }
}

impl Operand {
    /// Returns the value of an enum, by the name under which it is stored.
    pub fn of<E: ActiveEnum<Value = String>>(value: &E) -> Self {
        Self::Text(value.to_value())
    }
}

impl<F: FilterField> Filter<F> {
    /// Returns whether every row is selected that has not come to its end.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(parts) if parts.iter().all(Self::is_empty))
    }

    /// Returns whether the filter asks about a field.
    pub fn asks_about(&self, field: F) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.asks_about(field)),
            Self::Not(part) => part.asks_about(field),
            Self::Is(asked, _) => *asked == field,
            Self::Contains(_) => false,
        }
    }

    /// Returns whether a text is searched.
    pub fn is_search(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::is_search),
            Self::Not(part) => part.is_search(),
            Self::Is(..) => false,
            Self::Contains(_) => true,
        }
    }

    /// Returns whether the filter may select a row of which only some values are known. `known` returns whether a field passes a test,
    /// if that is known.
    pub(crate) fn may_select(&self, known: &impl Fn(F, &Test) -> Option<bool>) -> bool {
        self.outcome(known) != Some(false)
    }

    fn outcome(&self, known: &impl Fn(F, &Test) -> Option<bool>) -> Option<bool> {
        // One part decides the whole; without it, the whole is known when all parts are.
        let joined = |parts: &[Self], deciding: bool| {
            let mut joined = Some(!deciding);
            for part in parts {
                match part.outcome(known) {
                    Some(outcome) if outcome == deciding => return Some(deciding),
                    Some(_) => {}
                    None => joined = None,
                }
            }
            joined
        };
        match self {
            Self::All(parts) => joined(parts, false),
            Self::Any(parts) => joined(parts, true),
            Self::Not(part) => part.outcome(known).map(|holds| !holds),
            Self::Is(field, test) => known(*field, test),
            Self::Contains(_) => None,
        }
    }

    /// Returns the condition for the rows of a table.
    pub(crate) fn condition(&self, backend: DbBackend, table: &str) -> Condition {
        self.condition_by(backend, &|text| contains(backend, table, text))
    }

    /// Returns the condition for rows of which `contains` says how a text is searched in them.
    pub(crate) fn condition_by(
        &self,
        backend: DbBackend,
        contains: &dyn Fn(&str) -> Condition,
    ) -> Condition {
        let hidden = F::ENDED.filter(|ended| !self.asks_about(*ended));
        let condition = Condition::all().add_option(hidden.map(|ended| ended.column().is_null()));
        match self.is_empty() {
            true => condition,
            false => condition.add(self.within(backend, contains)),
        }
    }

    fn within(&self, backend: DbBackend, contains: &dyn Fn(&str) -> Condition) -> Condition {
        let all = |parts: &[Self], joined: Condition| {
            let parts = parts.iter().map(|part| part.within(backend, contains));
            parts.fold(joined, Condition::add)
        };
        match self {
            Self::All(parts) if parts.is_empty() => constant(true),
            Self::Any(parts) if parts.is_empty() => constant(false),
            Self::All(parts) => all(parts, Condition::all()),
            Self::Any(parts) => all(parts, Condition::any()),
            Self::Not(part) => part.within(backend, contains).not(),
            Self::Is(field, test) => test.condition(*field, backend),
            Self::Contains(text) => match contains(text) {
                condition if condition.is_empty() => constant(true),
                condition => condition,
            },
        }
    }
}

fn constant(value: bool) -> Condition {
    Condition::all().add(Expr::value(value))
}

impl Test {
    /// Returns whether a value passes, as the database would say; `None` when that is not known here.
    pub(crate) fn holds(&self, value: &Operand) -> Option<bool> {
        let compared = |operand: &Operand| match (value, operand) {
            (Operand::Time(value), Operand::Time(other)) => Some(value.trunc_subsecs(6).cmp(other)),
            (Operand::Number(value), Operand::Number(other)) => Some(value.cmp(other)),
            _ => None,
        };
        Some(match self {
            Self::OneOf(operands) => operands.iter().any(|operand| match compared(operand) {
                Some(ordering) => ordering.is_eq(),
                None => operand == value,
            }),
            Self::Above(operand) => compared(operand)?.is_gt(),
            Self::AtLeast(operand) => compared(operand)?.is_ge(),
            Self::Below(operand) => compared(operand)?.is_lt(),
            Self::AtMost(operand) => compared(operand)?.is_le(),
            Self::IsNull(is_null) => !is_null,
            Self::StartsWith(_) => return None,
        })
    }

    fn condition<F: FilterField>(&self, field: F, backend: DbBackend) -> Condition {
        let column = || field.column();
        let passes = match self {
            Self::IsNull(true) => return Condition::all().add(column().is_null()),
            Self::IsNull(false) => return Condition::all().add(column().is_not_null()),
            Self::OneOf(operands) => {
                let values = operands.iter().filter_map(|it| it.equal(field));
                Some(field.is_one_of(values.collect()))
            }
            Self::Above(operand) => operand.floor(field).map(|value| column().gt(value)),
            Self::AtMost(operand) => operand.floor(field).map(|value| column().lte(value)),
            Self::AtLeast(operand) => operand.ceiling(field).map(|value| column().gte(value)),
            Self::Below(operand) => operand.ceiling(field).map(|value| column().lt(value)),
            Self::StartsWith(text) => {
                // The form drops blanks around a whole value; at the end of a beginning they count.
                let mut start = field.form(text);
                if !start.is_empty() && !start.ends_with(char::is_whitespace) {
                    start.push_str(&text[text.trim_end().len()..]);
                }
                begins(&start, || by_code_point(column(), backend))
            }
        };
        let known = field.is_nullable().then(|| column().is_not_null());
        let passes = passes.unwrap_or_else(|| Expr::value(false));
        Condition::all().add_option(known).add(passes)
    }
}

impl Operand {
    /// Returns the value that equals this one in the table; `None` when none can.
    fn equal<F: FilterField>(&self, field: F) -> Option<Value> {
        match self {
            Self::Time(time) if *time != time.trunc_subsecs(6) => None,
            Self::Id(text) => {
                let (kind, id) = id::decode(text)?;
                match field.kind() {
                    Some(of) => (*of == *kind).then(|| id.into()),
                    // Who did something is stored as people see it, as it may be a process.
                    None => Some(id::encode(&kind, id).into()),
                }
            }
            other => other.floor(field),
        }
    }

    /// Returns the greatest value in a table that is not greater than this one.
    fn floor<F: FilterField>(&self, field: F) -> Option<Value> {
        Some(match self {
            Self::Text(text) => {
                let form = field.form(text);
                // Postgres accepts no text with this character, and no stored text contains it.
                return (!form.contains('\0')).then(|| form.into());
            }
            Self::Number(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Time(time) => time.trunc_subsecs(6).into(),
            // Ids have no order.
            Self::Id(_) => return None,
        })
    }

    /// Returns the least value in a table that is not less than this one.
    fn ceiling<F: FilterField>(&self, field: F) -> Option<Value> {
        match self {
            Self::Time(time) if *time != time.trunc_subsecs(6) => {
                Some((time.trunc_subsecs(6) + TimeDelta::microseconds(1)).into())
            }
            other => other.floor(field),
        }
    }
}

/// Returns the condition that a column begins with a text: it is in the range of the texts that do, which an index serves.
fn begins(text: &str, column: impl Fn() -> Expr) -> Option<Expr> {
    if text.contains('\0') {
        return None;
    }
    let from = column().gte(text);
    Some(match successor(text) {
        Some(end) => from.and(column().lt(end)),
        None => from,
    })
}

/// Returns the least text that is greater than all texts that begin with this one; `None` when there is none.
fn successor(text: &str) -> Option<String> {
    let mut chars: Vec<char> = text.chars().collect();
    while let Some(last) = chars.pop() {
        // Surrogates are no characters: the one after U+D7FF is U+E000.
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Returns the column as it is compared by code point. Some columns of Postgres have the order of another language.
fn by_code_point(column: Expr, backend: DbBackend) -> Expr {
    match backend {
        DbBackend::Postgres => Expr::cust_with_exprs("$1 collate \"C\"", [column]),
        _ => column,
    }
}

#[cfg(test)]
mod tests;
