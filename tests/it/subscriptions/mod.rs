//! Subscriptions over graphql-transport-ws: the protocol, resuming, and readers that are slow.

mod protocol;
mod resume;
mod slow;
