//! Documents that are expensive to read, to expand, to check or to answer, unless what they repeat is bounded.

use std::fmt::Write;

pub(super) fn many(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(" ")
}

/// Returns fragments that each spread the next `width` times; the last one contains `end`.
pub(super) fn doubling(levels: usize, width: usize, end: &str) -> String {
    let mut text = String::from("{ ...F0 }");
    for level in 0..levels {
        let spreads = format!("...F{} ", level + 1).repeat(width);
        let _ = write!(text, " fragment F{level} on Query {{ {spreads} }}");
    }
    match end {
        "" => text,
        end => format!("{text} fragment F{levels} on Query {{ {end} }}"),
    }
}

pub(super) fn introspecting(depth: usize) -> String {
    let open = "possibleTypes { interfaces { ".repeat(depth);
    let close = "} } ".repeat(depth);
    format!("{{ __type(name: \"Node\") {{ {open} name {close} }} }}")
}

/// Returns a document in which fragments put a value in about 1,000 places.
pub(super) fn in_many_places(value: &str) -> String {
    let users = |set: &str| {
        format!(
            "author {{ ...{set} }} likers(first: 1) {{ nodes {{ ...{set} }} edges {{ node {{ ...{set} }} }} }}
            comments(first: 1) {{ nodes {{ author {{ ...{set} }} }} edges {{ node {{ author {{ ...{set} }} }} }} }}"
        )
    };
    format!(
        "{{ {} }} fragment L on User {{ history(first: 1, after: {value}) {{ firstVersion }} }}
        fragment P on Post {{ {} }} fragment U on User {{ posts(first: 1) {{ nodes {{ ...P }} edges {{ node {{ ...P }} }} }} }}
        fragment Q on Post {{ {} }} fragment V on User {{ posts(first: 1) {{ nodes {{ ...Q }} edges {{ node {{ ...Q }} }} }} }}",
        many(10, |at| format!("a{at}: user(id: \"x\") {{ ...V }}")),
        users("L"),
        users("U"),
    )
}

