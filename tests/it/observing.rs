//! What operators see of the inside: metrics, and the admin listener that serves them.

mod listening;
mod logs;
mod metrics;
mod tracing;
