//! Documents made to be expensive. Each is answered in a moment, whatever the answer: every walk over a document is linear, or
//! bounded before it begins.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use async_graphql::Variables;

use super::{Documents, Typing, plan_of};
use crate::errors::code_of;
use crate::limits::{Limits, MAX_INTROSPECTION};
use crate::params::Params;
use crate::request_id::RequestId;

/// The limit on the thread's own time, in a debug build, on a machine that does the walk of `slowness` in `WALK`.
const MOMENT: Duration = Duration::from_millis(50);
const WALK: Duration = Duration::from_micros(12_500);

fn many(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(" ")
}

/// Returns fragments that each spread the next `width` times; the last one contains `end`.
fn doubling(levels: usize, width: usize, end: &str) -> String {
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

fn introspecting(depth: usize) -> String {
    let open = "possibleTypes { interfaces { ".repeat(depth);
    let close = "} } ".repeat(depth);
    format!("{{ __type(name: \"Node\") {{ {open} name {close} }} }}")
}

/// Returns a document in which fragments put a value in about 1,000 places.
fn in_many_places(value: &str) -> String {
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

fn attacks() -> Vec<(&'static str, String)> {
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

fn documents() -> Documents {
    let typing = Typing::of(&schema::sdl()).expect("a schema");
    Documents::new(Limits::default(), typing, true)
}

/// Returns the processor time of this thread, as others run beside it.
fn spent() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|text| text.parse().ok());
    nanoseconds.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

static SLOWNESS: LazyLock<f64> = LazyLock::new(slowness);
static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Returns how much slower this machine is than the one of the limits, by a plain walk over as much text as the largest
/// documents have; a faster one counts as equal.
fn slowness() -> f64 {
    let text = " x\n".repeat(200_000);
    let walk = || {
        let begun = spent();
        let lines: Vec<&str> = black_box(&text).split('\n').collect();
        black_box(lines.join("\n"));
        spent().saturating_sub(begun)
    };
    let least = (0..3).map(|_| walk()).min().unwrap_or_default();
    least.div_duration_f64(WALK).max(1.0)
}

/// Returns how long it took on a machine of that pace, and the outcome.
fn tried(documents: &Documents, query: &str, variables: Variables) -> (Duration, String) {
    // The minimum of a few runs counts: other threads share the cores.
    let mut least = Duration::MAX;
    let mut told = String::new();
    for _ in 0..3 {
        let params = Params {
            query: query.to_owned(),
            variables: variables.clone(),
            ..Params::default()
        };
        let begun = spent();
        let answer = documents.prepare(params, None, &RequestId::generate());
        least = least.min(spent().saturating_sub(begun));
        told = match answer {
            Ok(_) => "accepted".to_owned(),
            Err(errors) => {
                assert!(errors.len() <= 10, "{} errors", errors.len());
                format!("{:?}: {}", code_of(&errors[0]), errors[0].message)
            }
        };
    }
    (least.div_f64(*SLOWNESS), told)
}

#[test]
fn every_document_is_answered_in_a_moment() {
    let documents = documents();
    let mut slow = Vec::new();
    for (what, query) in attacks() {
        let (took, told) = tried(&documents, &query, Variables::default());
        if took > MOMENT {
            slow.push(format!("{what}: {took:?}: {told:.100}"));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

#[test]
fn values_of_variables_are_judged_in_a_moment() {
    let documents = documents();
    let query = "query($f: UserFilter, $s: Boolean = true) { users(filter: $f) { nodes { id @skip(if: $s) } } }";
    let mut slow = Vec::new();
    let nested = (0..120).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let items: Vec<_> = (0..200_000).map(|_| "ADMIN").collect();
    for (what, value) in [
        ("120 lists", serde_json::json!({ "role": nested })),
        ("200,000 items", serde_json::json!({ "role": items })),
        (
            "a text of 1 MB",
            serde_json::json!({ "search": "x".repeat(1_000_000) }),
        ),
        ("not an object", serde_json::json!("x".repeat(1_000_000))),
        (
            "an unknown field of 1 MB",
            serde_json::json!({ "x".repeat(1_000_000): 1 }),
        ),
    ] {
        let variables = Variables::from_json(
            serde_json::json!({ "f": value, "undeclared": "x".repeat(100_000) }),
        );
        let (took, told) = tried(&documents, query, variables);
        // A valid list is copied.
        if took > MOMENT * 4 {
            slow.push(format!("{what}: {took:?}: {told:.100}"));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

/// Tools send this query, with everything from newer editions of the specification.
#[test]
fn usual_queries_about_the_schema_pass() {
    let wrapped = (0..9).fold("kind name".to_owned(), |inner, _| {
        format!("kind name ofType {{ {inner} }}")
    });
    let input = "...InputValue";
    let usual = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }} \
            subscriptionType {{ name kind }} types {{ ...FullType }} directives {{ name description isRepeatable locations \
            args(includeDeprecated: true) {{ {input} }} }} }} }} \
        fragment FullType on __Type {{ kind name description specifiedByURL isOneOf fields(includeDeprecated: true) {{ name description \
            args(includeDeprecated: true) {{ {input} }} type {{ ...TypeRef }} isDeprecated deprecationReason }} \
            inputFields(includeDeprecated: true) {{ {input} }} interfaces {{ ...TypeRef }} \
            enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ ...TypeRef }} }} \
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated deprecationReason }} \
        fragment TypeRef on __Type {{ {wrapped} }}"
    );
    let documents = documents();
    let (_, told) = tried(&documents, &usual, Variables::default());
    assert_eq!(told, "accepted");
    // There is room for a growing schema.
    let params = Params {
        query: usual,
        ..Params::default()
    };
    let prepared = documents.prepare(params, None, &RequestId::generate());
    let plan = plan_of(&prepared.expect("it is accepted").request)
        .cloned()
        .expect("a plan");
    let is_within = |most| {
        plan.introspection
            .is_within(most, &Variables::default(), &documents.typing)
    };
    assert!(is_within(MAX_INTROSPECTION / 2));
    let asked = |query: &str| tried(&documents, query, Variables::default()).1;
    assert_eq!(
        asked("{ __type(name: \"User\") { name fields { name } } }"),
        "accepted"
    );
    assert!(asked(&introspecting(7)).contains("LIMIT_EXCEEDED"));
}

/// What a plan repeats, and what an answer repeats, is bounded whatever a document's size.
#[test]
fn what_is_repeated_is_bounded() {
    let limit = |query: String| {
        let params = Params {
            query,
            ..Params::default()
        };
        let refused = documents().prepare(params, None, &RequestId::generate());
        let errors = refused.err().expect("it is refused");
        let extensions = errors[0].extensions.clone().expect("extensions");
        extensions.get("limit").cloned().expect("a limit")
    };
    let text = |bytes: usize| in_many_places(&format!("\"{}\"", "x".repeat(bytes)));
    assert_eq!(limit(text(900_000)), "literals".into());
    assert_eq!(limit(text(10_000)), "literals".into());
    let alias = format!("{{ users {{ nodes {{ {}: id }} }} }}", "a".repeat(257));
    assert_eq!(limit(alias), "word".into());
    let params = Params {
        query: text(100),
        ..Params::default()
    };
    let prepared = documents().prepare(params, None, &RequestId::generate());
    assert!(prepared.is_ok(), "{:?}", prepared.err());
}
