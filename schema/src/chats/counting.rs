//! The statistics of chats.

use entities::chats;

use super::object::ChatKind;
use crate::statistics::statistics;

statistics! {
    /// How many chats there are, and when they were created.
    ChatStatistics of chats::Chat {
        ChatDayCount {
            created = created, "Chats created."
        },
        by_kind: ChatKindCount { kind: ChatKind = "The kind." }
    }
}
