//! Signals: a workflow over several handlers that ends each signal exactly once, whatever is slow, fails or is killed.

mod api;
mod deadlines;
mod delivering;
mod duplicates;
mod failures;
mod findings;
mod killed;
mod progress;
pub mod receiver;
mod trusting;
