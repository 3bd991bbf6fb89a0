//! Who is a member of what: the one question that decides who sees anything of a chat. Asked by commands inside their
//! transaction, by queries, and by `access` for the subscriptions that are open.

use ::events::EventLog;
use sea_orm::{EntityTrait, PaginatorTrait};
use uuid::Uuid;

use super::member::Entity;

/// Whether the user is a member of the chat now.
pub(crate) async fn is_member(
    log: &EventLog,
    chat_id: Uuid,
    user_id: Uuid,
) -> ::events::Result<bool> {
    let found = Entity::find_by_id((chat_id, user_id))
        .count(&log.database().reader)
        .await?;
    Ok(found > 0)
}
