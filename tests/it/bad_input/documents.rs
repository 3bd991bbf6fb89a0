//! Documents that are wrong, or cost too much. They are refused before they are executed, so this runs embedded.

use serde_json::json;
use tests::Setup;

use super::{Before, Case, check};

const VALIDATION: &[&str] = &["GRAPHQL_VALIDATION_FAILED"];
const PARSE: &[&str] = &["GRAPHQL_PARSE_FAILED"];
const LIMIT: &[&str] = &["LIMIT_EXCEEDED"];
/// A circle of fragments may be seen by either check first.
const CIRCLE: &[&str] = &["GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED"];
const NAME: &[&str] = &[
    "BAD_REQUEST",
    "GRAPHQL_VALIDATION_FAILED",
    "GRAPHQL_PARSE_FAILED",
];

/// `count` texts, joined.
fn many(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(" ")
}

/// Thirty fragments, each spreading the next twice: a thousand million fields.
fn bomb() -> String {
    let fragments = many(30, |number| {
        format!(
            "fragment f{number} on Query {{ ...f{} ...f{} }}",
            number + 1,
            number + 1
        )
    });
    format!("{{ ...f0 }} {fragments} fragment f30 on Query {{ __typename }}")
}

fn nested(depth: usize) -> String {
    format!(
        "{{ __schema {{ types {{ {} name {} }} }} }}",
        "ofType { ".repeat(depth),
        "} ".repeat(depth)
    )
}

fn wrong() -> Vec<Case> {
    vec![
        Case::document("an open brace", "{ customers { nodes { id } }", PARSE),
        Case::document("no GraphQL", "SHOW customers", PARSE),
        Case::document("NUL in the document", "{ __type\u{0}name }", PARSE),
        Case::document("an open string", "{ customer(id: \"x) { id } }", PARSE),
        Case::document(
            "a lone surrogate escape",
            "{ customer(id: \"\\uD800\") { id } }",
            &[
                "GRAPHQL_PARSE_FAILED",
                "BAD_REQUEST",
                "GRAPHQL_VALIDATION_FAILED",
            ],
        ),
        Case::document(
            "an unknown field",
            "{ customers { nodes { passwordHash } } }",
            VALIDATION,
        ),
        Case::document(
            "an unknown argument",
            "{ customers(limit: 3) { totalCount } }",
            VALIDATION,
        ),
        Case::document("an unknown type", "{ ... on Admin { id } }", VALIDATION),
        Case::document("an unknown fragment", "{ ...Nothing }", VALIDATION),
        Case::document(
            "an unknown directive",
            "{ customers @admin { totalCount } }",
            VALIDATION,
        ),
        Case::document(
            "a directive without its argument",
            "{ customers @skip { totalCount } }",
            VALIDATION,
        ),
        Case::document(
            "an unknown enum value",
            "{ customers(filter: { status: { eq: VIP } }) { totalCount } }",
            VALIDATION,
        ),
        Case::document(
            "an unknown input field",
            "{ customers(filter: { admin: true }) { totalCount } }",
            VALIDATION,
        ),
        Case::document(
            "a string for an integer",
            "{ customers(first: \"5\") { totalCount } }",
            VALIDATION,
        ),
        Case::document(
            "a fraction for an integer",
            "{ customers(first: 1.5) { totalCount } }",
            VALIDATION,
        ),
        Case::document(
            "an integer of 64 digits",
            format!(
                "{{ customers(first: {}) {{ totalCount }} }}",
                "9".repeat(64)
            ),
            &["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"],
        ),
        Case::document(
            "null for what must be",
            "{ customer(id: null) { id } }",
            VALIDATION,
        ),
        Case::document("an object without fields", "{ customers }", VALIDATION),
        Case::document(
            "fields of a scalar",
            "{ customers { totalCount { value } } }",
            VALIDATION,
        ),
        Case::document(
            "two operations without names",
            "{ __typename } { __typename }",
            NAME,
        ),
        Case::document(
            "only a fragment",
            "fragment F on Query { __typename }",
            NAME,
        ),
        Case::document(
            "a variable that is not declared",
            "{ customer(id: $id) { id } }",
            VALIDATION,
        ),
        Case::document(
            "fields in conflict",
            "{ customers { nodes { a: id a: name } } }",
            VALIDATION,
        ),
        Case::document(
            "a subscription over HTTP",
            "subscription { customerStatistics { total } }",
            &["BAD_REQUEST"],
        ),
        Case::refused(
            "an unknown operation name",
            json!({ "query": "query A { __typename }", "operationName": "B" }),
            NAME,
        ),
        Case::refused(
            "an ambiguous operation",
            json!({ "query": "query A { __typename } query B { __typename }" }),
            NAME,
        ),
    ]
}

