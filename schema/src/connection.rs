//! Relay connections over keyset pages: converts arguments to a page request, and places to opaque cursors and back. A cursor
//! also names its order, so that it is refused in another one instead of returning a wrong page.

use std::convert::Infallible;

use async_graphql::{
    ObjectType, OutputType,
    connection::{self, Connection, ConnectionNameType, CursorType, EdgeNameType, EmptyFields},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, Utc};
use entities::{Edge, Page, PageRequest, SortKey, Violations};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Result, codes, error, invalid};

const DEFAULT_PAGE: i32 = 20;
/// The largest page; also in the descriptions of the arguments.
pub(crate) const MAX_PAGE: i32 = 100;

/// The place of a row in a list with a certain order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListCursor<S> {
    #[serde(rename = "s")]
    pub(crate) sort: S,
    #[serde(rename = "e")]
    pub(crate) edge: Edge,
}

/// The text is not a cursor of the list.
#[derive(Debug, thiserror::Error)]
#[error("this is not a cursor of this list in this order")]
pub(crate) struct NotACursor;

/// A cursor is encoded only if a client asks for it.
impl<S: Serialize + DeserializeOwned> CursorType for ListCursor<S> {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text);
        serde_json::from_slice(&bytes.map_err(|_| NotACursor)?).map_err(|_| NotACursor)
    }

    fn encode_cursor(&self) -> String {
        // Serializing a plain structure to memory cannot fail.
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// A cursor that is already text.
#[derive(Debug, Clone)]
pub(crate) struct OpaqueCursor(pub(crate) String);

impl CursorType for OpaqueCursor {
    type Error = Infallible;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        Ok(Self(text.to_owned()))
    }

    fn encode_cursor(&self) -> String {
        self.0.clone()
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
            ListCursor::decode_cursor(&text)
                .ok()
                .filter(|cursor| accepts(cursor) && is_storable(&cursor.edge.key))
                .map(|cursor| Some(cursor.edge))
                .ok_or_else(|| error(codes::CURSOR_INVALID, NotACursor.to_string()))
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

/// Makes a connection of a page, with additional `fields`. `show` makes a node of a row.
pub(crate) fn connect<S, T, N, F, Name, EdgeName>(
    page: Page<T>,
    sort: S,
    fields: F,
    show: impl Fn(T) -> N,
) -> Connection<ListCursor<S>, N, F, EmptyFields, Name, EdgeName>
where
    S: Copy + Serialize + DeserializeOwned + Send + Sync,
    N: OutputType,
    F: ObjectType,
    Name: ConnectionNameType,
    EdgeName: EdgeNameType,
{
    let mut list = Connection::with_additional_fields(page.has_previous, page.has_next, fields);
    let items = page.items.into_iter();
    list.edges = items
        .map(|(edge, row)| connection::Edge::new(ListCursor { sort, edge }, show(row)))
        .collect();
    list
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