pub(super) fn attacks() -> Vec<(&'static str, String)> {
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let object = |depth: usize| format!("{}1{}", "{a: ".repeat(depth), "}".repeat(depth));
    let users = "users(first: 1) { nodes { name } }";
    vec![
        (
            "fragments that double and end in nobody",
            doubling(22, 2, ""),
        ),
        ("fragments that grow tenfold", doubling(30, 10, "")),
        (
            "fragments that double and end in a field",
            doubling(31, 2, "__typename"),
        ),
        (
            "fragments that double and end in an unknown field",
            doubling(31, 2, "nothing"),
        ),
        ("500 fragments that treble", doubling(500, 3, "")),
        (
            "inline fragments that double",
            format!(
                "{{ ...F0 }} {} fragment F30 on Query {{ ...Nobody }}",
                many(30, |level| {
                    format!(
                        "fragment F{level} on Query {{ ... {{ ...F{0} }} ... on Query {{ ...F{0} }} }}",
                        level + 1
                    )
                })
            ),
        ),
        (
            "fragments nobody spreads",
            format!(
                "{{ __typename }} {}",
                &doubling(25, 4, "")["{ ...F0 }".len()..]
            ),
        ),
        (
            "a circle",
            "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }".into(),
        ),
        (
            "a large circle",
            format!(
                "{{ ...F0 }} {}",
                many(300, |at| {
                    format!(
                        "fragment F{at} on Query {{ ...F{0} ...F{0} }}",
                        (at + 1) % 300
                    )
                })
            ),
        ),
        (
            "10,000 aliases",
            format!("{{ {} }}", many(10_000, |at| format!("a{at}: __typename"))),
        ),
        (
            "one field 4,900 times",
            format!("{{ me {{ {} }} }}", "name ".repeat(4_900)),
        ),
        (
            "one root field 50 times",
            format!("{{ {} }}", format!("{users} ").repeat(50)),
        ),
        (
            "2,400 alike objects",
            format!(
                "{{ me {{ {} }} }}",
                "history(first: 1) { nodes { type } } ".repeat(600)
            ),
        ),
        (
            "800 differing arguments of one field",
            format!(
                "{{ me {{ {} }} }}",
                many(800, |at| format!(
                    "history(first: {at}) {{ nodes {{ type }} }}"
                ))
            ),
        ),
        (
            "overlapping fragments",
            format!(
                "{{ me {{ {} }} }} {}",
                many(200, |at| format!("...F{at}")),
                many(200, |at| format!(
                    "fragment F{at} on User {{ history {{ nodes {{ type version }} }} id name role }}"
                )),
            ),
        ),
        (
            "fields within fields that overlap",
            format!(
                "{{ {} }}",
                many(24, |_| {
                    "posts { nodes { author { history { nodes { type } } } author { history { nodes { version } } } } }".into()
                })
            ),
        ),
        (
            "3,000 unknown fields",
            format!(
                "{{ {} }}",
                many(40, |at| format!(
                    "me {{ {} }}",
                    many(75, |below| format!("f{at}_{below}"))
                ))
            ),
        ),
        (
            "3,000 unknown variables",
            format!(
                "{{ me {{ {} }} }}",
                many(1_200, |at| format!("name @skip(if: $v{at})"))
            ),
        ),
        (
            "3,000 unused variables",
            format!(
                "query({}) {{ __typename }}",
                many(2_400, |at| format!("$v{at}: Int"))
            ),
        ),
        (
            "1,600 fragments nobody uses",
            format!(
                "{{ __typename }} {}",
                many(1_200, |at| format!(
                    "fragment F{at} on Query {{ __typename }}"
                ))
            ),
        ),
        (
            "600 operations",
            many(1_000, |at| format!("query Q{at} {{ __typename }}")),
        ),
        (
            "a list 60 deep",
            format!("{{ customer(id: {}) {{ id }} }}", deep(60)),
        ),
        (
            "a list 100,000 deep",
            format!("{{ customer(id: {}) {{ id }} }}", deep(100_000)),
        ),
        (
            "an object 60 deep",
            format!("{{ customers(filter: {}) {{ totalCount }} }}", object(58)),
        ),
        (
            "a list of 9,000 items",
            format!(
                "{{ users(filter: {{ role: {{ in: [{}] }} }}) {{ totalCount }} }}",
                "ADMIN ".repeat(9_000)
            ),
        ),
        (
            "an object of 3,000 fields",
            format!(
                "{{ users(filter: {{ {} }}) {{ totalCount }} }}",
                many(3_000, |at| format!("f{at}: 1"))
            ),
        ),
        (
            "a string of 900 KB",
            format!("{{ customer(id: \"{}\") {{ id }} }}", "x".repeat(900_000)),
        ),
        (
            "900 KB of escapes",
            format!(
                "{{ customer(id: \"{}\") {{ id }} }}",
                "\\u0041".repeat(150_000)
            ),
        ),
        (
            "a block string of 600 KB",
            format!(
                "{{ customer(id: \"\"\"{}\"\"\") {{ id }} }}",
                " x\n".repeat(200_000)
            ),
        ),
        (
            "a long line, with errors at its end",
            format!(
                "{{ {} customer(id: \"{}\") {{ {} }} }}",
                "",
                "ü".repeat(400_000),
                many(1_000, |at| format!("f{at}"))
            ),
        ),
        (
            "a comment of 900 KB",
            format!("{{ __typename }} #{}", "x".repeat(900_000)),
        ),
        (
            "900 KB of commas",
            format!("{{ __typename {} }}", ",".repeat(900_000)),
        ),
        ("900 KB of quotes", "\"".repeat(900_000)),
        ("a text in 1,000 places", in_many_places(&format!("\"{}\"", "x".repeat(900_000)))),
        ("a list in 1,000 places", in_many_places(&format!("[{}]", "1 ".repeat(9_000)))),
        ("an alias of 900 KB", format!("{{ users {{ nodes {{ {}: id }} }} }}", "a".repeat(900_000))),
        ("a number of 900 KB", format!("{{ users(first: {}) {{ totalCount }} }}", "1".repeat(900_000))),
        ("introspection of introspection", introspecting(9)),
        (
            "all types of all fields",
            "{ __schema { types { fields { type { ofType { fields { type { ofType { fields { type { ofType { name kind } } } } } } } } } } } }"
                .into(),
        ),
        ("nodes within nodes", {
            let open = "... on Node { id ... on User { history { nodes { type } } } ... on Chat { members { user { id ";
            format!("{{ node(id: \"x\") {{ {} {} }} }}", open, "} } } }")
        }),
    ]
}
