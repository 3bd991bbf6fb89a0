//! The test kit: real Postgres, Redis, gateways and workers for each test, clients of them, faults to inject and a ledger that
//! counts losses. Used by the end-to-end tests and the benchmark, and by no product crate.

pub mod admin;
pub mod chats;
pub mod clock;
pub mod comparison;
pub mod customers;
pub mod database;
pub mod disk;
pub mod driving;
pub mod event_stream;
pub mod extent;
pub mod feed;
pub mod filters;
pub mod graphql;
pub mod guard;
pub mod held;
pub mod http;
pub mod ids;
pub mod ledger;
pub mod live;
pub mod mail;
pub mod people;
mod places;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod recipe;
pub mod records;
pub mod redis;
pub mod rig;
pub mod sending;
pub mod setup;
pub mod signals;
pub mod socket;
pub mod statements;
pub mod students;
pub mod subscriber;
pub mod template;
mod times;
pub mod tokens;
pub mod traffic;
pub mod waiting;
pub mod writers;

pub use ledger::Ledger;
pub use setup::{Gateway, Running, Setup, Way};
pub use waiting::eventually;
