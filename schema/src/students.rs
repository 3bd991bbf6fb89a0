//! Students in GraphQL. See `entities::students` for the rules.

mod import;
mod inputs;
mod mutation;
mod object;
mod query;
mod subscription;

pub(crate) use mutation::StudentsMutation;
pub(crate) use object::Student;
pub(crate) use query::{StudentsQuery, find};
pub(crate) use subscription::StudentsSubscription;

/// The type's name in global ids.
pub(crate) const KIND: &str = "student";
