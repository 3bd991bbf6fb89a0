//! What execution needs of a request, taken apart so that a subscription can be executed more than once: for its group,
//! and for a subscriber that reads the log by itself. By convention the cursor to resume from is the argument `after`
//! of the subscription's field; it is taken out here, so that subscribers who differ only in it are alike.

use std::any::{Any, TypeId};

use async_graphql::{
    Name, Request, ServerError, Value as ConstValue, Variables,
    parser::types::{ExecutableDocument, Selection},
};
use async_graphql_value::Value;
use events::{Cursor, CursorError, EventLog, EventSource, Range};
use schema::{IdempotencyKey as SchemaIdempotencyKey, RequestContext, codes};

use crate::{
    errors::{Code, typed, with},
    operation::{IdempotencyKey, RequestFingerprint},
    request_id::RequestId,
};

/// The argument that names the cursor to resume from.
const AFTER: &str = "after";
/// Until there is sign-in, everyone is this.
const ANONYMOUS: &str = "anonymous";

/// A subscription that can be executed any number of times.
pub(super) struct SubscriptionRequest {
    pub(super) key: GroupKey,
    /// Deliver what comes after this position.
    pub(super) after: u64,
    document: ExecutableDocument,
    variables: Variables,
    context: RequestContext,
}

/// Subscriptions with the same key get the same bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    query: String,
    operation_name: Option<String>,
    variables: String,
    actor: String,
}

/// Puts what resolvers read into a request for a query or a mutation.
pub(super) fn complete(request: &mut Request) {
    let context = context_of(request);
    request.data.insert(context);
}

fn find<T: Any>(request: &Request) -> Option<&T> {
    request.data.get(&TypeId::of::<T>())?.downcast_ref()
}

fn context_of(request: &Request) -> RequestContext {
    let fingerprint = find::<RequestFingerprint>(request);
    let idempotency = find::<IdempotencyKey>(request).zip(fingerprint);
    RequestContext {
        actor: ANONYMOUS.to_owned(),
        request_id: find::<RequestId>(request).map_or_else(String::new, ToString::to_string),
        traceparent: None,
        idempotency: idempotency.map(|(key, fingerprint)| SchemaIdempotencyKey {
            key: key.0.clone(),
            fingerprint: fingerprint.0.to_vec(),
        }),
    }
}

impl SubscriptionRequest {
    pub(super) async fn new(
        mut request: Request,
        log: &EventLog,
    ) -> Result<Self, Vec<ServerError>> {
        let context = context_of(&request);
        let document = request.parsed_query().map_err(|error| vec![error])?.clone();
        let (text, variable) = after_argument(
            &document,
            request.operation_name.as_deref(),
            &request.variables,
        );
        let after = match text {
            Some(text) => resolve(log, &text).await.map_err(|error| vec![error])?,
            None => log.tail().position(),
        };
        let alike: std::collections::BTreeMap<_, _> = request
            .variables
            .iter()
            .filter(|(name, _)| Some(*name) != variable.as_ref())
            .collect();
        let key = GroupKey {
            query: std::mem::take(&mut request.query),
            operation_name: request.operation_name.take(),
            variables: serde_json::to_string(&alike).unwrap_or_default(),
            actor: context.actor.clone(),
        };
        Ok(Self {
            key,
            after,
            document,
            variables: request.variables,
            context,
        })
    }

    /// A request for one execution over a stretch of the log, and the source that tells how far it is.
    pub(super) fn execution(&self, log: &EventLog, range: Range) -> (Request, EventSource) {
        let source = EventSource::new(log.clone(), Some(range));
        let mut request = Request::new(self.key.query.clone())
            .variables(self.variables.clone())
            .data(self.context.clone())
            .data(source.clone());
        if let Some(name) = &self.key.operation_name {
            request = request.operation_name(name);
        }
        request.set_parsed_query(self.document.clone());
        (request, source)
    }
}

/// The value of the `after` argument of the subscription's one root field, and the variable that it comes from.
fn after_argument(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
) -> (Option<String>, Option<Name>) {
    let is_wanted = |name: Option<&Name>| {
        operation_name.is_none_or(|wanted| name.map(Name::as_str) == Some(wanted))
    };
    let mut operations = document.operations.iter();
    let Some((_, operation)) = operations.find(|(name, _)| is_wanted(*name)) else {
        return (None, None);
    };
    let argument = match operation
        .node
        .selection_set
        .node
        .items
        .first()
        .map(|root| &root.node)
    {
        Some(Selection::Field(field)) => field.node.get_argument(AFTER),
        _ => None,
    };
    match argument.map(|argument| &argument.node) {
        Some(Value::String(text)) => (Some(text.clone()), None),
        Some(Value::Variable(name)) => {
            let mut definitions = operation.node.variable_definitions.iter();
            // A variable that is left out has its default; one that is null has not.
            let value = variables.get(name).or_else(|| {
                let definition =
                    definitions.find(|definition| definition.node.name.node == *name)?;
                definition
                    .node
                    .default_value
                    .as_ref()
                    .map(|value| &value.node)
            });
            match value {
                Some(ConstValue::String(text)) => (Some(text.clone()), Some(name.clone())),
                _ => (None, None),
            }
        }
        _ => (None, None),
    }
}

async fn resolve(log: &EventLog, text: &str) -> Result<u64, ServerError> {
    let refused = |error: CursorError| {
        let code = match error {
            CursorError::Expired => codes::CURSOR_EXPIRED,
            CursorError::Malformed | CursorError::Foreign => codes::CURSOR_INVALID,
        };
        with(ServerError::new(error.to_string(), None), "code", code)
    };
    let cursor: Cursor = text.parse().map_err(refused)?;
    match log.resolve(cursor).await {
        Ok(resolved) => resolved.map_err(refused),
        Err(error) => {
            tracing::warn!(%error, "a cursor could not be checked");
            Err(typed(
                Code::Unavailable,
                "The event log cannot be read; try again",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(document: &str, variables: serde_json::Value) -> Option<String> {
        let document = async_graphql::parser::parse_query(document).expect("a document");
        after_argument(&document, None, &Variables::from_json(variables)).0
    }

    #[test]
    fn the_cursor_is_found_wherever_it_may_stand() {
        let none = serde_json::json!({});
        let given = serde_json::json!({ "a": "given" });
        let null = serde_json::json!({ "a": null });
        let with_default =
            r#"subscription ($a: String = "default") { customerChanged(after: $a) { type } }"#;
        assert_eq!(
            after(with_default, none.clone()).as_deref(),
            Some("default")
        );
        assert_eq!(after(with_default, given.clone()).as_deref(), Some("given"));
        assert_eq!(after(with_default, null), None);
        let variable = "subscription ($a: String) { customerChanged(after: $a) { type } }";
        assert_eq!(after(variable, given).as_deref(), Some("given"));
        assert_eq!(after(variable, none.clone()), None);
        let literal = r#"subscription { customerChanged(after: "literal") { type } }"#;
        assert_eq!(after(literal, none.clone()).as_deref(), Some("literal"));
        assert_eq!(
            after("subscription { customerChanged { type } }", none),
            None
        );
    }
}
