//! Relay connections over keyset pages: converts arguments to a page request, and places to opaque cursors and back. A cursor
//! also names its order, so that it is refused in another one instead of returning a wrong page.

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use async_graphql::{
    ComplexObject, Object, ObjectType, OutputType, SimpleObject, TypeName,
    connection::{
        ConnectionNameType, DefaultConnectionName, DefaultEdgeName, EdgeNameType, PageInfo,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, Utc};
use entities::{Page, PageRequest, SortKey, Violations};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    error::{Result, codes, error, internal, invalid},
    list::List,
};

const DEFAULT_PAGE: i32 = 20;
/// The largest page; also in the descriptions of the arguments.
pub(crate) const MAX_PAGE: i32 = 100;

/// The place of a row in a list with a certain order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListCursor<S> {
    #[serde(rename = "s")]
    pub(crate) sort: S,
    #[serde(rename = "e")]
    pub(crate) edge: entities::Edge,
}

impl<S: Serialize> ListCursor<S> {
    fn encode(&self) -> String {
        // Serializing a plain structure to memory cannot fail.
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

impl<S: DeserializeOwned> ListCursor<S> {
    fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// The cursor of an edge. It becomes text only if a client asks for it.
pub(crate) enum EdgeCursor {
    /// A place in a list, whose order is already text.
    Place(Arc<RawValue>, entities::Edge),
    Text(String),
}

impl EdgeCursor {
    fn encode(&self) -> String {
        match self {
            Self::Place(sort, edge) => ListCursor {
                sort: sort.as_ref(),
                edge: edge.clone(),
            }
            .encode(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A page of a list. async-graphql's own has a type for each kind of cursor, and compiles its lists for each of them.
pub(crate) struct Connection<
    N: OutputType,
    F: ObjectType,
    Name: ConnectionNameType = DefaultConnectionName,
    EdgeName: EdgeNameType = DefaultEdgeName,
> {
    edges: List<Edge<N, EdgeName>>,
    has_previous: bool,
    has_next: bool,
    fields: F,
    name: PhantomData<Name>,
}

impl<N: OutputType, F: ObjectType, Name: ConnectionNameType, EdgeName: EdgeNameType>
    Connection<N, F, Name, EdgeName>
{
    /// Makes a connection of a page's cursors and nodes, with additional `fields`.
    pub(crate) fn new(
        (has_previous, has_next): (bool, bool),
        edges: impl Iterator<Item = (EdgeCursor, N)>,
        fields: F,
    ) -> Self {
        let name = PhantomData;
        let edges = edges.map(|(cursor, node)| Edge { cursor, node, name });
        Self {
            edges: edges.collect(),
            has_previous,
            has_next,
            fields,
            name: PhantomData,
        }
    }
}

#[Object(name_type)]
impl<N: OutputType, F: ObjectType, Name: ConnectionNameType, EdgeName: EdgeNameType>
    Connection<N, F, Name, EdgeName>
{
    /// Information to aid in pagination.
    async fn page_info(&self) -> PageInfo {
        let edges = &self.edges.0;
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: edges.first().map(|edge| edge.cursor.encode()),
            end_cursor: edges.last().map(|edge| edge.cursor.encode()),
        }
    }

    /// A list of edges.
    async fn edges(&self) -> &List<Edge<N, EdgeName>> {
        &self.edges
    }

    /// A list of nodes.
    async fn nodes(&self) -> List<&N> {
        self.edges.0.iter().map(|edge| &edge.node).collect()
    }

    #[graphql(flatten)]
    async fn fields(&self) -> &F {
        &self.fields
    }
}

impl<N: OutputType, F: ObjectType, Name: ConnectionNameType, EdgeName: EdgeNameType> TypeName
    for Connection<N, F, Name, EdgeName>
{
    fn type_name() -> Cow<'static, str> {
        Name::type_name::<N>().into()
    }
}

/// The total of a list below an object that knows it.
#[derive(SimpleObject)]
pub(crate) struct KnownTotal {
    /// The number of items of the whole list.
    pub(crate) total_count: i64,
}

/// An edge in a connection.
#[derive(SimpleObject)]
#[graphql(name_type, complex)]
pub(crate) struct Edge<N: OutputType, Name: EdgeNameType> {
    #[graphql(skip)]
    cursor: EdgeCursor,
    /// The item at the end of the edge
    node: N,
    #[graphql(skip)]
    name: PhantomData<Name>,
}

#[ComplexObject]
impl<N: OutputType, Name: EdgeNameType> Edge<N, Name> {
    /// A cursor for use in pagination
    async fn cursor(&self) -> String {
        self.cursor.encode()
    }
}

impl<N: OutputType, Name: EdgeNameType> TypeName for Edge<N, Name> {
    fn type_name() -> Cow<'static, str> {
        Name::type_name::<N>().into()
    }
}

/// The arguments of a connection.
#[derive(Clone)]
pub(crate) struct PageArguments {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

type Arguments = (Option<i32>, Option<String>, Option<i32>, Option<String>);

impl From<Arguments> for PageArguments {
    fn from((first, after, last, before): Arguments) -> Self {
        Self {
            first,
            after,
            last,
            before,
        }
    }
}

impl PageArguments {
    /// Checks the arguments; `accepts` returns whether a cursor's sort is that of the list.
    pub(crate) fn request<S: Serialize + DeserializeOwned>(
        self,
        accepts: impl Fn(&ListCursor<S>) -> bool,
    ) -> Result<PageRequest> {
        let decode = |text: Option<String>| {
            let Some(text) = text else { return Ok(None) };
            ListCursor::decode(&text)
                .filter(|cursor| accepts(cursor) && is_storable(&cursor.edge.key))
                .map(|cursor| Some(cursor.edge))
                .ok_or_else(|| {
                    let message = "this is not a cursor of this list in this order";
                    error(codes::CURSOR_INVALID, message)
                })
        };
        let (limit, from_end) = self.extent()?;
        Ok(PageRequest {
            after: decode(self.after)?,
            before: decode(self.before)?,
            limit,
            from_end,
        })
    }

    /// Returns the size of the page, and whether it is the last one of its range.
    pub(crate) fn extent(&self) -> Result<(u64, bool)> {
        match (self.first, self.last) {
            (Some(_), Some(_)) => {
                let message = "must not be used together with first";
                Err(invalid(Violations::one("last", "exclusive", message)))
            }
            (Some(first), None) => Ok((checked("first", first)?, false)),
            (None, Some(last)) => Ok((checked("last", last)?, true)),
            (None, None) => Ok((DEFAULT_PAGE as u64, false)),
        }
    }
}

/// Makes a connection of a page in this order, with additional `fields`. `show` makes a node of a row.
pub(crate) fn connect<T, N, F, Name, EdgeName>(
    page: Page<T>,
    sort: impl Serialize,
    fields: F,
    show: impl Fn(T) -> N,
) -> Result<Connection<N, F, Name, EdgeName>>
where
    N: OutputType,
    F: ObjectType,
    Name: ConnectionNameType,
    EdgeName: EdgeNameType,
{
    let sort: Arc<RawValue> = to_raw_value(&sort)
        .map_err(|cause| internal(&cause))?
        .into();
    let edges = page.items.into_iter();
    let edges = edges.map(|(edge, row)| (EdgeCursor::Place(sort.clone(), edge), show(row)));
    let more = (page.has_previous, page.has_next);
    Ok(Connection::new(more, edges, fields))
}

/// Returns whether the key can be stored: Postgres stores no NUL in texts, and no times before 4713 BC; our cursors contain
/// neither.
fn is_storable(key: &SortKey) -> bool {
    match key {
        SortKey::Text(text) => !text.contains('\0'),
        SortKey::Time(time) => is_storable_time(time),
        SortKey::Number(_) => true,
    }
}

/// Returns whether both databases can compare with this time: years 0 to 9999, as RFC 3339 has them.
fn is_storable_time(time: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&time.year())
}

/// Checks a time of a filter.
pub(crate) fn check_time(
    field: &str,
    time: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>> {
    match time.is_none_or(|time| is_storable_time(&time)) {
        true => Ok(time),
        false => {
            let message = "must be in the years 0 to 9999";
            Err(invalid(Violations::one(field, "range", message)))
        }
    }
}

pub(crate) fn checked(argument: &str, size: i32) -> Result<u64> {
    if (1..=MAX_PAGE).contains(&size) {
        return Ok(size as u64);
    }
    let message = format!("must be from 1 to {MAX_PAGE}");
    Err(invalid(Violations::one(argument, "range", &message)))
}
