//! The settings of traces, with the names and the meaning that OpenTelemetry's specification gives them. A variable that is empty is not
//! set. What is wrong is said at the start.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use clap::Args;
use entities::users::Secret;
use events::trace::Sampler;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{
    Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use percent_encoding::percent_decode_str;

use super::export::Terms;
use super::headers::{self, Client};

/// Where traces go over HTTP, under an endpoint that is for all signals.
const PATH: &str = "v1/traces";

/// Settings of traces.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Tracing")]
pub struct TracingSettings {
    /// Collector that traces are sent to by OTLP, such as `http://collector:4318`; without one there are no traces
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        value_name = "URL",
        hide_env_values = true
    )]
    pub otlp_endpoint: Option<String>,
    /// The same for traces only, with the whole path, such as `http://collector:4318/v1/traces`
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        value_name = "URL",
        hide_env_values = true
    )]
    pub otlp_traces_endpoint: Option<String>,
    /// Protocol of the collector: http/protobuf or grpc [default: http/protobuf]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_PROTOCOL", value_name = "PROTOCOL")]
    pub otlp_protocol: Option<String>,
    /// The same for traces only
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        value_name = "PROTOCOL"
    )]
    pub otlp_traces_protocol: Option<String>,
    /// Headers of each message to the collector, such as a key: `name=value,other=value`, percent-encoded
    #[arg(long, env = "OTEL_EXPORTER_OTLP_HEADERS", value_name = "HEADERS", hide_env_values = true, value_parser = secret)]
    pub otlp_headers: Option<Secret>,
    /// The same for traces only
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_HEADERS", value_name = "HEADERS", hide_env_values = true, value_parser = secret)]
    pub otlp_traces_headers: Option<Secret>,
    /// Time that the collector may take for a message, in milliseconds [default: 10000]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TIMEOUT", value_name = "MS")]
    pub otlp_timeout: Option<String>,
    /// The same for traces only
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", value_name = "MS")]
    pub otlp_traces_timeout: Option<String>,
    /// Name of the service in traces [default: millrace]
    #[arg(long, env = "OTEL_SERVICE_NAME", value_name = "NAME")]
    pub service_name: Option<String>,
    /// What describes the process in traces, such as `deployment.environment.name=test`: `name=value,…`, percent-encoded
    #[arg(long, env = "OTEL_RESOURCE_ATTRIBUTES", value_name = "ATTRIBUTES")]
    pub resource_attributes: Option<String>,
    /// Which traces are sampled: always_on, always_off, traceidratio, or one of them behind `parentbased_` [default:
    /// parentbased_always_on]
    #[arg(long, env = "OTEL_TRACES_SAMPLER", value_name = "SAMPLER")]
    pub traces_sampler: Option<String>,
    /// Share of the traces that a sampler by ratio samples, from 0 to 1 [default: 1]
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", value_name = "SHARE")]
    pub traces_sampler_arg: Option<String>,
    /// What sends traces: otlp, or none [default: otlp]
    #[arg(long, env = "OTEL_TRACES_EXPORTER", value_name = "EXPORTER")]
    pub traces_exporter: Option<String>,
    /// Make no traces, whatever else is set: true or false [default: false]
    #[arg(long, env = "OTEL_SDK_DISABLED", value_name = "BOOL")]
    pub otel_sdk_disabled: Option<String>,
    /// Time for which spans wait for others, to be sent together, in milliseconds [default: 5000]
    #[arg(long, env = "OTEL_BSP_SCHEDULE_DELAY", value_name = "MS")]
    pub trace_delay: Option<String>,
    /// Maximum number of spans that wait to be sent; further ones are lost [default: 2048]
    #[arg(long, env = "OTEL_BSP_MAX_QUEUE_SIZE", value_name = "SPANS")]
    pub trace_queue: Option<String>,
}

/// What the settings come to.
pub(super) struct Plan {
    pub(super) endpoint: String,
    pub(super) sampler: Sampler,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) most_queued: usize,
    protocol: Protocol,
    headers: HeaderMap,
    limit: Duration,
    delay: Duration,
}

type Wrong = String;

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

