//! The cache of documents uses about as much memory as its documents are weighed at, whatever they are like.

use super::{Documents, Typing};
use crate::limits::Limits;
use crate::params::Params;
use crate::request_id::RequestId;

/// Returns the bytes of this process that are in memory.
fn resident() -> usize {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = told
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}

fn of_kind(kind: usize, number: usize) -> String {
    let many = |count: usize, text: &dyn Fn(usize) -> String| {
        (0..count).map(text).collect::<Vec<_>>().join(" ")
    };
    match kind {
        0 => format!("{{ me {{ {} }} }} # {number}", "name ".repeat(2_000)),
        1 => format!(
            "{{ me {{ a{number}: id {} }} }}",
            many(45, &|at| format!(
                "a{at}_{number}: history(first: {at}) {{ nodes {{ type occurredAt version data }} }}"
            ))
        ),
        2 => format!(
            "{{ customer(id: \"{}{number}\") {{ id }} }}",
            "x".repeat(10_000)
        ),
        3 => format!(
            "{{ users(first: {number}) {{ nodes {{ {} }} }} }}",
            "id name role version ".repeat(450)
        ),
        4 => format!(
            "{{ user(id: \"{number}\") {{ {} }} }} fragment H on User {{ history(after: \"{}\") {{ firstVersion }} }}",
            many(30, &|at| format!(
                "x{at}: posts(first: {at}) {{ nodes {{ author {{ ...H }} }} }}"
            )),
            "x".repeat(50_000)
        ),
        _ => format!(
            "{{ node(id: \"{number}\") {{ id {} }} }}",
            "... on User { name bio } ... on Post { message } ... on Chat { title } ".repeat(110)
        ),
    }
}

#[test]
fn documents_weigh_what_they_take() {
    for kind in 0..6 {
        let typing = Typing::of(&schema::sdl()).expect("a schema");
        let documents = Documents::new(Limits::default(), typing, true);
        let before = resident();
        for number in 0..150 {
            let params = Params {
                query: of_kind(kind, number),
                ..Params::default()
            };
            let prepared = documents.prepare(params, None, &RequestId::generate());
            assert!(prepared.is_ok(), "{kind}: {:?}", prepared.err());
        }
        documents.cache.run_pending_tasks();
        let weight = usize::try_from(documents.cache.weighted_size()).expect("a size");
        let taken = resident().saturating_sub(before);
        // Other tests run in this process, too.
        let most = 3 * weight + 64 * 1024 * 1024;
        assert!(
            weight > 0 && taken <= most,
            "{kind}: weigh {weight}, and take {taken}"
        );
    }
}
