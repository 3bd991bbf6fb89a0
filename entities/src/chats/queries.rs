//! The queries on chats. Only `find_chat` and `list_chats` return chats, and only to members; a caller who got a chat may read
//! everything below it.

use ::events::HistoryPage;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use serde_json::{Value, value::RawValue};

use super::{
    Chat, ChatId, ChatMessage, Chats,
    chat::{Column, Entity},
    member, message,
};
use crate::{
    Edge, Filter, Page, PageRequest, SortKey, Versions,
    access::{AccessError, Action, UserId, Viewer, authorize},
    boxed,
    filter::filter_fields,
    record::{Sort, sort_fields},
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

filter_fields! {
    /// The fields that a list can be filtered by.
    ChatField of Column {
        Id of ChatId, Kind, Title, MemberCount, Version, CreatedAt, LastActivityAt,
    }
}

sort_fields! {
    /// The fields that a list can be sorted by.
    ChatSortField of Column { LastActivityAt, CreatedAt }
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

/// Returns the order of a page: the rows with the largest keys come first.
fn order_of(request: &PageRequest) -> Order {
    match request.from_end {
        false => Order::Desc,
        true => Order::Asc,
    }
}

impl Chats {
    /// Returns the chat, if the viewer is a member.
    #[boxed]
    pub async fn find_chat(&self, viewer: &Viewer, id: ChatId) -> Result<Option<Chat>> {
        authorize(viewer, Action::UseChats)?;
        let user_id = viewer.require_user()?;
        Ok(Entity::find_by_id(id)
            .filter(Column::Id.in_subquery(chats_of(user_id)))
            .one(&self.log.database().reader)
            .await?)
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
        let reader = &self.log.database().reader;
        Ok(request.read(rows, &sorted, reader).await?)
    }

    /// Returns the number of the viewer's chats in the whole list.
    #[boxed]
    pub async fn count_chats(&self, viewer: &Viewer, filter: &Filter<ChatField>) -> Result<u64> {
        let rows = self.own_matching(viewer, filter)?;
        Ok(rows.count(&self.log.database().reader).await?)
    }

    /// Selects the viewer's chats.
    fn own_matching(&self, viewer: &Viewer, filter: &Filter<ChatField>) -> Result<Select<Entity>> {
        authorize(viewer, Action::UseChats)?;
        let user_id = viewer.require_user()?;
        let condition = filter.condition(self.log.database().backend(), "chat");
        let own = Column::Id.in_subquery(chats_of(user_id));
        Ok(Entity::find().filter(own).filter(condition))
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

    /// Returns a page of a chat's messages, newest first.
    #[boxed]
    pub async fn list_messages(
        &self,
        chat: &Chat,
        request: &PageRequest,
    ) -> ::events::Result<Page<ChatMessage>> {
        let place = |edge: &Edge| Expr::value(sea_orm::Value::from(edge.key.clone()));
        let number = || Expr::col(message::Column::Number);
        let mut condition = Condition::all().add(message::Column::ChatId.eq(chat.id));
        if let Some(after) = &request.after {
            condition = condition.add(number().lt(place(after)));
        }
        if let Some(before) = &request.before {
            condition = condition.add(number().gt(place(before)));
        }
        let rows = message::Entity::find()
            .filter(condition)
            .order_by(message::Column::Number, order_of(request))
            .limit(request.limit + 1)
            .all(&self.log.database().reader)
            .await?;
        let items = rows.into_iter().map(|message| {
            let key = SortKey::Number(message.number);
            let id = message.id.uuid();
            (Edge { key, id }, message)
        });
        Ok(request.page(items.collect()))
    }

    /// Returns the events of a chat, oldest first, without the texts: the log keeps those that were edited and deleted since.
    #[boxed]
    pub async fn history(&self, chat: &Chat, of: Versions) -> Result<HistoryPage> {
        let Versions { after, limit } = of;
        let mut page = self.log.read_stream(chat.id.stream(), after, limit).await?;
        for event in &mut page.events {
            event.data =
                without_text(&event.data).map_err(|source| ::events::Error::Malformed {
                    what: "chat event",
                    source,
                })?;
        }
        Ok(page)
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
