//! What operators see and change. Everything here requires the role ADMIN.

mod caches;
mod health;
mod inputs;
mod letters;
mod log;
mod logged_event;
mod mutation;
mod subscription;
mod workers;

use async_graphql::MergedObject;

pub(crate) use letters::{DeadLetter, DeadLetterConnection, find as find_letter};
pub(crate) use log::LoggedEventConnection;
pub(crate) use mutation::OperationsMutation;
pub(crate) use subscription::OperationsSubscription;

/// The queries of operations.
#[derive(Default, MergedObject)]
pub(crate) struct OperationsQuery(
    caches::CachesQuery,
    log::LogQuery,
    workers::WorkersQuery,
    letters::LettersQuery,
    health::HealthQuery,
);
