//! Limits, resolution and subscription roots, against the whole of `Documents::prepare`.

use std::collections::HashMap;
use std::time::Instant;

use async_graphql::ServerError;
use async_graphql::parser::types::{DocumentOperations, OperationType, Selection, SelectionSet};
use proptest::prelude::*;

use super::{Documents, Prepared, Typing, plan_of};
use crate::errors::code_of;
use crate::limits::Limits;
use crate::params::Params;
use crate::params::{IdempotencyKey, RequestFingerprint};
use crate::request_id::RequestId;

fn params(query: &str) -> Params {
    Params {
        query: query.into(),
        ..Params::default()
    }
}

const SDL: &str = "
    scalar Any
    type Query { a(b: Any): String  q: Query }
    type Mutation { a: String  b: String }
    type Subscription { e: E  n(b: Int): Int  m: Int }
    type E { b: Int  c: Int }
";

fn documents() -> Documents {
    let typing = Typing::of(SDL).expect("a schema");
    Documents::new(Limits::default(), typing, true)
}

fn prepare(query: &str) -> Result<Prepared, Vec<ServerError>> {
    documents().prepare(params(query), None, &RequestId::generate())
}

/// Returns the code of the refusal, and the limit if it was one.
fn refusal(query: &str) -> (String, Option<String>) {
    match prepare(query) {
        Ok(_) => ("ACCEPTED".into(), None),
        Err(errors) => {
            let error = &errors[0];
            let limit = error.extensions.as_ref().and_then(|all| all.get("limit"));
            let limit = limit.map(|limit| limit.to_string().replace('"', ""));
            (code_of(error).unwrap_or("NO CODE").to_owned(), limit)
        }
    }
}

fn limit_of(query: &str) -> Option<String> {
    refusal(query).1
}

/// Returns `levels` fragments, each spreading the next `width` times.
fn bomb(levels: usize, width: usize) -> String {
    let mut text = String::from("{ ...F0 }");
    for level in 0..levels {
        let spreads = format!("...F{} ", level + 1).repeat(width);
        text.push_str(&format!(" fragment F{level} on Query {{ {spreads} }}"));
    }
    text + &format!(" fragment F{levels} on Query {{ a }}")
}

#[test]
fn every_limit_is_typed() {
    let table = [
        ("a ".repeat(10_001), "tokens"),
        ("{".repeat(65), "nesting"),
        (
            format!("{{ a(b: {}1{}) }}", "[".repeat(64), "]".repeat(64)),
            "nesting",
        ),
        (format!("{}{}", "{ a ".repeat(21), "}".repeat(21)), "depth"),
        (format!("{{ a {{ {} }} }}", "x: a ".repeat(51)), "aliases"),
        (format!("{{ a {} }}", "@b ".repeat(51)), "directives"),
        (format!("query {} {{ a }}", "@b ".repeat(51)), "directives"),
        (format!("{{ {} }}", "a ".repeat(51)), "rootFields"),
        (
            format!(
                "{{ ...F ...F }} fragment F on Query {{ {} }}",
                "a ".repeat(26)
            ),
            "rootFields",
        ),
        (
            format!("{{ a {{ {} }} }}", "b ".repeat(5_000)),
            "expandedFields",
        ),
        (bomb(20, 2), "expandedFields"),
        (bomb(40, 1), "fragmentNesting"),
    ];
    for (query, limit) in table {
        let head: String = query.chars().take(60).collect();
        assert_eq!(
            refusal(&query),
            ("LIMIT_EXCEEDED".into(), Some(limit.into())),
            "{head}"
        );
    }
}

#[test]
fn what_is_just_within_the_limits_passes() {
    for query in [
        format!("{}{}", "{ a ".repeat(20), "}".repeat(20)),
        format!("{{ {} }}", "x: a ".repeat(50)),
        format!("{{ a {{ {} }} }}", "b ".repeat(4_999)),
        bomb(12, 1),
    ] {
        assert_eq!(limit_of(&query), None);
    }
}

#[test]
fn fragment_bombs_cost_nothing() {
    let started = Instant::now();
    for levels in [31, 100, 500] {
        assert!(limit_of(&bomb(levels, 3)).is_some());
    }
    let unused = bomb(25, 4).replacen("{ ...F0 }", "{ a }", 1);
    assert!(limit_of(&unused).is_some());
    assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
}

