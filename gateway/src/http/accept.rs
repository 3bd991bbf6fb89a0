//! Content negotiation per the GraphQL-over-HTTP specification. `*/*` and a missing header mean `application/json`,
//! the choice that old clients understand. Apollo Client asks for multipart answers to subscriptions.

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
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Some(MediaType::Json);
    }
    let mut best: Option<(u16, u8, MediaType)> = None;
    let ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for range in ranges {
        let (media_range, quality) = split_quality(range);
        let recognized = recognize(media_range, range);
        let Some((specificity, media_type)) = recognized.filter(|(_, it)| is_candidate(*it)) else {
            continue;
        };
        // Among equal candidates the more specific wins, then the one named first.
        let better = best.is_none_or(|(q, s, _)| (quality, specificity) > (q, s));
        if quality > 0 && better {
            best = Some((quality, specificity, media_type));
        }
    }
    best.map(|(_, _, media_type)| media_type)
}

fn recognize(media_range: &str, with_parameters: &str) -> Option<(u8, MediaType)> {
    const KNOWN: [(&str, u8, MediaType); 6] = [
        (
            "application/graphql-response+json",
            2,
            MediaType::GraphqlResponse,
        ),
        ("application/json", 2, MediaType::Json),
        ("text/event-stream", 2, MediaType::EventStream),
        ("multipart/mixed", 2, MediaType::Multipart),
        ("application/*", 1, MediaType::Json),
        ("*/*", 0, MediaType::Json),
    ];
    KNOWN
        .into_iter()
        .find(|(name, ..)| media_range.eq_ignore_ascii_case(name))
        .map(|(_, specificity, media_type)| (specificity, media_type))
        .filter(|(_, media_type)| {
            *media_type != MediaType::Multipart || is_of_subscriptions(with_parameters)
        })
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
