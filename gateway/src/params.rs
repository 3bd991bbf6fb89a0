//! The parameters of one GraphQL request (`query`, `operationName`, `variables`, `extensions`) read from JSON. A wrong
//! type is refused by name and position. Shared by HTTP bodies, GET parameters and `subscribe` messages.

use std::fmt;

use async_graphql::{Extensions, Name, ServerError, Value, Variables};

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use events::trace;

use crate::errors::{Code, limit_exceeded, typed, with};
use crate::trace_context::{self, TraceContext};

/// The most items in all lists of a request's variables: as many as a document may have tokens, and fewer than a statement may have
/// parameters.
const MAX_ITEMS: usize = 10_000;
/// The name of the Read-After token in a request's extensions.
const READ_AFTER: &str = "readAfter";
/// The name of the idempotency key in a request's extensions.
const IDEMPOTENCY_KEY: &str = "idempotencyKey";
/// The extension that names a document by its hash.
pub(crate) const PERSISTED_QUERY: &str = "persistedQuery";
/// The argument of a subscription that names the cursor to resume from.
pub(crate) const AFTER: &str = "after";

/// The client's idempotency key. A repeat under it gets the first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

/// The token from a mutation's answer, whose effects a query's answer must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadAfter(pub String);

/// The cursor at which an event stream broke off that is resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeAfter(pub String);

/// SHA-256 of document, operation name and variables; two requests under one key must have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFingerprint(pub [u8; 32]);

/// One request, as it was sent.
#[derive(Debug, Default)]
pub struct Params {
    /// The document; empty when the request only names it.
    pub query: String,
    /// The id of the document, in place of its text.
    pub document_id: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub extensions: Extensions,
    /// Set by transports whose streams are resumed.
    pub resume_after: Option<ResumeAfter>,
    /// The trace of the transport's request.
    pub trace: Option<TraceContext>,
}

impl Params {
    /// Reads the parameters from a JSON object.
    ///
    /// # Errors
    ///
    /// `BAD_REQUEST` with `line` and `column`, for malformed JSON and for parameters of a wrong type.
    pub fn from_json(text: &str) -> Result<Self, ServerError> {
        serde_json::from_str(text).map_err(|error| json_refused("The request", &error))
    }

    /// Reads several requests from one array.
    ///
    /// # Errors
    ///
    /// Those of `from_json`.
    pub fn batch_from_json(text: &str) -> Result<Vec<Self>, ServerError> {
        serde_json::from_str(text).map_err(|error| json_refused("The batch", &error))
    }

    pub(crate) fn check_text(&self) -> Result<(), ServerError> {
        let mut variables = self.variables.iter();
        if variables.any(|(name, value)| name.contains('\0') || const_value_has_nul(value)) {
            return Err(nul_refused("the variables"));
        }
        let items: usize = self.variables.values().map(list_items).sum();
        if items > MAX_ITEMS {
            let message = format!("The lists in the variables have more than {MAX_ITEMS} items");
            return Err(limit_exceeded("items", MAX_ITEMS, message));
        }
        Ok(())
    }

    /// Returns the Read-After token from the request's extensions.
    pub(crate) fn read_after(&self) -> Result<Option<ReadAfter>, ServerError> {
        match self.extensions.0.get(READ_AFTER) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(token)) => Ok(Some(ReadAfter(token.clone()))),
            Some(_) => {
                let message = "extensions.readAfter must be a string";
                Err(typed(Code::BadRequest, message))
            }
        }
    }

    /// Returns the trace that the request belongs to; its own word comes before that of its transport.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        // That of the span here belongs to one of them.
        trace::current()
            .or_else(|| trace_context::of_extensions(&self.extensions))
            .or(self.trace)
    }

    /// Sets the transport's token, unless the request has one of its own.
    pub(crate) fn set_read_after(&mut self, token: String) {
        let extensions = &mut self.extensions.0;
        extensions
            .entry(READ_AFTER.to_owned())
            .or_insert(Value::String(token));
    }

    /// Sets the transport's idempotency key.
    ///
    /// # Errors
    ///
    /// `BAD_REQUEST` when the request has another one of its own.
    pub(crate) fn set_idempotency_key(&mut self, key: IdempotencyKey) -> Result<(), ServerError> {
        if let Some(IdempotencyKey(key)) = self.idempotency_key(Some(key))? {
            let extensions = &mut self.extensions.0;
            extensions.insert(IDEMPOTENCY_KEY.to_owned(), Value::String(key));
        }
        Ok(())
    }

    /// Returns the idempotency key, from the transport or from the request's extensions.
    pub(crate) fn idempotency_key(
        &self,
        outer: Option<IdempotencyKey>,
    ) -> Result<Option<IdempotencyKey>, ServerError> {
        let inner = match self.extensions.0.get(IDEMPOTENCY_KEY) {
            None | Some(Value::Null) => return Ok(outer),
            Some(Value::String(key)) => parse_idempotency_key(key.as_bytes())?,
            Some(_) => {
                let message = "extensions.idempotencyKey must be a string";
                return Err(typed(Code::BadRequest, message));
            }
        };
        if outer.is_some_and(|outer| outer != inner) {
            let message = "The Idempotency-Key header and extensions.idempotencyKey differ";
            return Err(typed(Code::BadRequest, message));
        }
        Ok(Some(inner))
    }
}

