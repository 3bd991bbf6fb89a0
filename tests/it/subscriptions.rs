//! Subscriptions over graphql-transport-ws: what cursors cover, the protocol, resuming, and readers that are slow.

mod covering;
mod feeds;
mod protocol;
mod resume;
mod slow;
