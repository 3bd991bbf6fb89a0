//! Chats through the API: their lives, who may do what, what is read, and what their members hear.

mod api;
mod concurrency;
mod direct;
mod idempotency;
mod messages;
mod model;
mod paging;
mod reading;
mod receipts;
mod rules;
mod searching;
mod statements;
mod subscriptions;
mod typing;
mod writing;
