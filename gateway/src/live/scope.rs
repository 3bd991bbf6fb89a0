//! With whom a subscription is shared: with all callers of the same role, unless its results depend on the user. That is not declared but
//! discovered: a shared execution has no user, and notes when one is asked for. Its result is then discarded before anybody sees it, and
//! the document is remembered as one to execute for each user alone.

use std::hash::{BuildHasher, RandomState};

use entities::{
    access::{UserId, Viewer},
    users::Role,
};
use moka::{policy::EvictionPolicy, sync::Cache};

/// The number of documents remembered. A forgotten one is discovered again.
const REMEMBERED: u64 = 10_000;

/// The callers who may share results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// All callers of a role.
    Role(Option<Role>),
    /// One user, in one role.
    User(UserId, Role),
}

impl Scope {
    /// Returns the scope of a document that is, or is not, personal.
    pub(super) fn of(viewer: &Viewer, is_personal: bool) -> Self {
        match viewer {
            Viewer::User(principal) if is_personal => Self::User(principal.user_id, principal.role),
            viewer => Self::Role(viewer.role()),
        }
    }
}

/// The documents that were discovered to be personal.
pub(super) struct PersonalDocuments {
    hasher: RandomState,
    documents: Cache<u64, ()>,
}

impl Default for PersonalDocuments {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            // By use: by frequency, one that is full would take no more, as questions do not count.
            documents: Cache::builder()
                .max_capacity(REMEMBERED)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }
}

impl PersonalDocuments {
    pub(super) fn contains(&self, query: &str, operation: Option<&str>) -> bool {
        self.documents.contains_key(&self.key(query, operation))
    }

    pub(super) fn insert(&self, query: &str, operation: Option<&str>) {
        self.documents.insert(self.key(query, operation), ());
    }

    fn key(&self, query: &str, operation: Option<&str>) -> u64 {
        self.hasher.hash_one((query, operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_discovered_last_is_remembered() {
        let documents = PersonalDocuments::default();
        for number in 0..REMEMBERED + 100 {
            documents.insert(&number.to_string(), None);
            documents.documents.run_pending_tasks();
            assert!(documents.contains(&number.to_string(), None), "{number}");
        }
    }
}
