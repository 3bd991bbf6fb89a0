//! What can be set of HTTP.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use crate::budget::Most;
use crate::hosts::AllowedHost;
use crate::origin::AllowedOrigin;
use crate::{duration, numbers};

/// Of messages that are on their way.
const TRANSIT_BYTES: usize = 128 * 1024 * 1024;

/// Settings of the HTTP transport.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpSettings {
    /// Origins whose pages may use the API, besides the gateway's own (comma-separated): https://app.example.org, https://*.example.org, or
    /// * for any
    #[arg(long, env = "MILLRACE_ALLOWED_ORIGINS", value_delimiter = ',', value_parser = AllowedOrigin::from_str)]
    pub allowed_origins: Vec<AllowedOrigin>,
    /// Names that the gateway is called by (comma-separated), besides localhost, addresses and the hosts of allowed origins:
    /// gateway.example.org, *.example.org, or * for any
    #[arg(long, env = "MILLRACE_ALLOWED_HOSTS", value_delimiter = ',', value_parser = AllowedHost::from_str)]
    pub allowed_hosts: Vec<AllowedHost>,
    /// Bytes in a request body
    #[arg(long, env = "MILLRACE_MAX_BODY_BYTES", default_value_t = 1024 * 1024, value_parser = numbers::within(numbers::COUNT))]
    pub max_body_bytes: usize,
    /// Bytes of requests that are not complete and of answers that are not sent yet, in all; one address has a quarter of it
    #[arg(long, env = "MILLRACE_MAX_TRANSIT_BYTES", default_value_t = TRANSIT_BYTES, value_parser = numbers::within(numbers::COUNT))]
    pub max_transit_bytes: usize,
    /// Time for a query or mutation, on sockets too
    #[arg(long, env = "MILLRACE_REQUEST_TIMEOUT", default_value = "30s", value_parser = duration::positive)]
    pub request_timeout: Duration,
    /// Accept arrays of requests
    #[arg(long, env = "MILLRACE_BATCHING", value_parser = BoolishValueParser::new())]
    pub batching: bool,
    /// Requests in an array
    #[arg(long, env = "MILLRACE_MAX_BATCH", default_value_t = 10, value_parser = numbers::within(numbers::COUNT))]
    pub max_batch: usize,
    /// Time between comments that keep an idle event stream open
    #[arg(long, env = "MILLRACE_SSE_KEEP_ALIVE", default_value = "12s", value_parser = duration::positive)]
    pub sse_keep_alive: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            max_body_bytes: 1024 * 1024,
            max_transit_bytes: TRANSIT_BYTES,
            request_timeout: Duration::from_secs(30),
            batching: false,
            max_batch: 10,
            sse_keep_alive: Duration::from_secs(12),
        }
    }
}

impl HttpSettings {
    /// All names that the gateway may be called by, but for those that it always may.
    pub(crate) fn hosts(&self) -> Vec<AllowedHost> {
        let of_origins = self.allowed_origins.iter().filter_map(AllowedOrigin::host);
        of_origins
            .chain(self.allowed_hosts.iter().cloned())
            .collect()
    }

    /// What may be on its way at once.
    pub(crate) const fn transit(&self) -> Most {
        Most {
            in_all: self.max_transit_bytes,
            by_user: self.max_transit_bytes.div_ceil(4),
            by_network: self.max_transit_bytes.div_ceil(4),
        }
    }
}