impl TracingSettings {
    /// Checks the settings; returns nothing if there are to be no traces.
    pub(super) fn plan(&self) -> Result<Option<Plan>, Wrong> {
        let is_disabled = match set(&self.otel_sdk_disabled) {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(text) => return Err(wrong("OTEL_SDK_DISABLED", text, "true or false")),
        };
        let exports = match set(&self.traces_exporter) {
            None | Some("otlp") => true,
            Some("none") => false,
            Some(text) => return Err(wrong("OTEL_TRACES_EXPORTER", text, "otlp or none")),
        };
        let protocol = self.protocol()?;
        let plan = Plan {
            endpoint: self.endpoint(protocol)?.unwrap_or_default(),
            sampler: self.sampler()?,
            attributes: self.attributes()?,
            most_queued: number("OTEL_BSP_MAX_QUEUE_SIZE", &self.trace_queue)?
                .map_or(2_048, |most| usize::try_from(most).unwrap_or(usize::MAX)),
            protocol,
            headers: self.headers()?,
            limit: self.limit()?,
            delay: number("OTEL_BSP_SCHEDULE_DELAY", &self.trace_delay)?
                .map_or(Duration::from_secs(5), Duration::from_millis),
        };
        let is_on = exports && !is_disabled && !plan.endpoint.is_empty();
        Ok(is_on.then_some(plan))
    }

    fn endpoint(&self, protocol: Protocol) -> Result<Option<String>, Wrong> {
        let of_traces = set(&self.otlp_traces_endpoint);
        let (name, text) = match (of_traces, set(&self.otlp_endpoint)) {
            (Some(text), _) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", text),
            (None, Some(text)) => ("OTEL_EXPORTER_OTLP_ENDPOINT", text),
            (None, None) => return Ok(None),
        };
        let url: Uri = text
            .parse()
            .map_err(|error| format!("{name}: {error}; expected such as http://collector:4318"))?;
        let is_web = matches!(url.scheme_str(), Some("http" | "https"));
        if !is_web || url.authority().is_none() {
            // It is not shown: there may be a key in it.
            return Err(format!(
                "{name} is not valid: expected http:// or https:// and a host"
            ));
        }
        if url.authority().is_some_and(|it| it.as_str().contains('@')) {
            return Err(format!(
                "{name} must not hold a user or a password: use OTEL_EXPORTER_OTLP_HEADERS"
            ));
        }
        let is_of_all = of_traces.is_none() && protocol == Protocol::HttpBinary;
        Ok(Some(match is_of_all {
            true => format!("{}/{PATH}", text.trim_end_matches('/')),
            false => text.to_owned(),
        }))
    }

    fn protocol(&self) -> Result<Protocol, Wrong> {
        let (name, text) = match set(&self.otlp_traces_protocol) {
            Some(text) => ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", Some(text)),
            None => ("OTEL_EXPORTER_OTLP_PROTOCOL", set(&self.otlp_protocol)),
        };
        match text {
            None | Some("http/protobuf") => Ok(Protocol::HttpBinary),
            Some("grpc") => Ok(Protocol::Grpc),
            Some(text) => Err(wrong(name, text, "http/protobuf or grpc")),
        }
    }

    fn limit(&self) -> Result<Duration, Wrong> {
        let name = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";
        let of_traces = number(name, &self.otlp_traces_timeout)?;
        let of_all = number("OTEL_EXPORTER_OTLP_TIMEOUT", &self.otlp_timeout)?;
        Ok(Duration::from_millis(
            of_traces.or(of_all).unwrap_or(10_000),
        ))
    }

    fn sampler(&self) -> Result<Sampler, Wrong> {
        let name = "OTEL_TRACES_SAMPLER";
        let text = set(&self.traces_sampler).unwrap_or("parentbased_always_on");
        let of_itself = text.strip_prefix("parentbased_");
        let share = match of_itself.unwrap_or(text) {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => self.share()?,
            _ => {
                let expected =
                    "always_on, always_off, traceidratio, or one of them behind parentbased_";
                return Err(wrong(name, text, expected));
            }
        };
        Ok(Sampler::new(of_itself.is_some(), share))
    }

