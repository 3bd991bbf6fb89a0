//! From request text to a checked request: count tokens, parse once, check what documents expand to, resolve the
//! operation. Parsed documents are kept in a bounded cache by their exact text; only documents that passed every
//! check are in it, so a hit needs none of them again. Called by all transports.

mod cost;
mod lexer;
mod order;
mod subscription;
#[cfg(test)]
mod tests;

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use order::FieldOrder;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Name, Request, ServerError, Value, Variables};
use moka::sync::Cache;

use crate::errors::{Code, limit_exceeded, typed};
use crate::fingerprint;
use crate::limits::{Limits, MAX_NESTING};
use crate::operation::IdempotencyKey;
use crate::params::Params;
use crate::request_id::RequestId;

/// Documents longer than this are parsed anew each time.
const MAX_CACHED_TEXT: usize = 16 * 1024;
/// A parsed document, with the order of its fields, takes about this many times its text.
const PARSED_FACTOR: u32 = 24;
const ENTRY_OVERHEAD: u32 = 1024;
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// The parser with its cache and the limits it enforces.
pub struct Documents {
    limits: Limits,
    cache: Cache<String, Checked>,
}

/// A document that passed every check, and the order of fields in the answers to each of its operations.
#[derive(Clone)]
struct Checked {
    document: Arc<ExecutableDocument>,
    orders: Arc<HashMap<Option<Name>, Arc<FieldOrder>>>,
}

/// A request ready for execution.
pub struct Prepared {
    pub request: Request,
    pub kind: OperationType,
}

impl Documents {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let cache = Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|text: &String, _: &Checked| {
                let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                length
                    .saturating_mul(PARSED_FACTOR)
                    .saturating_add(ENTRY_OVERHEAD)
            })
            .build();
        Self { limits, cache }
    }

    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Checks the request and completes its data (see [`Operations`](crate::operation::Operations)). `key` is the one
    /// of the transport and must agree with the one in the request's extensions, if both are there.
    ///
    /// # Errors
    ///
    /// Typed: parse failure, limits, unknown operation, forbidden characters, a bad idempotency key.
    pub fn prepare(
        &self,
        params: Params,
        key: Option<IdempotencyKey>,
        request_id: &RequestId,
    ) -> Result<Prepared, ServerError> {
        let Checked { document, orders } = self.load(&params.query)?;
        let (name, operation) = resolve(&document, params.operation_name.as_deref())?;
        check_variables(operation, &params.variables)?;
        let kind = operation.ty;
        params.check_text()?;
        let key = params.idempotency_key(key)?;
        let read_after = params.read_after()?;

        let mut data = async_graphql::Data::default();
        data.insert(request_id.clone());
        data.insert(kind);
        if let Some(order) = orders.get(&name.cloned()) {
            data.insert(order.clone());
        }
        if let Some(read_after) = read_after {
            data.insert(read_after);
        }
        if let Some(key) = key {
            data.insert(fingerprint::of(&params));
            data.insert(key);
        }
        let mut request = Request::new(params.query).variables(params.variables);
        request.set_parsed_query(Arc::unwrap_or_clone(document));
        request.operation_name = params.operation_name;
        request.extensions = params.extensions;
        request.data = data;
        Ok(Prepared { request, kind })
    }

    fn load(&self, text: &str) -> Result<Checked, ServerError> {
        if text.len() > MAX_CACHED_TEXT {
            return self.parse(text);
        }
        if let Some(document) = self.cache.get(text) {
            return Ok(document);
        }
        let document = self.parse(text)?;
        self.cache.insert(text.to_owned(), document.clone());
        Ok(document)
    }

    fn parse(&self, text: &str) -> Result<Checked, ServerError> {
        let extent = lexer::measure(text, self.limits.max_tokens);
        if extent.tokens > self.limits.max_tokens {
            let maximum = self.limits.max_tokens;
            let message = format!("The document has more than {maximum} tokens");
            return Err(limit_exceeded("tokens", maximum, message));
        }
        if extent.nesting > MAX_NESTING {
            let message = format!("The document nests brackets deeper than {MAX_NESTING}");
            return Err(limit_exceeded("nesting", MAX_NESTING, message));
        }
        let mut document = parse_query(text).map_err(|error| ServerError {
            locations: error.positions().collect(),
            ..typed(Code::ParseFailed, error.to_string())
        })?;
        cost::check(&document, &self.limits)?;
        subscription::inline_roots(&mut document)?;
        let orders = document.operations.iter().map(|(name, operation)| {
            let order = FieldOrder::of(&operation.node.selection_set.node, &document);
            (name.cloned(), Arc::new(order))
        });
        let orders = Arc::new(orders.collect());
        Ok(Checked {
            document: Arc::new(document),
            orders,
        })
    }
}

/// The order of fields in the answers to a request that was prepared here.
pub(crate) fn order_of(request: &Request) -> Option<Arc<FieldOrder>> {
    let order = request.data.get(&TypeId::of::<Arc<FieldOrder>>())?;
    order.downcast_ref().cloned()
}

fn resolve<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<(Option<&'a Name>, &'a OperationDefinition), ServerError> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some((None, operation)),
        (DocumentOperations::Multiple(all), Some(name)) => {
            let found = all.get_key_value(name);
            found.map(|(name, operation)| (Some(name), operation))
        }
        (DocumentOperations::Multiple(all), None) if all.len() == 1 => {
            let only = all.iter().next();
            only.map(|(name, operation)| (Some(name), operation))
        }
        (DocumentOperations::Multiple(_), None) => {
            let message = "operationName is required: the document has several operations";
            return Err(typed(Code::BadRequest, message));
        }
        (DocumentOperations::Single(_), Some(_)) => None,
    };
    let operation = operation.map(|(name, operation)| (name, &operation.node));
    operation.ok_or_else(|| {
        let name = name.unwrap_or_default();
        typed(
            Code::BadRequest,
            format!("The document has no operation named {name:?}"),
        )
    })
}

/// Every variable that must have a value has one. The executor would find out only at the field that uses it, when
/// others have run.
fn check_variables(
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<(), ServerError> {
    for definition in &operation.variable_definitions {
        let (name, kind) = (&definition.node.name.node, &definition.node.var_type.node);
        if kind.nullable || definition.node.default_value.is_some() {
            continue;
        }
        if matches!(variables.get(name), None | Some(Value::Null)) {
            let message =
                format!("Variable \"${name}\" of required type \"{kind}\" was not provided.");
            let mut error = typed(Code::ValidationFailed, message);
            error.locations.push(definition.pos);
            return Err(error);
        }
    }
    Ok(())
}
