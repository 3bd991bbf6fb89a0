//! Signals in GraphQL. See `entities::signals` for the rules.

mod counting;
mod finding;
mod inputs;
mod mutation;
mod object;
mod query;
mod subscription;

pub(crate) use mutation::SignalsMutation;
pub(crate) use object::Signal;
pub(crate) use query::{SignalConnection, SignalsQuery, find};
pub(crate) use subscription::SignalsSubscription;
