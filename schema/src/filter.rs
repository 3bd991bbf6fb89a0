//! The filters of lists as clients give them: comparisons of fields, joined by `and`, `or` and `not`. `filters!` writes the filter of
//! a domain. A filter has a bounded number of levels and of values, and becomes one of `entities`, which is plain data.

use async_graphql::{ID, InputType};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use entities::{
    Filter, Violations,
    filter::{FilterField, Operand, Test},
};

use crate::error::{Result, invalid};

/// The most levels of filters within filters.
const MAX_LEVELS: usize = 8;
/// The most comparisons of a filter, each value of a list counted.
const MAX_COMPARISONS: usize = 500;

/// A comparison of a field.
pub(crate) trait Comparison {
    /// Returns what must be true of the field's value.
    fn tests(self) -> Vec<Test>;
}

/// Writes the input objects that compare values. A line has a field, how it becomes a test, and its description.
macro_rules! comparisons {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident as $operand:expr => {
            $($(#[$meta:meta])* $field:ident: $type:ty as $test:path = $description:literal),+ $(,)?
        }
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(async_graphql::InputObject)]
        pub(crate) struct $name {
            $(
                #[doc = $description]
                $(#[$meta])*
                $field: Option<$type>,
            )+
        }

        impl $crate::filter::Comparison for $name {
            fn tests(self) -> Vec<entities::filter::Test> {
                let tests = [$(self.$field.map(|value| $test(value, $operand))),+];
                tests.into_iter().flatten().collect()
            }
        }
    )+};
}

