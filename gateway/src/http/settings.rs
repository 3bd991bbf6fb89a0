//! The settings of HTTP.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::budget::Most;
use crate::hosts::AllowedHost;
use crate::origin::AllowedOrigin;
use crate::{duration, numbers};

/// The bytes of messages in transit.
const TRANSIT_BYTES: usize = 128 * 1024 * 1024;

/// Settings of the HTTP transport.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpSettings {
    /// Origins whose pages may use the API, besides the gateway's own, separated by commas: https://app.example.org, https://*.example.org, or
    /// * for any
    #[arg(long, env = "MILLRACE_ALLOWED_ORIGINS", value_delimiter = ',', value_parser = AllowedOrigin::from_str)]
    pub allowed_origins: Vec<AllowedOrigin>,
    /// Host names that the gateway answers to, separated by commas, besides localhost, addresses and the hosts of allowed origins:
    /// gateway.example.org, *.example.org, or * for any
    #[arg(long, env = "MILLRACE_ALLOWED_HOSTS", value_delimiter = ',', value_parser = AllowedHost::from_str)]
    pub allowed_hosts: Vec<AllowedHost>,
    /// Maximum size of a request body in bytes
    #[arg(long, env = "MILLRACE_MAX_BODY_BYTES", default_value_t = 1024 * 1024, value_parser = numbers::within(numbers::COUNT))]
    pub max_body_bytes: usize,
    /// Maximum number of bytes in transit: of incomplete requests, and of answers that are not sent yet; one address may use a quarter
    #[arg(long, env = "MILLRACE_MAX_TRANSIT_BYTES", default_value_t = TRANSIT_BYTES, value_parser = numbers::within(numbers::COUNT))]
    pub max_transit_bytes: usize,
    /// Time limit of a query or mutation, also on sockets
    #[arg(long, env = "MILLRACE_REQUEST_TIMEOUT", default_value = "30s", value_parser = duration::positive)]
    pub request_timeout: Duration,
    /// Accept arrays of requests
    #[arg(long, env = "MILLRACE_BATCHING")]
    pub batching: bool,
    /// Maximum number of requests in an array
    #[arg(long, env = "MILLRACE_MAX_BATCH", default_value_t = 10, value_parser = numbers::within(numbers::COUNT))]
    pub max_batch: usize,
    /// Interval between comments that keep an idle event stream open
    #[arg(long, env = "MILLRACE_SSE_KEEP_ALIVE", default_value = "12s", value_parser = duration::positive)]
    pub sse_keep_alive: Duration,
}

impl HttpSettings {
    /// Returns all names by which the gateway may be called, except those that are always allowed.
    pub(crate) fn hosts(&self) -> Vec<AllowedHost> {
        let of_origins = self.allowed_origins.iter().filter_map(AllowedOrigin::host);
        of_origins
            .chain(self.allowed_hosts.iter().cloned())
            .collect()
    }

    /// Returns the limits on bytes in transit.
    pub(crate) const fn transit(&self) -> Most {
        Most {
            in_all: self.max_transit_bytes,
            by_user: self.max_transit_bytes.div_ceil(4),
            by_network: self.max_transit_bytes.div_ceil(4),
        }
    }
}
