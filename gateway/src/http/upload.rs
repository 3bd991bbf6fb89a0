//! Requests with files, by the GraphQL multipart request specification: the part `operations` is the request, `map` says for which of its
//! variables the files stand that follow. Everything is bounded: the body, the request in it, and the variables that get files.
//!
//! Browsers send this type across origins without asking, unlike JSON. So a header is demanded about which they have to ask first, and
//! whoever they ask says no to pages that are not listed (`origin::cors`).

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::{ServerError, Value};
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::response::Response;
use entities::users::MOST_AVATAR_BYTES;
use futures::stream;
use multer::Multipart;

use super::refusal::Refusal;
use super::{Call, body, run};
use crate::budget::Share;
use crate::errors::{Code, limit_exceeded, typed};
use crate::operation::Operations;
use crate::params::{Params, json_refused};

/// How much longer a body may be because of files.
const MOST_FILE_BYTES: usize = MOST_AVATAR_BYTES + 4 * 1024;
/// The most variables that get a file.
const MOST_PLACES: usize = 10;
/// The headers of which one has to be there, with any value but the empty one.
const ASKED: [&str; 2] = ["graphql-preflight", "apollo-require-preflight"];

/// Returns whether the body is said to be a form with files.
pub(super) fn is_multipart(headers: &HeaderMap) -> bool {
    let essence = content_type(headers).split(';').next();
    essence.is_some_and(|it| it.trim().eq_ignore_ascii_case("multipart/form-data"))
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Reads the request, and runs it.
pub(super) async fn answer<O: Operations>(
    call: &Call<'_, O>,
    body: Body,
    share: Share,
) -> Result<Response, Refusal> {
    let is_asked = |name: &&str| call.headers.get(*name).is_some_and(|it| !it.is_empty());
    if !ASKED.iter().any(is_asked) {
        return Err(Refusal::forbidden(
            "A request with files needs the header GraphQL-Preflight: 1, so that no page of another origin can have it sent",
        ));
    }
    let boundary = multer::parse_boundary(content_type(call.headers));
    let boundary = boundary
        .map_err(|_| Refusal::unsupported_media_type("The content-type has no boundary"))?;
    body::check_encoding(call.headers)?;
    let most = call.app.http.max_body_bytes;
    let (body, _share) = body::arrive(call, body, most + MOST_FILE_BYTES, share).await?;
    let length = body.len();
    let read = read(body, boundary, most).await;
    let params = call.paid(length, read).await?;
    run(call, params).await
}

/// Reads the request with its files from a whole body.
async fn read(body: Bytes, boundary: String, most: usize) -> Result<Params, ServerError> {
    let body = stream::iter([Ok::<_, Infallible>(body)]);
    let mut parts = Multipart::new(body, boundary);
    let operations = text(&mut parts, "operations", most).await?;
    if operations.trim_start().starts_with('[') {
        return Err(refused("A batch cannot have files"));
    }
    let mut params = Params::from_json(&operations)?;
    let map = text(&mut parts, "map", most).await?;
    let map: HashMap<String, Vec<String>> =
        serde_json::from_str(&map).map_err(|error| json_refused("The part `map`", &error))?;
    let mut missing = map;
    if missing.values().map(Vec::len).sum::<usize>() > MOST_PLACES {
        let message = format!("The files are for more than {MOST_PLACES} variables");
        return Err(limit_exceeded("files", MOST_PLACES, message));
    }
    while let Some(field) = parts.next_field().await.map_err(|it| malformed(&it))? {
        let places = field.name().and_then(|name| missing.remove(name));
        let places = places.ok_or_else(|| refused("A part is not named in the map"))?;
        let file = field.bytes().await.map_err(|it| malformed(&it))?;
        for place in places {
            let put = put(&mut params, &place, file.clone());
            put.ok_or_else(|| {
                refused("The map names what is no variable of the request, or is not null there")
            })?;
        }
    }
    match missing.is_empty() {
        true => Ok(params),
        false => Err(refused("A file that the map names is missing")),
    }
}

/// Returns the next part, which must have this name.
async fn text(parts: &mut Multipart<'_>, name: &str, most: usize) -> Result<String, ServerError> {
    let expected = || refused(format!("The part `{name}` is not where it has to be"));
    let next = parts.next_field().await.map_err(|it| malformed(&it))?;
    let next = next.filter(|field| field.name() == Some(name));
    let bytes = next.ok_or_else(expected)?.bytes().await;
    let bytes = bytes.map_err(|it| malformed(&it))?;
    if bytes.len() > most {
        let message = format!("The part `{name}` is larger than {most} bytes");
        return Err(limit_exceeded("bytes", most, message));
    }
    let text = String::from_utf8(bytes.into());
    text.map_err(|_| refused(format!("The part `{name}` is not UTF-8")))
}

/// Puts a file in the place of a null among the variables; `None` when there is none.
fn put(params: &mut Params, place: &str, file: Bytes) -> Option<()> {
    let rest = place.strip_prefix("variables.")?;
    let mut steps = rest.split('.');
    let mut value = params.variables.get_mut(steps.next()?)?;
    for step in steps {
        value = match value {
            Value::Object(fields) => fields.get_mut(step)?,
            Value::List(items) => items.get_mut(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    (*value == Value::Null).then(|| *value = Value::Binary(file))
}

fn malformed(error: &multer::Error) -> ServerError {
    refused(format!("The multipart body is not valid: {error}"))
}

fn refused(message: impl Into<String>) -> ServerError {
    typed(Code::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDARY: &str = "b";

    fn form(parts: &[(&str, &str)]) -> Bytes {
        let part = |(name, text): &(&str, &str)| {
            format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
            )
        };
        let parts: String = parts.iter().map(part).collect();
        format!("{parts}--{BOUNDARY}--\r\n").into()
    }

    async fn read_form(parts: &[(&str, &str)]) -> Result<Params, String> {
        let read = read(form(parts), BOUNDARY.to_owned(), 1_000).await;
        read.map_err(|error| error.message)
    }

    const OPERATIONS: (&str, &str) = (
        "operations",
        r#"{"query":"{a}","variables":{"one":null,"input":{"files":[null,null]},"text":"x"}}"#,
    );

    #[tokio::test]
    async fn files_are_put_where_the_map_says() {
        let map =
            r#"{"0":["variables.one","variables.input.files.1"],"f":["variables.input.files.0"]}"#;
        let parts = [OPERATIONS, ("map", map), ("0", "first"), ("f", "second")];
        let params = read_form(&parts).await.expect("a request");
        let [first, second] = ["first", "second"].map(|file| Value::Binary(file.into()));
        assert_eq!(params.variables["one"], first);
        let input = &params.variables["input"];
        let mut fields = async_graphql::indexmap::IndexMap::new();
        fields.insert(
            async_graphql::Name::new("files"),
            Value::List(vec![second, first]),
        );
        assert_eq!(*input, Value::Object(fields));
    }

    #[tokio::test]
    async fn what_is_no_request_with_files_is_refused() {
        let map = |map: &'static str| ("map", map);
        let file = ("0", "file");
        let eleven = format!("{{\"0\":[{}]}}", ["\"variables.one\""; 11].join(","));
        let long = "x".repeat(1_001);
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "`operations`"),
            (&[map("{}"), OPERATIONS], "`operations`"),
            (&[OPERATIONS, file], "`map`"),
            (&[("operations", "[]"), map("{}")], "batch"),
            (&[("operations", "{"), map("{}")], "JSON"),
            (&[("operations", &long), map("{}")], "larger"),
            (&[OPERATIONS, map("[]")], "`map`"),
            (&[OPERATIONS, map("{}"), file], "not named"),
            (&[OPERATIONS, map(r#"{"0":["variables.one"]}"#)], "missing"),
            (
                &[OPERATIONS, map(r#"{"0":["variables.one"]}"#), file, file],
                "not named",
            ),
            (&[OPERATIONS, ("map", &eleven), file], "more than"),
        ];
        for (parts, expected) in cases {
            let refused = read_form(parts).await.expect_err(expected);
            assert!(refused.contains(expected), "{refused}");
        }
        for place in [
            "",
            "variables",
            "variables.",
            "query",
            "variables.none",
            "variables.text",
            "variables.input",
            "variables.input.files",
            "variables.input.files.2",
            "variables.input.files.-1",
            "variables.input.files.0.0",
            "variables.one.x",
        ] {
            let map = format!("{{\"0\":[\"{place}\"]}}");
            let refused = read_form(&[OPERATIONS, ("map", &map), file]).await;
            let refused = refused.expect_err(place);
            assert!(refused.contains("no variable"), "{place}: {refused}");
        }
        let cut = form(&[OPERATIONS, map(r#"{"0":["variables.one"]}"#), file]);
        for length in 0..cut.len() - 8 {
            let read = read(cut.slice(..length), BOUNDARY.to_owned(), 1_000).await;
            read.expect_err("a body that ends early");
        }
    }
}
