//! Customers through the API: every rule of writing, finding, listing and counting them.

mod addresses;
mod caching;
mod idempotency;
mod interrupted;
mod listing;
mod rules;
mod seeding;
mod statistics;
mod writing;
