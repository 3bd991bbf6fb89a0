//! The transports over real TCP connections, serving a toy schema: what the protocols demand, case by case.

mod headers;
mod http;
mod limits;
mod multipart;
mod shutdown;
mod sse;
mod toy;
mod websocket;
