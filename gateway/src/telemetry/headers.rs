//! What messages to the collector carry: the headers of the settings, and no others. OpenTelemetry's crate adds what it finds in the
//! environment by itself, where a variable may contradict a file or a flag, and decodes what is decoded already. So what it has set is
//! replaced before a message is sent. Used by `settings`.

use async_trait::async_trait;
use axum::http::header::{CONTENT_TYPE, HeaderMap, USER_AGENT};
use axum::http::{HeaderValue, Request, Response};
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError};
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;

const AGENT: &str = concat!("Millrace/", env!("CARGO_PKG_VERSION"));

/// Returns the headers of each message.
pub(super) fn of_messages(mut given: HeaderMap) -> HeaderMap {
    let agent = given.entry(USER_AGENT);
    agent.or_insert(HeaderValue::from_static(AGENT));
    given
}

/// Sends messages over HTTP.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) sending: reqwest::Client,
    pub(super) headers: HeaderMap,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        replace(request.headers_mut(), &self.headers);
        let sent = self.sending.send_bytes(request).await;
        sent.map_err(without_url)
    }
}

/// Replaces the headers of a message, but for what says what its body is.
fn replace(set: &mut HeaderMap, headers: &HeaderMap) {
    let form = set.remove(CONTENT_TYPE);
    *set = headers.clone();
    if let Some(form) = form {
        set.insert(CONTENT_TYPE, form);
    }
}

/// The URL may have a secret in it, and the error is logged.
fn without_url(error: HttpError) -> HttpError {
    match error.downcast::<reqwest::Error>() {
        Ok(error) => Box::new(error.without_url()),
        Err(error) => error,
    }
}

/// Returns what replaces the headers of messages over gRPC. What describes the message is added behind it.
pub(super) fn replacing(headers: HeaderMap) -> impl Interceptor + Clone + Send + Sync + 'static {
    let metadata = MetadataMap::from_headers(headers);
    move |mut request: tonic::Request<()>| -> Result<tonic::Request<()>, Status> {
        *request.metadata_mut() = metadata.clone();
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = name.parse().expect("a name");
            (name, HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn what_others_have_set_is_replaced() {
        let ours = of_messages(headers(&[("api-key", "50% of it")]));
        let form = ("content-type", "application/x-protobuf");
        let mut set = headers(&[
            form,
            ("api-key", "of the environment"),
            ("other", "of the environment"),
            ("user-agent", "another"),
        ]);
        replace(&mut set, &ours);
        let expected = headers(&[("api-key", "50% of it"), ("user-agent", AGENT), form]);
        assert_eq!(set, expected);

        let mut request = tonic::Request::new(());
        for name in ["api-key", "other"] {
            let value = "wrong".parse().expect("a value");
            request.metadata_mut().insert(name, value);
        }
        let request = replacing(ours.clone()).call(request).expect("a request");
        assert_eq!(request.metadata().clone().into_headers(), ours);
    }

    #[test]
    fn a_name_of_ones_own_is_kept() {
        let ours = of_messages(headers(&[("user-agent", "mine")]));
        assert_eq!(ours, headers(&[("user-agent", "mine")]));
    }
}