/// Writes the input objects that compare values of enums.
macro_rules! choices {
    ($($(#[doc = $doc:literal])+ $name:ident of $type:ty as $stored:ty;)+) => {
        $crate::filter::comparisons! {$(
            $(#[doc = $doc])+
            $name as |value: $type| entities::filter::Operand::of(&<$stored>::from(value)) => {
                eq: $type as $crate::filter::one = "It is this.",
                #[graphql(name = "in")]
                any: Vec<$type> as $crate::filter::any = "It is one of these. An empty list matches nothing.",
            }
        )+}
    };
}
pub(crate) use {choices, comparisons};

comparisons! {
    /// Compares a text. All of the given conditions must hold.
    StringFilter as Operand::Text => {
        eq: String as one = "It is this text.",
        #[graphql(name = "in")]
        any: Vec<String> as any = "It is one of these texts. An empty list matches nothing.",
        starts_with: String as begins = "It begins with this text.",
    }

    /// Compares a text that may be missing. All of the given conditions must hold. What is missing only matches `isNull`.
    OptionalStringFilter as Operand::Text => {
        eq: String as one = "It is this text.",
        #[graphql(name = "in")]
        any: Vec<String> as any = "It is one of these texts. An empty list matches nothing.",
        starts_with: String as begins = "It begins with this text.",
        is_null: bool as missing = "Whether it is missing.",
    }

    /// Compares a whole number. All of the given conditions must hold.
    IntFilter as Operand::Number => {
        eq: i64 as one = "It is this number.",
        #[graphql(name = "in")]
        any: Vec<i64> as any = "It is one of these numbers. An empty list matches nothing.",
        gt: i64 as above = "It is greater.",
        gte: i64 as at_least = "It is greater or equal.",
        lt: i64 as below = "It is less.",
        lte: i64 as at_most = "It is less or equal.",
    }

    /// Compares a number. All of the given conditions must hold.
    FloatFilter as Operand::Real => {
        eq: f64 as one = "It is exactly this number.",
        gt: f64 as above = "It is greater.",
        gte: f64 as at_least = "It is greater or equal.",
        lt: f64 as below = "It is less.",
        lte: f64 as at_most = "It is less or equal.",
    }

    /// Compares a time. All of the given conditions must hold.
    DateTimeFilter as Operand::Time => {
        eq: DateTime<Utc> as one = "It is this time, to the microsecond.",
        gt: DateTime<Utc> as above = "It is later.",
        gte: DateTime<Utc> as at_least = "It is this time or later.",
        lt: DateTime<Utc> as below = "It is earlier.",
        lte: DateTime<Utc> as at_most = "It is this time or earlier.",
    }

    /// Compares a time that may be missing. All of the given conditions must hold. What is missing only matches `isNull`.
    OptionalDateTimeFilter as Operand::Time => {
        eq: DateTime<Utc> as one = "It is this time, to the microsecond.",
        gt: DateTime<Utc> as above = "It is later.",
        gte: DateTime<Utc> as at_least = "It is this time or later.",
        lt: DateTime<Utc> as below = "It is earlier.",
        lte: DateTime<Utc> as at_most = "It is this time or earlier.",
        is_null: bool as missing = "Whether it is missing.",
    }

    /// Compares a global id. All of the given conditions must hold. What is no id of the right type matches nothing.
    IdFilter as |id: ID| Operand::Id(id.0) => {
        eq: ID as one = "It is this id.",
        #[graphql(name = "in")]
        any: Vec<ID> as any = "It is one of these ids. An empty list matches nothing.",
    }
}

pub(crate) fn one<T>(value: T, operand: impl Fn(T) -> Operand) -> Test {
    Test::OneOf(vec![operand(value)])
}

pub(crate) fn any<T>(values: Vec<T>, operand: impl Fn(T) -> Operand) -> Test {
    Test::OneOf(values.into_iter().map(operand).collect())
}

fn above<T>(value: T, operand: impl Fn(T) -> Operand) -> Test {
    Test::Above(operand(value))
}

fn at_least<T>(value: T, operand: impl Fn(T) -> Operand) -> Test {
    Test::AtLeast(operand(value))
}

fn below<T>(value: T, operand: impl Fn(T) -> Operand) -> Test {
    Test::Below(operand(value))
}

fn at_most<T>(value: T, operand: impl Fn(T) -> Operand) -> Test {
    Test::AtMost(operand(value))
}

fn begins(text: String, _: fn(String) -> Operand) -> Test {
    Test::StartsWith(text)
}

fn missing<T>(is_null: bool, _: fn(T) -> Operand) -> Test {
    Test::IsNull(is_null)
}

/// A filter of a list.
pub(crate) trait FilterInput: InputType {
    /// The fields that the list can be filtered by.
    type Field: FilterField;

    fn parts(self) -> Parts<Self>;
}

/// The parts of a filter, all of which must hold.
pub(crate) struct Parts<I: FilterInput> {
    pub(crate) and: Option<Vec<I>>,
    pub(crate) or: Option<Vec<I>>,
    pub(crate) not: Option<Box<I>>,
    pub(crate) search: Option<String>,
    pub(crate) tests: Vec<(I::Field, Vec<Test>)>,
}

/// Returns a field with its tests.
pub(crate) fn tested<F>(field: F, comparison: Option<impl Comparison>) -> (F, Vec<Test>) {
    let tests = comparison.map_or_else(Vec::new, Comparison::tests);
    (field, tests)
}

/// Writes the filter of a list. A line has a field, how it is compared, and the field of `entities` that it stands for.
macro_rules! filters {
    (
        $(#[doc = $doc:literal])+
        $name:ident of $fields:ty $(, search = $search:literal)? {
            $($field:ident: $type:ty as $own:ident = $description:literal),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(async_graphql::InputObject)]
        pub(crate) struct $name {
            /// All of these filters match.
            and: Option<Vec<$name>>,
            /// At least one of these filters matches. An empty list matches nothing.
            or: Option<Vec<$name>>,
            /// This filter does not match.
            not: Option<Box<$name>>,
            $(
                #[doc = $search]
                #[graphql(directive = $crate::price::cost::apply($crate::price::SEARCH.to_owned()))]
                search: Option<String>,
            )?
            $(
                #[doc = $description]
                $field: Option<$type>,
            )+
        }

        impl $crate::filter::FilterInput for $name {
            type Field = $fields;

            fn parts(self) -> $crate::filter::Parts<Self> {
                $crate::filter::Parts {
                    and: self.and,
                    or: self.or,
                    not: self.not,
                    search: $crate::filter::filters!(@search self $($search)?),
                    tests: vec![$($crate::filter::tested(<$fields>::$own, self.$field)),+],
                }
            }
        }
    };
    (@search $filter:ident) => { None };
    (@search $filter:ident $search:literal) => { $filter.search };
}
pub(crate) use filters;

/// Returns the filter as `entities` takes it.
///
/// # Errors
/// VALIDATION when it has too many levels or comparisons, or a time that cannot be compared.
pub(crate) fn filter<I: FilterInput>(given: Option<I>) -> Result<Filter<I::Field>> {
    let mut left = MAX_COMPARISONS;
    match given {
        Some(given) => take(given, MAX_LEVELS, &mut left),
        None => Ok(Filter::default()),
    }
}

fn take<I: FilterInput>(given: I, levels: usize, left: &mut usize) -> Result<Filter<I::Field>> {
    let Some(levels) = levels.checked_sub(1) else {
        let message = format!("must have at most {MAX_LEVELS} levels");
        return Err(refused("depth", &message));
    };
    let Parts {
        and,
        or,
        not,
        search,
        tests,
    } = given.parts();
    let mut all = Vec::new();
    for (field, tests) in tests {
        for test in tests {
            count(&test, left)?;
            all.push(Filter::Is(field, test));
        }
    }
    if let Some(text) = search {
        spend(1, left)?;
        all.push(Filter::Contains(text));
    }
    let mut each = |filters: Vec<I>| -> Result<Vec<_>> {
        // An empty filter is no comparison, and takes as long as one.
        spend(filters.len(), left)?;
        let filters = filters.into_iter().map(|it| take(it, levels, left));
        filters.collect()
    };
    if let Some(and) = and {
        all.push(Filter::All(each(and)?));
    }
    if let Some(or) = or {
        all.push(Filter::Any(each(or)?));
    }
    if let Some(not) = not {
        all.push(Filter::Not(Box::new(take(*not, levels, left)?)));
    }
    Ok(Filter::All(all))
}

/// Counts the comparisons of a test, and checks its time.
fn count(test: &Test, left: &mut usize) -> Result<()> {
    let operands = match test {
        Test::OneOf(operands) => &operands[..],
        Test::Above(one) | Test::AtLeast(one) | Test::Below(one) | Test::AtMost(one) => {
            std::slice::from_ref(one)
        }
        Test::StartsWith(_) | Test::IsNull(_) => &[],
    };
    spend(operands.len().max(1), left)?;
    let is_comparable = |operand: &Operand| match operand {
        Operand::Time(time) => is_comparable(time),
        _ => true,
    };
    match operands.iter().all(is_comparable) {
        true => Ok(()),
        false => Err(refused("range", "must have times in the years 0 to 9999")),
    }
}

/// Returns whether both databases can compare with this time, and with the next microsecond.
fn is_comparable(time: &DateTime<Utc>) -> bool {
    let next = time.checked_add_signed(TimeDelta::microseconds(1));
    let is_within = |time: DateTime<Utc>| (0..=9999).contains(&time.year());
    is_within(*time) && next.is_some_and(is_within)
}

fn spend(comparisons: usize, left: &mut usize) -> Result<()> {
    *left = left.checked_sub(comparisons).ok_or_else(|| {
        let message = format!("must have at most {MAX_COMPARISONS} comparisons");
        refused("length", &message)
    })?;
    Ok(())
}

fn refused(code: &str, message: &str) -> crate::error::Error {
    invalid(Violations::one("filter", code, message))
}
