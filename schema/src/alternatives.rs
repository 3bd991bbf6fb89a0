//! Lists of alternatives in filters: an absent list matches everything, and an empty list matches nothing. Used by the filters
//! of all domains.

/// Returns the alternatives as `entities` takes them.
pub(crate) fn any_of<T, U: From<T>>(given: Option<Vec<T>>) -> Option<Vec<U>> {
    given.map(|list| list.into_iter().map(U::from).collect())
}
