//! Webhooks over HTTP, by the Standard Webhooks specification: a POST of JSON with an id, a time and a signature. The operator
//! configures the receiver, but others resolve its name, and its answers are beyond our control. So addresses are checked after the
//! name is resolved, and the checked address is the one connected to; redirects are not followed, proxies of the environment not
//! used, and bodies of answers not read. Built by `signal_settings`.

mod address;
mod signature;

use std::{error::Error, path::PathBuf, time::Duration};

use entities::{
    signals::{Webhook, WebhookDelivery, WebhookFailure},
    users::Secret,
};
use events::trace::{self, Kind};
use futures::future::BoxFuture;
use reqwest::{Client, StatusCode, Url, header, redirect};

use address::{CheckedResolver, PrivateAddress, is_public};
use signature::SigningKeys;

use crate::tls;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The receiver's URL and the settings of deliveries to it.
#[derive(Debug, Clone)]
pub(crate) struct WebhookConfig {
    /// `http://…` or `https://…`; may hold secrets in its path.
    pub(crate) url: Secret,
    /// `whsec_` and 24 to 64 bytes in base64.
    pub(crate) secret: Secret,
    /// How long the receiver may take to answer.
    pub(crate) timeout: Duration,
    /// Whether the receiver may be in a private network, or on this machine.
    pub(crate) allow_private: bool,
    /// PEM file of the authorities that may have signed the receiver's certificate, instead of the public ones.
    pub(crate) ca: Option<PathBuf>,
}

/// A receiver of webhooks.
pub(crate) struct HttpWebhook {
    client: Client,
    url: Url,
    keys: SigningKeys,
}

impl HttpWebhook {
    /// Checks the configuration, and returns the receiver.
    ///
    /// # Errors
    /// What is wrong with it, without showing the URL and the secret.
    pub(crate) fn new(config: &WebhookConfig) -> Result<Self, String> {
        let url = parse_url(config)?;
        let keys = SigningKeys::parse(config.secret.reveal())?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls::config(config.ca.as_deref())?)
            .user_agent(concat!("Millrace/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // A proxy would resolve the name itself.
            .no_proxy()
            .dns_resolver(CheckedResolver {
                allow_private: config.allow_private,
            })
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(config.timeout)
            // Deliveries are rare, and each must use the name's current address.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| format!("webhooks cannot be sent: {error}"))?;
        Ok(Self { client, url, keys })
    }

    async fn post(&self, delivery: &WebhookDelivery) -> Result<(), WebhookFailure> {
        let timestamp = delivery.sent_at.timestamp();
        let signature = self.keys.sign(&delivery.id, timestamp, &delivery.body);
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(delivery.body.clone());
        // The receiver's part of the trace is below this request. Its address stays out of it: the URL may hold secrets.
        let mut span = trace::child("POST", Kind::Client);
        span.set("http.request.method", "POST");
        let own = span.context().map(|context| context.to_string());
        let request = match own.as_ref().or(delivery.traceparent.as_ref()) {
            Some(traceparent) => request.header("traceparent", traceparent),
            None => request,
        };
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                span.set("http.response.status_code", u64::from(status.as_u16()));
                if !status.is_success() {
                    span.set_error(status.as_str().to_owned());
                }
                judge(status)
            }
            Err(error) => {
                span.set_error("request");
                Err(failure(error.without_url()))
            }
        }
    }
}

impl Webhook for HttpWebhook {
    fn deliver<'a>(
        &'a self,
        delivery: &'a WebhookDelivery,
    ) -> BoxFuture<'a, Result<(), WebhookFailure>> {
        Box::pin(self.post(delivery))
    }
}

fn parse_url(config: &WebhookConfig) -> Result<Url, String> {
    let what = "MILLRACE_WEBHOOK_URL";
    let url: Url = config
        .url
        .reveal()
        .parse()
        .map_err(|error| format!("{what}: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{what}: expected http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{what}: must not hold a user or a password"));
    }
    // Names are checked when they are resolved; an address is never resolved.
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
    match literal {
        Ok(address) if !config.allow_private && !is_public(address) => Err(format!(
            "{what}: {}; MILLRACE_WEBHOOK_ALLOW_PRIVATE=true allows it",
            PrivateAddress(vec![address])
        )),
        _ => Ok(url),
    }
}

fn judge(status: StatusCode) -> Result<(), WebhookFailure> {
    let text = format!("the receiver answered {status}");
    match status {
        status if status.is_success() => Ok(()),
        status if status.is_redirection() => Err(WebhookFailure::Impossible(format!(
            "{text}: redirects are not followed"
        ))),
        // By Standard Webhooks, the receiver wants no more deliveries.
        StatusCode::GONE => Err(WebhookFailure::Impossible(text)),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Err(WebhookFailure::Unavailable(text)),
        _ => Err(WebhookFailure::Refused(text)),
    }
}

fn failure(error: reqwest::Error) -> WebhookFailure {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<PrivateAddress>() {
            return WebhookFailure::Impossible(refused.to_string());
        }
        text = format!("{text}\n{error}");
        cause = error.source();
    }
    // Nobody is there, or whoever is there says nothing, hangs up, or speaks no HTTP: that is no answer to this message.
    WebhookFailure::Unavailable(text)
}

#[cfg(test)]
mod tests;
