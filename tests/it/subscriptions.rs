//! Subscriptions over graphql-transport-ws: what cursors cover, the protocol, resuming, readers that are slow,
//! and what a socket costs.

mod covering;
mod feeds;
mod idle;
mod protocol;
mod resume;
mod slow;
