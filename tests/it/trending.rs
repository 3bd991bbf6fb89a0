//! What trends: scores are what the events say, whoever applied them and when; the API tells of changes, and not too often.

mod api;
mod model;
mod scores;
mod subscription;
