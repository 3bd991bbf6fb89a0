//! The queries on chats. Only `find_chat` and `list_chats` return chats, and only to members; a caller who got a chat may read
//! everything below it.

use std::sync::Arc;

use ::events::HistoryPage;
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::SelectStatement,
};
use serde_json::{Value, value::RawValue};

use super::{
    Chat, ChatId, ChatMessage, ChatOfUser, Chats, MessageId,
    chat::{Column, Entity},
    finding::{contains, has_member, join_member, unread_count},
    member,
};
use crate::{
    Filter, Page, PageRequest, Versions,
    access::{AccessError, Action, UserId, Viewer, authorize},
    boxed,
    filter::filter_fields,
    record::{Sort, sort_fields},
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

filter_fields! {
    /// The fields that a list can be filtered by.
    ChatField of Column {
        Id of ChatId, Kind, Title, Member of UserId as has_member => [Id] by str::to_owned,
        MemberCount, Version, CreatedAt, LastActivityAt, UnreadCount = unread_count,
    }
}

sort_fields! {
    /// The fields that a list can be sorted by; texts sort by code point.
    ChatSortField of Column { LastActivityAt, CreatedAt, Title, MemberCount }
}

/// The order of a list.
pub type ChatSort = Sort<ChatSortField>;

/// Returns the statement for the ids of the user's chats.
fn chats_of(user_id: UserId) -> SelectStatement {
    member::Entity::find()
        .select_only()
        .column(member::Column::ChatId)
        .filter(member::Column::UserId.eq(user_id))
        .into_query()
}

impl Chats {
    /// Returns the chat, if the viewer is a member, read together with those that others ask for.
    #[boxed]
    pub async fn find_chat(&self, viewer: &Viewer, chat_id: ChatId) -> Result<Option<Chat>> {
        authorize(viewer, Action::UseChats)?;
        let user_id = viewer.require_user()?;
        let key = ChatOfUser { chat_id, user_id };
        Ok(self.of_users.load_with_others(key).await?)
    }

    /// Returns the message, if the viewer is a member of its chat.
    #[boxed]
    pub async fn find_message(
        &self,
        viewer: &Viewer,
        id: MessageId,
    ) -> Result<Option<ChatMessage>> {
        authorize(viewer, Action::UseChats)?;
        viewer.require_user()?;
        let Some(message) = self.messages.load_with_others(id).await? else {
            return Ok(None);
        };
        let chat = self.find_chat(viewer, message.chat_id).await?;
        Ok(chat.map(|_| message))
    }

    /// Returns who created the chat, as the log names them; `None` when the log no longer has the event. A caller who got the chat
    /// may know.
    #[boxed]
    pub async fn creator_of(&self, id: ChatId) -> Result<Option<String>> {
        Ok(self.histories.actor(id.uuid(), 1).await?)
    }

    /// Returns a page of the viewer's chats.
    #[boxed]
    pub async fn list_chats(
        &self,
        viewer: &Viewer,
        filter: &Filter<ChatField>,
        sort: ChatSort,
        request: &PageRequest,
    ) -> Result<Page<Chat>> {
        let rows = self.own_matching(viewer, filter)?;
        let sorted = sort.by(Column::Id);
        let queries = &self.log.database().queries;
        Ok(request.read(rows, &sorted, queries).await?)
    }

    /// Returns the number of the viewer's chats in the whole list.
    #[boxed]
    pub async fn count_chats(&self, viewer: &Viewer, filter: &Filter<ChatField>) -> Result<u64> {
        let rows = self.own_matching(viewer, filter)?;
        Ok(rows.count(&self.log.database().queries).await?)
    }

    /// Selects the viewer's chats.
    fn own_matching(&self, viewer: &Viewer, filter: &Filter<ChatField>) -> Result<Select<Entity>> {
        authorize(viewer, Action::UseChats)?;
        let user_id = viewer.require_user()?;
        let backend = self.log.database().backend();
        let condition = filter.condition_by(backend, &|text| contains(backend, user_id, text));
        let own = Column::Id.in_subquery(chats_of(user_id));
        let mut chats = Entity::find().filter(own).filter(condition);
        if filter.asks_about(ChatField::UnreadCount) {
            join_member(QuerySelect::query(&mut chats), user_id);
        }
        Ok(chats)
    }

    /// Returns all chats of a user, for their followers.
    pub(super) async fn list_chat_ids(&self, user_id: UserId) -> ::events::Result<Vec<ChatId>> {
        Ok(member::Entity::find()
            .select_only()
            .column(member::Column::ChatId)
            .filter(member::Column::UserId.eq(user_id))
            .into_tuple()
            .all(&self.log.database().reader)
            .await?)
    }

    /// Returns events of a chat, oldest first, without the texts: the log keeps those that were edited and deleted since.
    #[boxed]
    pub async fn history(&self, chat: &Chat, of: Versions) -> Result<Arc<HistoryPage>> {
        let page = self.histories.page(chat.id.uuid(), of).await?;
        let mut page = Arc::unwrap_or_clone(page);
        for event in &mut page.events {
            event.data =
                without_text(&event.data).map_err(|source| ::events::Error::Malformed {
                    what: "chat event",
                    source,
                })?;
        }
        Ok(Arc::new(page))
    }
}

fn without_text(data: &RawValue) -> serde_json::Result<Box<RawValue>> {
    let mut data: Value = serde_json::from_str(data.get())?;
    if let Some(message) = data.get_mut("message").and_then(Value::as_object_mut) {
        message.remove("text");
    }
    serde_json::value::to_raw_value(&data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_have_no_texts() {
        let data = r#"{"chat":{"title":"Tea"},"message":{"number":1,"text":"secret"}}"#;
        let data: Box<RawValue> = serde_json::from_str(data).expect("JSON");
        let shown = without_text(&data).expect("an event");
        assert!(!shown.get().contains("text"), "{shown}");
        assert!(shown.get().contains("Tea") && shown.get().contains("\"number\":1"));
    }
}
