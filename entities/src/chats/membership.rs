//! Membership: the one check that decides who sees anything of a chat. Called by commands inside their transaction, by queries,
//! and by `access` for open subscriptions.

use std::collections::BTreeSet;

use ::events::{EventLog, Tx};
use sea_orm::{
    ColumnTrait, EntityTrait, ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::{ChatError, ChatId, ChatMember, STREAM, member::Entity, rules};
use crate::access::UserId;
use crate::users::User;

type UserEntity = <User as ModelTrait>::Entity;
type UserColumn = <UserEntity as EntityTrait>::Column;

/// Returns whether the user is a member of the chat now.
pub(crate) async fn is_member(
    log: &EventLog,
    chat_id: ChatId,
    user_id: UserId,
) -> ::events::Result<bool> {
    let found = Entity::find_by_id((chat_id, user_id))
        .count(&log.database().reader)
        .await?;
    Ok(found > 0)
}

/// Returns the user's membership in the chat.
///
/// # Errors
/// `NotFound` when the user is not a member.
pub(super) async fn get_member_in_tx(
    tx: &Tx<'_>,
    chat_id: ChatId,
    user_id: UserId,
) -> Result<ChatMember, ChatError> {
    Entity::find_by_id((chat_id, user_id))
        .one(&**tx)
        .await?
        .ok_or(ChatError::NotFound(STREAM))
}

/// Makes sure that the users exist and stay active until the transaction ends: a deactivation waits for it. The creator, whose row
/// the new member refers to, is locked in turn with them.
pub(super) async fn require_active_in_tx(
    tx: &Tx<'_>,
    field: &str,
    user_ids: &BTreeSet<UserId>,
    creator: Option<UserId>,
) -> Result<(), ChatError> {
    if user_ids.is_empty() {
        return Ok(());
    }
    let locked = user_ids.iter().copied().chain(creator);
    let active: BTreeSet<UserId> = UserEntity::find()
        .filter(UserColumn::Id.is_in(locked))
        .filter(UserColumn::DeactivatedAt.is_null())
        .order_by_asc(UserColumn::Id)
        .lock_shared()
        .all(&**tx)
        .await?
        .into_iter()
        .map(|user| user.id)
        .collect();
    if !active.is_superset(user_ids) {
        let unknown = user_ids.difference(&active).copied();
        return Err(rules::unknown_users(field, unknown).into());
    }
    Ok(())
}
