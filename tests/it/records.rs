//! The contract of record domains: what all of them do alike is tested here, for each of them. What only one does is tested beside
//! it, in a folder of its name.

mod bulk;
mod changing;
mod filtering;
mod following;
mod history;
mod idempotency;
mod paging;
mod policy;

use tests::records::{CUSTOMERS, STUDENTS};

/// The whole contract for one kind.
macro_rules! contract {
    ($kind:ident: $record:path) => {
        mod $kind {
            contract!(
                @ $record:
                bulk::many_are_created_changed_deleted_and_restored,
                bulk::each_row_is_refused_for_itself,
                bulk::all_rows_or_none,
                bulk::values_move_between_rows,
                bulk::simultaneous_calls_follow_each_other,
                changing::a_life,
                changing::ids_are_found_by_node,
                changing::absent_stays_and_null_is_refused,
                changing::what_is_not_there_is_not_found,
                changing::expected_versions_guard_every_change,
                changing::one_of_many_updates_wins,
                changing::values_are_unique_until_deleted,
                filtering::lists_have_what_the_filter_selects,
                filtering::a_value_is_found_exactly,
                filtering::filters_are_bounded,
                following::changes_are_resumed_without_loss_or_repeat,
                history::tells_every_event_in_order,
                history::comes_in_pages,
                history::names_who_created_and_changed,
                idempotency::repeats_get_the_first_answer,
                idempotency::another_body_is_refused,
                idempotency::simultaneous_repeats_are_applied_once,
                idempotency::failures_leave_the_key_usable,
                paging::pages_are_slices_of_the_list,
                paging::pages_hold_while_others_write,
                paging::cursors_of_elsewhere_are_refused,
                paging::forged_cursors_do_no_harm,
                paging::page_sizes_have_limits,
                policy::only_the_role_that_may_reads_and_writes,
            );
        }
    };
    (@ $record:path: $($part:ident::$test:ident),+ $(,)?) => {
        $(async fn $test(setup: tests::Setup) {
            super::$part::$test(setup, &$record).await;
        })+
        tests::both_ways!($($test),+);
    };
}

contract!(customers: super::CUSTOMERS);
contract!(students: super::STUDENTS);
