//! The gateway's transports: HTTP, WebSocket and server-sent events over one `/graphql`, their limits, and the pages beside them. They
//! meet execution only at [`operation::Operations`]; the binary wires both.

pub mod access_log;
pub mod admin;
mod app;
mod avatars;
mod budget;
pub mod cache;
pub mod config;
pub mod connections;
pub mod credentials;
mod demo;
pub mod doctor;
pub mod document;
mod dormant;
pub mod errors;
mod fair;
mod fingerprint;
mod forwarding;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod health;
pub mod hosts;
pub mod http;
pub mod import;
mod json;
pub mod limits;
pub mod live;
pub mod logging;
pub mod mail;
mod metrics;
pub mod operation;
pub mod origin;
mod overdue;
mod pages;
pub mod params;
pub mod persisted;
pub mod private;
pub mod rates;
pub mod request_id;
pub mod response;
pub mod seed;
pub mod server;
pub mod shutdown;
pub mod sign_in;
pub mod stop_signals;
pub mod telemetry;
pub mod tls;
pub mod trace_context;
pub mod transports;
pub mod websocket;

use workers::{duration, numbers};
