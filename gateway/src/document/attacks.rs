//! Documents made to be expensive. Each is answered in a moment, whatever the answer: every walk over a document is linear, or
//! bounded before it begins.

mod documents;

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use async_graphql::Variables;

use self::documents::{attacks, in_many_places, introspecting};
use super::{Documents, Typing, plan_of};
use crate::errors::code_of;
use crate::limits::{Limits, MAX_INTROSPECTION};
use crate::params::Params;
use crate::request_id::RequestId;

/// The limit on the thread's own time, in a debug build, on a machine that does the walk of `slowness` in `WALK`.
const MOMENT: Duration = Duration::from_millis(50);
const WALK: Duration = Duration::from_micros(12_500);

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

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Returns how much slower this machine is than the one of the limits, by a plain walk over as much text as the largest
/// documents have; a faster one counts as equal. It differs from moment to moment, as cores share caches and frequencies.
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
    // The minimum of a few runs counts, each by the pace at that moment: other threads share the cores.
    let mut least = Duration::MAX;
    let mut told = String::new();
    for _ in 0..5 {
        let params = Params {
            query: query.to_owned(),
            variables: variables.clone(),
            ..Params::default()
        };
        let begun = spent();
        let answer = documents.prepare(params, None, &RequestId::generate());
        let took = spent().saturating_sub(begun);
        least = least.min(match took > MOMENT {
            true => took.div_f64(slowness()),
            false => took,
        });
        told = match answer {
            Ok(_) => "accepted".to_owned(),
            Err(errors) => {
                assert!(errors.len() <= 10, "{} errors", errors.len());
                format!("{:?}: {}", code_of(&errors[0]), errors[0].message)
            }
        };
        if least <= MOMENT {
            break;
        }
    }
    (least, told)
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