    fn share(&self) -> Result<f64, Wrong> {
        let Some(text) = set(&self.traces_sampler_arg) else {
            return Ok(1.0);
        };
        let share = text.parse().ok();
        let share = share.filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| wrong("OTEL_TRACES_SAMPLER_ARG", text, "a number from 0 to 1"))
    }

    /// Returns what describes the process. A name of its own comes before one among them.
    fn attributes(&self) -> Result<Vec<(String, String)>, Wrong> {
        const NAME: &str = "service.name";
        let text = set(&self.resource_attributes).unwrap_or_default();
        let mut attributes = pairs("OTEL_RESOURCE_ATTRIBUTES", text)?;
        let own = set(&self.service_name).map(str::to_owned);
        let among = attributes.iter().position(|(name, _)| name == NAME);
        let among = among.map(|place| attributes.remove(place).1);
        let name = own.or(among).unwrap_or_else(|| "millrace".to_owned());
        attributes.push((NAME.to_owned(), name));
        Ok(attributes)
    }

    fn headers(&self) -> Result<HeaderMap, Wrong> {
        let of = |secret: &Option<Secret>| {
            let text = secret.as_ref().map(|secret| secret.reveal().to_owned());
            text.filter(|text| !text.trim().is_empty())
        };
        let (name, text) = match of(&self.otlp_traces_headers) {
            Some(text) => ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", Some(text)),
            None => ("OTEL_EXPORTER_OTLP_HEADERS", of(&self.otlp_headers)),
        };
        let mut headers = HeaderMap::new();
        for (key, value) in pairs(name, &text.unwrap_or_default())? {
            let key = HeaderName::try_from(key.to_lowercase());
            let value = HeaderValue::try_from(value);
            let (Ok(key), Ok(mut value)) = (key, value) else {
                return Err(format!("{name}: there is something that is no header"));
            };
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        Ok(headers)
    }
}

impl Plan {
    pub(super) fn terms(&self) -> Terms {
        Terms {
            delay: self.delay,
            limit: self.limit,
            endpoint: self.endpoint.clone(),
        }
    }

    /// Returns the endpoint without its path and its parameters, in which there may be a key.
    pub(super) fn origin(&self) -> String {
        let url = self.endpoint.parse::<Uri>().unwrap_or_default();
        let authority = url.authority().map_or("", |it| it.as_str());
        format!("{}://{authority}", url.scheme_str().unwrap_or_default())
    }

    /// Returns what sends spans. It connects when it first does.
    pub(super) fn exporter(&self, resource: &Resource) -> Result<SpanExporter, Wrong> {
        let headers = headers::of_messages(self.headers.clone());
        let built = match self.protocol {
            Protocol::Grpc => {
                let builder = SpanExporter::builder()
                    .with_tonic()
                    .with_endpoint(&self.endpoint)
                    .with_timeout(self.limit)
                    .with_interceptor(headers::replacing(headers));
                let is_private = self.endpoint.starts_with("https:");
                match is_private {
                    true => {
                        let tls = ClientTlsConfig::new().with_enabled_roots();
                        builder.with_tls_config(tls).build()
                    }
                    false => builder.build(),
                }
            }
            _ => {
                let sending = reqwest::Client::builder()
                    .tls_backend_preconfigured(workers::tls::config(None)?)
                    .redirect(reqwest::redirect::Policy::none())
                    .no_proxy()
                    .timeout(self.limit)
                    .build()
                    .map_err(|error| format!("traces cannot be sent: {error}"))?;
                SpanExporter::builder()
                    .with_http()
                    .with_http_client(Client { sending, headers })
                    .with_protocol(Protocol::HttpBinary)
                    .with_endpoint(&self.endpoint)
                    .with_timeout(self.limit)
                    .build()
            }
        };
        let mut exporter = built.map_err(|error| {
            let error = error.to_string().replace(&self.endpoint, "the endpoint");
            format!("traces cannot be sent: {error}")
        })?;
        exporter.set_resource(resource);
        Ok(exporter)
    }
}

/// Returns a setting that is set.
fn set(setting: &Option<String>) -> Option<&str> {
    let text = setting.as_deref()?.trim();
    (!text.is_empty()).then_some(text)
}

fn wrong(name: &str, text: &str, expected: &str) -> Wrong {
    format!("{name}: {text:?} is not valid: expected {expected}")
}

fn number(name: &str, setting: &Option<String>) -> Result<Option<u64>, Wrong> {
    let Some(text) = set(setting) else {
        return Ok(None);
    };
    let number: Option<u64> = text.parse().ok();
    match number.filter(|number| (1..=3_600_000).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(wrong(name, text, "a whole number from 1 to 3600000")),
    }
}

/// Reads names and values. Errors do not show them: they may be secrets.
fn pairs(name: &str, text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text.trim()).decode_utf8();
        decoded.map(|text| text.into_owned())
    };
    let items = text.split(',').filter(|item| !item.trim().is_empty());
    let pairs = items.map(|item| {
        let (key, value) = item.split_once('=')?;
        let (key, value) = (decoded(key).ok()?, decoded(value).ok()?);
        (!key.is_empty()).then_some((key, value))
    });
    let read: Option<Vec<_>> = pairs.collect();
    read.ok_or_else(|| format!("{name} cannot be read: expected name=value,other=value"))
}

#[cfg(test)]
mod tests;
