//! Erasing what is personal to users, for administrators: asking for it, and how far it has come. Done by the workers.

mod mutation;
mod object;
mod query;

pub(crate) use mutation::ErasureMutation;
pub(crate) use query::ErasureQuery;
