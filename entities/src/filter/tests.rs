//! What a filter without conditions hides, and the range of the texts that begin with another.

use proptest::prelude::*;

use super::*;
use crate::customers::CustomerField;

#[test]
fn a_filter_without_conditions_hides_only_what_ended() {
    let nested = Filter::<CustomerField>::All(vec![Filter::default()]);
    assert!(nested.is_empty());
    assert!(!Filter::<CustomerField>::Any(Vec::new()).is_empty());
    let asks = Filter::Not(Box::new(Filter::Is(
        CustomerField::DeletedAt,
        Test::IsNull(true),
    )));
    assert!(asks.asks_about(CustomerField::DeletedAt) && !asks.asks_about(CustomerField::Id));
    let sql = |filter: &Filter<CustomerField>| {
        let condition = filter.condition(DbBackend::Postgres, "customer");
        format!("{condition:?}").matches("deleted_at").count()
    };
    assert_eq!((sql(&nested), sql(&asks)), (1, 1));
}

proptest! {
    #[test]
    fn the_range_of_a_beginning_has_what_begins_so(
        start in "[a-c\u{d7fe}-\u{e001}\u{10fffe}-\u{10ffff}]{0,3}",
        other in "[a-d\u{d7fe}-\u{e001}\u{10fffe}-\u{10ffff}]{0,4}",
    ) {
        let is_before_end = successor(&start).is_none_or(|end| other < end);
        prop_assert_eq!(other >= start && is_before_end, other.starts_with(&start));
    }
}