/// Checks an idempotency key: 1 to 255 visible ASCII characters.
///
/// # Errors
///
/// `BAD_REQUEST` for anything else.
pub fn parse_idempotency_key(key: &[u8]) -> Result<IdempotencyKey, ServerError> {
    let sane = (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(key) {
        Ok(text) if sane => Ok(IdempotencyKey(text.to_owned())),
        _ => Err(typed(
            Code::BadRequest,
            "An idempotency key must be 1 to 255 visible ASCII characters",
        )),
    }
}

pub(crate) fn json_refused(what: &str, error: &serde_json::Error) -> ServerError {
    let reason = if error.is_data() {
        "is not valid"
    } else {
        "is not valid JSON"
    };
    let refused = typed(Code::BadRequest, format!("{what} {reason}: {error}"));
    let refused = with(refused, "line", error.line() as u64);
    with(refused, "column", error.column() as u64)
}

pub(crate) fn nul_refused(place: &str) -> ServerError {
    typed(
        Code::BadRequest,
        format!("NUL characters (U+0000) are not accepted in {place}"),
    )
}

/// Counts the items of all lists in a value.
fn list_items(value: &Value) -> usize {
    match value {
        Value::List(items) => items.len() + items.iter().map(list_items).sum::<usize>(),
        Value::Object(fields) => fields.values().map(list_items).sum(),
        _ => 0,
    }
}

pub(crate) fn const_value_has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::List(items) => items.iter().any(const_value_has_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || const_value_has_nul(value)),
        _ => false,
    }
}

impl<'de> de::Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParamsVisitor)
    }
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = Params;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the parameter `query`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
        let (mut query, mut operation_name) = (None, None);
        let (mut variables, mut extensions, mut document_id) = (None, None, None);
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match key.as_ref() {
                "query" => once(&mut query, "query", map.next_value_seed(Text("query"))?)?,
                "documentId" => {
                    let id = map.next_value_seed(Text("documentId"))?;
                    once(&mut document_id, "documentId", id)?;
                }
                "operationName" => {
                    let name = map.next_value_seed(Text("operationName"))?;
                    once(&mut operation_name, "operationName", name)?;
                }
                "variables" => {
                    let found = map.next_value_seed(Object("variables"))?;
                    once(&mut variables, "variables", found)?;
                }
                "extensions" => {
                    let found = map.next_value_seed(Object("extensions"))?;
                    once(&mut extensions, "extensions", found)?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let extensions = extensions.unwrap_or_default();
        let document_id = document_id.flatten();
        let query = query_of(query.flatten(), document_id.as_deref(), &extensions);
        let mut params = Params {
            query: query.map_err(de::Error::custom)?,
            document_id,
            // Some clients send an empty name for none.
            operation_name: operation_name.flatten().filter(|name| !name.is_empty()),
            ..Params::default()
        };
        params.variables.extend(variables.unwrap_or_default());
        params.extensions.0.extend(
            extensions
                .into_iter()
                .map(|(name, value)| (name.to_string(), value)),
        );
        Ok(params)
    }
}

/// Returns the document, which may be missing only when the request names it; or what is wrong.
pub(crate) fn query_of(
    query: Option<String>,
    document_id: Option<&str>,
    extensions: &[(Name, Value)],
) -> Result<String, &'static str> {
    let by_hash = || extensions.iter().any(|(name, _)| name == PERSISTED_QUERY);
    match query {
        Some(query) if document_id.is_some() && !query.is_empty() => {
            Err("a request has either `query` or `documentId`")
        }
        Some(query) => Ok(query),
        None if document_id.is_some() || by_hash() => Ok(String::new()),
        None => Err("the parameter `query` is missing"),
    }
}

fn once<T, E: de::Error>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), E> {
    if slot.replace(value).is_some() {
        return Err(E::duplicate_field(name));
    }
    Ok(())
}

/// Deserializes a string or null, with the parameter's name in the error.
struct Text(&'static str);

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string as the parameter `{}`", self.0)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Deserializes an object or null, with the parameter's name in the error.
pub(crate) struct Object(pub(crate) &'static str);

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Vec<(Name, Value)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Vec<(Name, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object as the parameter `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry::<Name, Value>()? {
            entries.push(entry);
        }
        Ok(entries)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
}

/// Reads a JSON object from its own text, as GET parameters carry it.
pub(crate) fn object_from_json(
    name: &'static str,
    text: &str,
) -> Result<Vec<(Name, Value)>, ServerError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Object(name)
        .deserialize(&mut deserializer)
        .and_then(|entries| deserializer.end().map(|()| entries))
        .map_err(|error| json_refused(&format!("The parameter `{name}`"), &error))
}
