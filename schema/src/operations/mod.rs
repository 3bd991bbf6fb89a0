//! What those who run Millrace see of it.

mod caches;

pub(crate) use caches::OperationsQuery;
