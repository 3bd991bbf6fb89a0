//! Demo data, created through the commands of the domains, so that events, read models and limits are the real ones. Called by `millrace
//! seed`, and at the first start on request.

mod customers;
mod demo;
mod file;
mod posts;

use std::path::PathBuf;

use ::events::sql::Dialect;
use clap::Args;
use entities::Entities;
use indicatif::ProgressBar;

pub use customers::seed;
pub(crate) use demo::PEOPLE;
pub use demo::{end_demo_sessions, seed_demo};
pub use file::{SeedFileError, seed_file};
pub use posts::{SeedPostsError, seed_posts};

/// What to create.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct SeedSettings {
    /// Customers to create; 1,000 if nothing else is requested
    #[arg(long)]
    pub customers: Option<u64>,
    /// Posts to create
    #[arg(long)]
    pub posts: Option<u64>,
    /// Likes of each post, by made-up users
    #[arg(long, default_value_t = 15)]
    pub likes: usize,
    /// Comments on each post
    #[arg(long, default_value_t = 4)]
    pub comments: usize,
    /// Customers and students to create, as JSON: {"customers": [{"name", "email", …}], "students": [{"name", "email", "course", …}]}
    ///
    /// Whoever is there already, by their email address, stays unchanged, so it is safe to repeat.
    #[arg(long)]
    pub file: Option<PathBuf>,
}

impl SeedSettings {
    /// Returns how many customers to create, if any.
    #[must_use]
    pub fn customers(&self) -> Option<u64> {
        match (self.customers, self.posts, &self.file) {
            (None, None, None) => Some(1_000),
            (customers, _, _) => customers,
        }
    }
}

/// Returns how many transactions to begin at once. SQLite runs them one after the other, and on a slow disk one that waited for two
/// others would be given up.
fn at_once(entities: &Entities, most: usize) -> usize {
    match entities.log.database().backend().is_postgres() {
        true => most,
        false => 1,
    }
}

fn progress_bar(what: &str, count: u64) -> ProgressBar {
    let template =
        format!("{what} {{bar:30}} {{human_pos}}/{{human_len}} ({{per_sec}}, {{eta}} left)");
    workers::printing::progress_bar(&template, count)
}
