//! Migrations against real databases: from any schema with data in it, several at once, beside writers, interrupted, and with
//! versions before and after.

mod beside;
mod hindered;
mod places;
mod upgrading;
mod versions;
