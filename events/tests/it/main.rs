//! Handlers and followers against real databases: embedded on SQLite, distributed on Postgres and Redis, with the same tests for
//! both. The events tell handlers and followers what to do, so that processes which are killed can run them, too.

#![expect(
    clippy::print_stdout,
    reason = "processes of a test tell it by this where they are"
)]

mod breaking;
mod cancelling;
mod clocks;
mod erasing;
mod exchanges;
mod failing;
mod followers;
mod handling;
mod hosts;
mod jobs;
mod losses;
mod model;
mod outages;
mod plans;
mod pooled;
mod processes;
mod rebuilding;
mod replaying;
mod replicas;
mod restoring;
mod retaining;
mod stopping;
mod waiting;
mod world;
