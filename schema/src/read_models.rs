//! Read models, for administrators: how far their rebuilds have come, and asking for one. Worked on by the workers.

mod mutation;
mod object;
mod query;

pub(crate) use mutation::ReadModelsMutation;
pub(crate) use query::ReadModelsQuery;
