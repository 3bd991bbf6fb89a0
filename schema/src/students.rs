//! Students in GraphQL. See `entities::students` for the rules.

mod fields;
mod import;
mod inputs;
mod object;

pub(crate) use fields::{StudentsMutation, StudentsQuery, StudentsSubscription};
pub(crate) use object::Student;
