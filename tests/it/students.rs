//! Students through the API: their rules, imports of many, what is told of them, and the cache they are read through.

mod caching;
mod files;
mod import;
mod listing;
mod naming;
mod outages;
mod subscription;
mod writing;
