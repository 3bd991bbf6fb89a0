//! Holds lists to one set of means: what one list of a type can do, all lists of it can, wherever they are.

use super::{Sdl, assert_only, named};

/// Lists without a total, and why.
const WITHOUT_TOTAL: &[&str] = &[
    // The first and the last version tell how many there are.
    "EventConnection",
    // Counting them would read the whole log.
    "LoggedEventConnection",
];

/// Every list of a type that has a filter or an order takes them.
#[test]
fn lists_are_filtered_and_sorted_alike() {
    let sdl = Sdl::read();
    let lists = sdl.all_fields().filter_map(|(name, field)| {
        let of = named(&field.ty.node).strip_suffix("Connection")?;
        Some((name, field, of.to_owned()))
    });
    let lacking = lists.flat_map(|(name, field, of)| {
        let means = [
            ("filter", format!("{of}Filter")),
            ("sort", format!("{of}Sort")),
        ];
        let given = |wanted: &(&str, String)| {
            let mut arguments = field.arguments.iter().map(|it| &it.node);
            arguments.any(|it| it.name.node == wanted.0 && named(&it.ty.node) == wanted.1)
        };
        let lacking = means.into_iter();
        let lacking = lacking.filter(|it| sdl.types.contains_key(&it.1) && !given(it));
        let path = format!("{name}.{}", field.name);
        lacking
            .map(move |(argument, _)| format!("{path}({argument})"))
            .collect::<Vec<_>>()
    });
    assert_only(lacking, &[]);
}

#[test]
fn lists_have_totals() {
    let sdl = Sdl::read();
    let lists = sdl.types.keys().filter(|name| name.ends_with("Connection"));
    let lacking = lists.filter(|name| {
        let mut fields = sdl.fields(name).iter();
        !fields.any(|it| it.node.name.node == "totalCount")
    });
    assert_only(lacking.cloned(), WITHOUT_TOTAL);
}
