//! The end-to-end, fault and conformance tests, in one binary so that they share one Postgres and one Redis.

mod access;
mod architecture;
mod bad_input;
mod chats;
mod customers;
mod deploys;
mod door;
mod faults;
mod http;
mod javascript;
mod kit;
mod membership;
mod operations;
mod posts;
mod processes;
mod rebuild;
mod retention;
mod rig;
mod sdl;
mod signals;
mod specification;
mod students;
mod subscriptions;
mod trending;
mod users;
mod values;
