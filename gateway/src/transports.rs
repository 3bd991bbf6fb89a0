//! The settings of the server and of its transports, which the application, the transports and the configuration share.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::budget::Most;
use crate::hosts::AllowedHost;
use crate::origin::AllowedOrigin;
use crate::tls::TlsSettings;
use crate::{duration, numbers};

/// The bytes of messages in transit.
const TRANSIT_BYTES: usize = 128 * 1024 * 1024;

/// Settings of the server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "MILLRACE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub tls: TlsSettings,
    /// Run as in production: no introspection, no /schema.graphql, no generated administrator or demo data
    #[arg(long, env = "MILLRACE_PRODUCTION")]
    pub production: bool,
    /// Create 25 customers when the log is empty; with SQLite and no users yet also three people, a chat, posts and students, and
    /// let visitors of the page enter as these people without a password
    #[arg(long, env = "MILLRACE_DEMO_DATA")]
    pub demo_data: bool,
    /// Time after SIGTERM in which readiness says 503 and requests are still served, so that clients are sent elsewhere [default: 5s,
    /// with SQLite 0s; none after Ctrl-C]
    #[arg(long, env = "MILLRACE_DRAIN_DELAY", value_parser = duration::parse)]
    pub drain_delay: Option<Duration>,
}

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
    /// Compress pages, and answers to queries, larger than this many bytes, for clients that accept br or gzip; 0 turns compression off
    #[arg(long, env = "MILLRACE_COMPRESS_ABOVE", default_value_t = 1024, value_parser = numbers::within(0..=1_000_000_000_usize))]
    pub compress_above: usize,
    /// Interval between comments that keep an idle event stream open, or heartbeats in a multipart one
    #[arg(long, env = "MILLRACE_SSE_KEEP_ALIVE", default_value = "12s", value_parser = duration::positive)]
    pub sse_keep_alive: Duration,
}

impl HttpSettings {
    /// Returns all names by which the gateway may be called, except those that are always allowed.
    #[must_use]
    pub fn hosts(&self) -> Vec<AllowedHost> {
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

impl WebSocketSettings {
    /// Returns the limits on sockets beside those on connections, of which each socket has one.
    pub(crate) const fn sockets(&self) -> Most {
        Most {
            in_all: usize::MAX,
            by_user: self.max_sockets_per_user,
            by_network: usize::MAX,
        }
    }
}

/// Settings of the WebSocket transport.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "WebSocket")]
pub struct WebSocketSettings {
    /// How long a new socket may take to send connection_init
    #[arg(long, env = "MILLRACE_INIT_TIMEOUT", default_value = "3s", value_parser = duration::positive)]
    pub init_timeout: Duration,
    /// Interval between pings
    #[arg(long, env = "MILLRACE_PING_INTERVAL", default_value = "20s", value_parser = duration::positive)]
    pub ping_interval: Duration,
    /// How long a client may take to show a sign of life after a ping
    #[arg(long, env = "MILLRACE_PONG_TIMEOUT", default_value = "10s", value_parser = duration::positive)]
    pub pong_timeout: Duration,
    /// Maximum number of operations at once on a socket
    #[arg(long, env = "MILLRACE_MAX_OPERATIONS", default_value_t = 100, value_parser = numbers::within(numbers::COUNT))]
    pub max_operations: usize,
    /// Maximum number of open sockets of one user
    #[arg(long, env = "MILLRACE_MAX_SOCKETS_PER_USER", default_value_t = 5_000, value_parser = numbers::within(numbers::COUNT))]
    pub max_sockets_per_user: usize,
    /// Maximum size of a message in bytes
    #[arg(long, env = "MILLRACE_MAX_MESSAGE_BYTES", default_value_t = 1024 * 1024, value_parser = numbers::within(numbers::COUNT))]
    pub max_message_bytes: usize,
    /// Period over which a stopping gateway closes its sockets
    #[arg(long, env = "MILLRACE_DRAIN_TIME", default_value = "5s", value_parser = duration::parse)]
    pub drain_time: Duration,
    /// How long a user still counts as connected after their last socket has closed
    #[arg(long, env = "MILLRACE_PRESENCE_GRACE", default_value = "5s", value_parser = duration::parse)]
    pub presence_grace: Duration,
    /// How long the users of a gateway that died still count as connected
    #[arg(long, env = "MILLRACE_PRESENCE_LEASE", default_value = "15s", value_parser = duration::positive)]
    pub presence_lease: Duration,
}
