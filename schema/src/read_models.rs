//! Read models, for administrators: the progress of rebuilds, and their requests. The workers do the rebuilds.

mod mutation;
mod object;
mod query;

pub(crate) use mutation::ReadModelsMutation;
pub(crate) use query::ReadModelsQuery;
