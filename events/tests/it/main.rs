//! Handlers and followers against real databases: embedded on SQLite, distributed on Postgres and Redis, the same tests for
//! both. What handlers and followers do here is told by the events, so that also processes which are killed can do it.

#![expect(
    clippy::print_stdout,
    reason = "processes of a test tell it by this where they are"
)]

mod breaking;
mod cancelling;
mod exchanges;
mod failing;
mod followers;
mod handling;
mod jobs;
mod losses;
mod model;
mod outages;
mod plans;
mod processes;
mod rebuilding;
mod replaying;
mod stopping;
mod world;
