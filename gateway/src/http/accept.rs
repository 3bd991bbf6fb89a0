//! Content negotiation per the GraphQL-over-HTTP specification. `*/*` and a missing or empty header mean `application/json`,
//! the choice that old clients understand. Apollo Client asks for multipart answers to subscriptions.

use std::cmp::Reverse;

use axum::http::header::{ACCEPT, HeaderMap, HeaderValue};

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// `application/graphql-response+json`: the status tells the outcome.
    GraphqlResponse,
    /// `application/json`: a well-formed GraphQL request is always answered with 200.
    Json,
    /// `text/event-stream`: graphql-sse, distinct connections.
    EventStream,
    /// `multipart/mixed`, for subscriptions only: other answers have the next best type.
    Multipart,
}

impl MediaType {
    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::EventStream => "text/event-stream; charset=utf-8",
            Self::Multipart => "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0",
        })
    }
}

/// Returns the media type to answer with; `None` when the client accepts none that exist here.
pub(crate) fn negotiate(headers: &HeaderMap) -> Option<MediaType> {
    negotiate_among(headers, |_| true)
}

/// Returns the media type of an answer that is no stream, to a client that accepts a multipart one.
pub(super) fn beside_multipart(headers: &HeaderMap) -> MediaType {
    let best = negotiate_among(headers, |media_type| media_type != MediaType::Multipart);
    best.unwrap_or(MediaType::Json)
}

fn negotiate_among(
    headers: &HeaderMap,
    is_candidate: impl Fn(MediaType) -> bool,
) -> Option<MediaType> {
    let mut values = headers.get_all(ACCEPT).iter();
    if values.all(|value| value.as_bytes().trim_ascii().is_empty()) {
        return Some(MediaType::Json);
    }
    let values = headers.get_all(ACCEPT).iter();
    let ranges: Vec<_> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| (range, split_quality(range)))
        .collect();
    // The first of equals wins.
    let offered = [
        MediaType::Json,
        MediaType::GraphqlResponse,
        MediaType::EventStream,
        MediaType::Multipart,
    ];
    let offered = offered.into_iter().filter(|it| is_candidate(*it));
    let judged = offered.filter_map(|media_type| {
        let matching = ranges.iter().enumerate();
        let matching = matching.filter_map(|(at, (range, (name, quality)))| {
            Some((specificity(media_type, name, range)?, *quality, Reverse(at)))
        });
        // The most specific range decides about a type, so one with `q=0` excludes it whatever `*/*` says.
        let (specificity, quality, at) = matching.max()?;
        (quality > 0).then_some(((quality, specificity, at), media_type))
    });
    let best = judged.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, media_type)| media_type)
}

/// Returns how specifically a range names a media type; `None` when it does not. Streams are for those who name them.
fn specificity(media_type: MediaType, name: &str, with_parameters: &str) -> Option<u8> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let (exact, is_answer) = match media_type {
        MediaType::GraphqlResponse => (is("application/graphql-response+json"), true),
        MediaType::Json => (is("application/json"), true),
        MediaType::EventStream => (is("text/event-stream"), false),
        MediaType::Multipart => {
            let asked = is("multipart/mixed") && is_of_subscriptions(with_parameters);
            (asked, false)
        }
    };
    match (exact, is_answer) {
        (true, _) => Some(2),
        (false, true) if is("application/*") => Some(1),
        (false, true) if is("*/*") => Some(0),
        _ => None,
    }
}

/// Returns whether a range asks for the protocol of multipart subscriptions: there are other multipart answers, as to `@defer`.
fn is_of_subscriptions(range: &str) -> bool {
    let mut parameters = range.split(';').filter_map(|part| part.split_once('='));
    parameters.any(|(name, value)| {
        name.trim().eq_ignore_ascii_case("subscriptionSpec")
            && value.trim().trim_matches('"') == "1.0"
    })
}

/// Splits a range into its type without parameters, and its quality in thousandths.
pub(super) fn split_quality(range: &str) -> (&str, u16) {
    let mut parts = range.split(';').map(str::trim);
    let media_range = parts.next().unwrap_or_default();
    let quality = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, value)| value.trim().parse::<f32>().unwrap_or(0.0));
    // A quality is between 0 and 1 with three digits, so the cast loses nothing.
    (media_range, (quality.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &'static str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(value));
        negotiate(&headers)
    }

    #[test]
    fn chooses_what_the_client_prefers() {
        use MediaType::{EventStream, GraphqlResponse, Json, Multipart};
        let table = [
            ("*/*", Some(Json)),
            (" ", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("application/json; charset=utf-8", Some(Json)),
            ("APPLICATION/GraphQL-Response+JSON", Some(GraphqlResponse)),
            (
                "application/graphql-response+json, application/json;q=0.9",
                Some(GraphqlResponse),
            ),
            (
                "application/graphql-response+json;q=0.5, application/json",
                Some(Json),
            ),
            (
                "application/json, application/graphql-response+json",
                Some(Json),
            ),
            (
                "*/*, application/graphql-response+json",
                Some(GraphqlResponse),
            ),
            ("text/event-stream", Some(EventStream)),
            ("text/event-stream, multipart/mixed", Some(EventStream)),
            (
                "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json",
                Some(Multipart),
            ),
            ("multipart/mixed; subscriptionSpec=\"1.0\"", Some(Multipart)),
            (
                "multipart/mixed;deferSpec=20220824,application/json",
                Some(Json),
            ),
            ("multipart/mixed;subscriptionSpec=2.0", None),
            ("text/html, */*;q=0.1", Some(Json)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("application/json;q=0, */*", Some(GraphqlResponse)),
            ("*/*, application/json;q=0", Some(GraphqlResponse)),
            ("application/*;q=0, */*", None),
            ("application/json;q=0.1, */*;q=0.5", Some(GraphqlResponse)),
            (
                "application/graphql-response+json;q=0, application/json;q=0, */*",
                None,
            ),
            (
                "application/json;q=0.2, application/*;q=0.9, text/event-stream;q=0.5",
                Some(GraphqlResponse),
            ),
        ];
        for (header, expected) in table {
            assert_eq!(accept(header), expected, "{header}");
        }
        assert_eq!(negotiate(&HeaderMap::new()), Some(Json));
        let mut headers = HeaderMap::new();
        for (header, expected) in [
            ("multipart/mixed;subscriptionSpec=1.0", Json),
            (
                "multipart/mixed;subscriptionSpec=1.0,application/graphql-response+json,*/*;q=0.1",
                GraphqlResponse,
            ),
        ] {
            headers.insert(ACCEPT, HeaderValue::from_static(header));
            assert_eq!(beside_multipart(&headers), expected, "{header}");
        }
    }
}
