//! graphql-transport-ws: every close code and every rule of its PROTOCOL, over real sockets.

pub(crate) mod client;
mod conversation;
mod handshake;
mod liveness;
mod refusals;
