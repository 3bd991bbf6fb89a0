//! The directive `@live` of a query: read off the document with its plan, and completed with the request's variables. Transports learn from
//! it that the operation is answered by a stream; `live` learns how.

use std::time::Duration;

use apollo_compiler::executable::Operation;
use async_graphql::{Name, ServerError, Value as Given, Variables};
use async_graphql_value::Value;

use super::circumstances::Circumstances;
use crate::errors::{Code, typed};

const DIRECTIVE: &str = "live";
const USUAL_THROTTLE: i64 = 100;
/// The least and the most milliseconds between two answers.
const THROTTLES: std::ops::RangeInclusive<i64> = 10..=60_000;

/// How a live query is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The shortest time between two executions that events cause.
    pub throttle: Duration,
    /// Whether differences to the answer before are sent, where they are shorter.
    pub patch: bool,
}

/// The arguments of the directive. `None` for an operation without it.
#[derive(Default)]
pub(super) struct Asked(Option<Vec<(Name, Value)>>);

impl Asked {
    pub(super) fn of(operation: &Operation, circumstances: &Circumstances<'_>) -> Self {
        let directive = operation.directives.get(DIRECTIVE);
        Self(directive.map(|it| circumstances.given(&it.arguments)))
    }

    /// Returns how the query is to be answered; `None` when it is not live.
    pub(super) fn terms(&self, variables: &Variables) -> Result<Option<Terms>, ServerError> {
        let Some(arguments) = &self.0 else {
            return Ok(None);
        };
        let argument = |name: &str| {
            let (_, value) = arguments.iter().find(|(it, _)| *it == name)?;
            match value {
                Value::Variable(name) => variables.get(name).cloned(),
                value => value.clone().into_const(),
            }
        };
        let flag = |name, usual| match argument(name) {
            Some(Given::Boolean(flag)) => flag,
            _ => usual,
        };
        if !flag("if", true) {
            return Ok(None);
        }
        let throttle = match argument("throttle") {
            Some(Given::Number(number)) => number.as_i64().unwrap_or(i64::MAX),
            _ => USUAL_THROTTLE,
        };
        if !THROTTLES.contains(&throttle) {
            let (least, most) = (THROTTLES.start(), THROTTLES.end());
            let message = format!("The argument throttle of @live must be from {least} to {most}.");
            return Err(typed(Code::ValidationFailed, message));
        }
        Ok(Some(Terms {
            throttle: Duration::from_millis(throttle.unsigned_abs()),
            patch: flag("patch", false),
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::{Documents, Prepared, Typing};
    use crate::limits::Limits;
    use crate::params::Params;
    use crate::request_id::RequestId;

    const SDL: &str = "
        directive @live(if: Boolean = true, throttle: Int = 100, patch: Boolean = false) on QUERY
        type Query { a: String }
        type Mutation { a: String }
    ";

    fn prepare(document: &str, variables: serde_json::Value) -> Result<Prepared, Vec<ServerError>> {
        let typing = Typing::of(SDL).expect("a schema");
        let params = Params {
            query: document.into(),
            variables: Variables::from_json(variables),
            ..Params::default()
        };
        let documents = Documents::new(Limits::default(), typing, true);
        documents.prepare(params, None, &RequestId::generate())
    }

    fn terms(document: &str, variables: serde_json::Value) -> Option<(u128, bool)> {
        let prepared = prepare(document, variables).unwrap_or_else(|errors| panic!("{errors:?}"));
        let terms = prepared.request.data.get(&std::any::TypeId::of::<Terms>());
        let terms = terms.and_then(|terms| terms.downcast_ref::<Terms>());
        assert_eq!(prepared.is_streamed(), terms.is_some());
        terms.map(|terms| (terms.throttle.as_millis(), terms.patch))
    }

    #[test]
    fn the_terms_are_those_of_the_document_and_its_variables() {
        assert_eq!(terms("{ a }", json!({})), None);
        assert_eq!(terms("query @live { a }", json!({})), Some((100, false)));
        assert_eq!(terms("query @live(if: false) { a }", json!({})), None);
        let literal = "query @live(throttle: 500, patch: true) { a }";
        assert_eq!(terms(literal, json!({})), Some((500, true)));
        let given =
            "query($t: Int, $p: Boolean, $i: Boolean) @live(throttle: $t, patch: $p, if: $i) { a }";
        assert_eq!(terms(given, json!({})), Some((100, false)));
        let nulls = json!({ "t": null, "p": null, "i": null });
        assert_eq!(terms(given, nulls), Some((100, false)));
        let all = json!({ "t": 20, "p": true, "i": true });
        assert_eq!(terms(given, all), Some((20, true)));
        assert_eq!(terms(given, json!({ "i": false })), None);
    }

    #[test]
    fn it_is_for_queries_and_within_bounds() {
        let refused = |document: &str| {
            let errors = prepare(document, json!({})).err().unwrap_or_default();
            errors
                .first()
                .and_then(crate::errors::code_of)
                .map(str::to_owned)
        };
        for document in [
            "mutation @live { a }",
            "{ a @live }",
            "query @live @live { a }",
            "query @live(throttle: 9) { a }",
            "query @live(throttle: -1) { a }",
            "query @live(throttle: 60001) { a }",
            "query @live(throttle: \"fast\") { a }",
        ] {
            let code = refused(document);
            assert_eq!(
                code.as_deref(),
                Some("GRAPHQL_VALIDATION_FAILED"),
                "{document}"
            );
        }
    }
}
