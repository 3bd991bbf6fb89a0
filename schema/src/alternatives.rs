//! Lists of alternatives in filters: what is not given matches all, and an empty list matches nothing. Used by the filters of all
//! domains.

/// The alternatives as `entities` know them.
pub(crate) fn any_of<T, U: From<T>>(given: Option<Vec<T>>) -> Option<Vec<U>> {
    given.map(|list| list.into_iter().map(U::from).collect())
}