#[test]
fn cycles_are_refused() {
    for query in [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { a { ...B } } fragment B on Query { ...A }",
        "{ a } fragment A on Query { ...B } fragment B on Query { ...A }",
        "subscription { ...A } fragment A on Subscription { ...A }",
    ] {
        assert_eq!(refusal(query).0, "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
}

#[test]
fn parse_failures_say_where() {
    let errors = prepare("{\n  a(\n").err().expect("not a document");
    assert_eq!(code_of(&errors[0]), Some("GRAPHQL_PARSE_FAILED"));
    assert!(!errors[0].locations.is_empty());
    for query in [
        "",
        "   ",
        "{",
        "a",
        "{ a(b: 1. ) }",
        "{ a(b: \"\\uD800\") }",
    ] {
        assert_eq!(refusal(query).0, "GRAPHQL_PARSE_FAILED", "{query}");
    }
    for query in [
        "type A { b: Int }",
        "{ a } { a }",
        "fragment A on Query { a }",
    ] {
        assert_eq!(refusal(query).0, "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
}

#[test]
fn operations_are_resolved_by_name() {
    let several = "query A { a } mutation B { b }";
    let table = [
        ("{ a }", None, Ok(OperationType::Query)),
        ("query A { a }", None, Ok(OperationType::Query)),
        (several, Some("B"), Ok(OperationType::Mutation)),
        (several, None, Err("BAD_REQUEST")),
        (several, Some("C"), Err("BAD_REQUEST")),
        ("{ a }", Some("A"), Err("BAD_REQUEST")),
    ];
    let documents = documents();
    for (query, name, expected) in table {
        let params = Params {
            operation_name: name.map(Into::into),
            ..params(query)
        };
        let kind = documents
            .prepare(params, None, &RequestId::generate())
            .map(|prepared| prepared.kind);
        let kind = kind.map_err(|errors| code_of(&errors[0]).unwrap_or_default().to_owned());
        assert_eq!(
            kind,
            expected.map_err(ToOwned::to_owned),
            "{query} {name:?}"
        );
    }
}

#[test]
fn nul_characters_are_refused_wherever_they_hide() {
    for query in [
        r#"{ a(b: "\u0000") }"#,
        r#"{ a(b: {c: ["x\u0000"]}) }"#,
        r#"{ a @b(c: "\u0000") }"#,
        r#"query($a: String = "\u0000") { a(b: $a) }"#,
        r#"{ ...F } fragment F on Query { a(b: "\u0000") }"#,
        "{ a(b: \"\"\"\0\"\"\") }",
    ] {
        assert_eq!(refusal(query).0, "BAD_REQUEST", "{query}");
    }
    for body in [
        r#"{"query":"{a}","variables":{"a":"\u0000"}}"#,
        r#"{"query":"{a}","variables":{"a":{"b":["x\u0000"]}}}"#,
        r#"{"query":"{a}","variables":{"a":{"\u0000":1}}}"#,
    ] {
        let params = Params::from_json(body).expect("valid JSON");
        let documents = documents();
        let error = documents
            .prepare(params, None, &RequestId::generate())
            .err()
            .expect("refused");
        assert_eq!(code_of(&error[0]), Some("BAD_REQUEST"), "{body}");
    }
}

/// Returns the document executed for a subscription, as text.
fn executed(query: &str) -> String {
    let prepared = prepare(query).unwrap_or_else(|errors| panic!("{query}: {errors:?}"));
    assert_eq!(prepared.kind, OperationType::Subscription);
    let plan = plan_of(&prepared.request).expect("a plan");
    let DocumentOperations::Single(operation) = &plan.document().operations else {
        panic!("one operation")
    };
    text_of(&operation.node.selection_set.node)
}

fn text_of(set: &SelectionSet) -> String {
    let items = set.items.iter().map(|item| match &item.node {
        Selection::Field(field) => {
            let field = &field.node;
            let below = text_of(&field.selection_set.node);
            let arguments = field.arguments.iter();
            let arguments = arguments.map(|(name, value)| format!("({name}:{value})"));
            let arguments = arguments.collect::<String>();
            match field.alias.is_some() {
                true => format!("{}:{}{arguments}{below}", field.response_key(), field.name),
                false => format!("{}{arguments}{below}", field.name),
            }
        }
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref();
            let on = condition.map(|condition| condition.node.on.to_string());
            let below = text_of(&fragment.node.selection_set.node);
            format!("...{}{below}", on.unwrap_or_default())
        }
        Selection::FragmentSpread(spread) => format!("...{}", spread.node.fragment_name),
    });
    let items = items.collect::<Vec<_>>();
    match items.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", items.join(" ")),
    }
}

#[test]
fn subscription_roots_are_inlined() {
    assert_eq!(executed("subscription { e { b } }"), "{e{b}}");
    assert_eq!(executed("subscription { ... { e { b } } }"), "{e{b}}");
    let nested = "subscription { ...F } fragment F on Subscription { ... on Subscription { ...G } }
        fragment G on Subscription { e { b } }";
    assert_eq!(executed(nested), "{e{b}}");
    let merged = "subscription { e { b } ...F } fragment F on Subscription { e { c ...G } } fragment G on E { b x: b }";
    assert_eq!(executed(merged), "{e{b c x:b}}");
}

#[test]
fn subscriptions_have_exactly_one_root() {
    for query in [
        "subscription { e { b } n }",
        "subscription { n x: n }",
        "subscription { x: n x: m }",
        "subscription { n(b: 1) n(b: 2) }",
        "subscription { n ...F } fragment F on Subscription { m }",
        "subscription { ...F } fragment F on Query { a }",
        "subscription { ...Unknown }",
        "subscription { __typename }",
        "subscription { n @skip(if: true) }",
        "subscription { ... @include(if: false) { n } }",
    ] {
        assert_eq!(refusal(query).0, "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
}

#[test]
fn idempotency_keys_come_from_either_place() {
    let body = r#"{"query":"mutation { a }","extensions":{"idempotencyKey":"k1"}}"#;
    let documents = documents();
    let prepare = |key: Option<&str>| {
        let params = Params::from_json(body).expect("valid");
        documents.prepare(
            params,
            key.map(|key| IdempotencyKey(key.into())),
            &RequestId::generate(),
        )
    };
    let prepared = prepare(None).unwrap_or_else(|error| panic!("{error:?}"));
    let data = &prepared.request.data;
    let by_type = |id| data.get(&id).is_some();
    assert!(by_type(std::any::TypeId::of::<IdempotencyKey>()));
    assert!(by_type(std::any::TypeId::of::<RequestFingerprint>()));
    assert!(by_type(std::any::TypeId::of::<RequestId>()));
    assert!(prepare(Some("k1")).is_ok());
    let error = prepare(Some("k2")).err().expect("they differ");
    assert_eq!(code_of(&error[0]), Some("BAD_REQUEST"));
}

#[test]
fn documents_are_cached_when_short() {
    let documents = documents();
    let long = format!("{{ a }} #{}", "x".repeat(70_000));
    for query in ["{ a }", long.as_str(), "{"] {
        let _ = documents.prepare(params(query), None, &RequestId::generate());
    }
    documents.cache.run_pending_tasks();
    assert_eq!(documents.cache.entry_count(), 1);
}

/// Counts the expanded fields of fragments that spread only later ones, by brute force.
fn expanded(spreads: &[Vec<usize>], memory: &mut HashMap<usize, u64>, at: usize) -> u64 {
    if let Some(&known) = memory.get(&at) {
        return known;
    }
    let fields = 1 + spreads[at]
        .iter()
        .map(|&next| expanded(spreads, memory, next))
        .sum::<u64>();
    memory.insert(at, fields);
    fields
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "[{}()\\[\\]a-c.:$@!\" \\\\#u0]{0,200}") {
        let _ = prepare(&text);
    }

    #[test]
    fn expansion_is_counted_as_it_would_run(
        choices in prop::collection::vec(prop::collection::vec(1_usize..8, 0..4), 1..12),
    ) {
        let count = choices.len();
        let spreads: Vec<Vec<usize>> = choices
            .iter()
            .enumerate()
            .map(|(at, steps)| steps.iter().map(|step| at + step).filter(|&to| to < count).collect())
            .collect();
        let mut text = String::from("{ q { ...F0 } }");
        for (at, targets) in spreads.iter().enumerate() {
            let inner: String = targets.iter().map(|to| format!(" ...F{to}")).collect();
            text.push_str(&format!(" fragment F{at} on Query {{ a {inner} }}"));
        }
        let fields = 1 + expanded(&spreads, &mut HashMap::new(), 0);
        let over = limit_of(&text).as_deref() == Some("expandedFields");
        prop_assert_eq!(over, fields > 5_000);
    }
}
