//! Posts through the API: their lives, who may do what, what lists show, what subscribers hear, and what it costs.

pub mod api;
mod below;
mod history;
pub mod hot;
mod listing;
mod lost;
mod read_after;
pub mod replaying;
mod rules;
mod statements;
mod subscriptions;
mod writing;