fn expensive() -> Vec<Case> {
    let aliases = format!(
        "{{ {} }}",
        many(10_000, |number| format!("a{number}: __typename"))
    );
    let directives = format!(
        "{{ __typename {} }}",
        many(1_000, |_| "@include(if: true)".to_owned())
    );
    let mutations = many(1_000, |number| {
        format!("m{number}: deleteCustomer(input: {{ id: \"x\" }}) {{ customer {{ id }} }}")
    });
    vec![
        Case::document("10,000 aliases", aliases, LIMIT),
        Case::document(
            "1,000 mutations",
            format!("mutation {{ {mutations} }}"),
            LIMIT,
        ),
        Case::document("1,000 directives", directives, LIMIT),
        Case::document(
            "20,000 tokens",
            format!("{{ {} }}", many(20_000, |_| "__typename".to_owned())),
            LIMIT,
        ),
        Case::document("depth 30", nested(30), LIMIT),
        Case::document("depth 1,000", nested(1_000), LIMIT),
        Case::document(
            "100,000 open braces",
            "{a".repeat(100_000),
            &["LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED"],
        ),
        Case::document(
            "a list 100,000 deep",
            format!("{{ customer(id: {}) {{ id }} }}", "[".repeat(100_000)),
            &["LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED"],
        ),
        Case::document(
            "a type 10,000 deep",
            format!(
                "query($a: {}ID{}) {{ __typename }}",
                "[".repeat(10_000),
                "]".repeat(10_000)
            ),
            &["LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED"],
        ),
        Case::document(
            "a fragment that spreads itself",
            "{ ...F } fragment F on Query { ...F }",
            CIRCLE,
        ),
        Case::document(
            "fragments in a circle",
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
            CIRCLE,
        ),
        Case::document(
            "a circle that nobody enters",
            "{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }",
            CIRCLE,
        ),
        Case::document("a bomb of fragments", bomb(), LIMIT),
        Case::document(
            "pages of pages",
            format!(
                "{{ {} }}",
                many(40, |number| format!(
                    "p{number}: customers(first: 100) {{ nodes {{ history(first: 100) {{ nodes {{ data }} }} }} }}"
                ))
            ),
            LIMIT,
        ),
        Case::document(
            "500 KB of comments",
            format!("{{ __typename }} #{}", "x".repeat(500_000)),
            &[],
        )
        .allowing(&[200, 400]),
        Case::document(
            "300 variables too many",
            format!(
                "query({}) {{ __typename }}",
                many(300, |number| format!("$v{number}: Int"))
            ),
            &["GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED"],
        ),
    ]
}

impl Case {
    fn allowing(mut self, statuses: &'static [u16]) -> Self {
        self.statuses = statuses;
        self
    }
}

async fn wrong_documents(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    check(&app, wrong()).await;
    before.compare(&mut app).await;
}

async fn expensive_documents(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    let started = std::time::Instant::now();
    check(&app, expensive()).await;
    assert!(
        started.elapsed().as_secs() < 60,
        "refusing took {:?}",
        started.elapsed()
    );
    before.compare(&mut app).await;
}

tests::embedded!(wrong_documents, expensive_documents);
