//! The erasure of users' personal data, for administrators: requests and progress. The workers do it.

mod mutation;
mod object;
mod query;

pub(crate) use mutation::ErasureMutation;
pub(crate) use query::ErasureQuery;
