//! The writers of the rig, one file for each domain. Each writer has objects of its own, so it knows what every answer must be,
//! and shares others, so that there is contention.

pub(super) mod chats;
pub(super) mod customers;
pub(super) mod posts;
pub(super) mod signals;
pub(super) mod students;
pub(super) mod users;

use serde_json::Value;

/// An object of a writer's own, as the last answer showed it.
struct Own {
    id: Value,
    version: u64,
}

impl Own {
    /// Reads an answer; `None` after a refusal, which is noted elsewhere.
    fn of(shown: &Value) -> Option<Self> {
        Some(Self {
            id: Value::from(shown["id"].as_str()?),
            version: shown["version"].as_u64()?,
        })
    }
}
