//! Batch loads of chats, messages and members: each is one statement for any number of keys. They do not check the viewer; a
//! result that differs by user has the user in its key.

use std::{collections::HashMap, sync::Arc};

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult};

use super::{Chat, ChatId, ChatMember, ChatMessage, Chats, MessageId, chat, member, message};
use crate::{
    Direction, Edge, Page, SortKey,
    access::UserId,
    boxed,
    children::{Children, Clause, PageOf},
    gathering::{Found, Gathering},
    id::uuids,
};

use events::{
    DatabaseConnection, EventLog,
    sql::{is_one_of, padded, places, query, statement},
};

/// What was found, by key.
type Loaded<K, V> = ::events::Result<HashMap<K, V>>;

/// A chat as a user sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChatOfUser {
    /// The chat.
    pub chat_id: ChatId,
    /// The user, who may or may not be a member.
    pub user_id: UserId,
}

/// Runs a statement in which `{pairs}` is replaced by the keys.
async fn of_pairs(
    database: &DatabaseConnection,
    sql: &str,
    keys: &[ChatOfUser],
) -> ::events::Result<Vec<QueryResult>> {
    let keys = padded(keys);
    let pairs: Vec<String> = (0..keys.len())
        .map(|number| format!("({})", places(number * 2 + 1, 2)))
        .collect();
    let values = keys.iter();
    let values = values.flat_map(|key| [key.chat_id.into(), key.user_id.into()]);
    let sql = sql.replace("{pairs}", &format!("values {}", pairs.join(", ")));
    query(database, &sql, values.collect()).await
}

/// Messages of a chat, newest first.
const MESSAGES: Children = Children {
    table: "chat_message",
    parent: "chat_id",
    columns: "*",
    key: Some("number"),
    id: None,
    direction: Direction::Desc,
};

/// Returns the loads of chats by their members.
pub(super) fn of_users(log: &EventLog) -> Gathering<ChatOfUser, Chat> {
    let reader = log.database().reader.clone();
    Gathering::new(move |keys: Vec<ChatOfUser>| {
        let reader = reader.clone();
        async move { load_chats_of_users(&reader, &keys).await.map_err(Arc::new) }
    })
}

/// Returns the loads of messages by id.
pub(super) fn messages(log: &EventLog) -> Gathering<MessageId, ChatMessage> {
    let reader = log.database().reader.clone();
    Gathering::new(move |ids: Vec<MessageId>| {
        let reader = reader.clone();
        async move { load_messages(&reader, &ids).await.map_err(Arc::new) }
    })
}

async fn load_messages(
    reader: &DatabaseConnection,
    ids: &[MessageId],
) -> Loaded<MessageId, ChatMessage> {
    let rows = message::Entity::find()
        .filter(message::Column::Id.is_in(padded(ids)))
        .all(reader)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Returns the current chats of those keys whose user is a member.
async fn load_chats_of_users(
    database: &DatabaseConnection,
    keys: &[ChatOfUser],
) -> Loaded<ChatOfUser, Chat> {
    let sql = "select c.*, m.user_id as of_user from chat_member m join chat c on c.id = m.chat_id
                   where (m.chat_id, m.user_id) in ({pairs})";
    let mut chats = HashMap::new();
    for row in of_pairs(database, sql, keys).await? {
        let chat = Chat::from_query_result(&row, "")?;
        let key = ChatOfUser {
            chat_id: chat.id,
            user_id: row.try_get("", "of_user")?,
        };
        chats.insert(key, chat);
    }
    Ok(chats)
}

impl Chats {
    /// Returns the current chat, if the user is a member.
    #[boxed]
    pub async fn load_chat_of_user(&self, key: ChatOfUser) -> Found<Chat> {
        self.of_users.load_with_others(key).await
    }

    /// Returns the current chats with these ids, for callers who got an object below them.
    #[boxed]
    pub async fn load_chats(&self, ids: &[ChatId]) -> Loaded<ChatId, Chat> {
        let rows = chat::Entity::find()
            .filter(chat::Column::Id.is_in(padded(ids)))
            .all(&self.log.database().reader)
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    /// Returns pages of the messages of chats, newest first.
    #[boxed]
    pub async fn load_message_pages(
        &self,
        keys: &[PageOf<ChatId>],
    ) -> Loaded<PageOf<ChatId>, Page<ChatMessage>> {
        let read = |row: &QueryResult| {
            let message = ChatMessage::from_query_result(row, "")?;
            let edge = Edge {
                key: SortKey::Number(message.number),
                id: message.id.uuid(),
            };
            Ok((message.chat_id, edge, message))
        };
        let queries = &self.log.database().queries;
        MESSAGES
            .pages(queries, keys, &Clause::default(), read)
            .await
    }

    /// Returns the members of each chat, in the order in which they joined.
    #[boxed]
    pub async fn load_members(&self, chat_ids: &[ChatId]) -> Loaded<ChatId, Vec<ChatMember>> {
        let rows = member::Entity::find()
            .filter(member::Column::ChatId.is_in(padded(chat_ids)))
            .order_by_asc(member::Column::JoinedAt)
            .order_by_asc(member::Column::UserId)
            .all(&self.log.database().reader)
            .await?;
        let mut members: HashMap<ChatId, Vec<ChatMember>> = HashMap::new();
        for row in rows {
            members.entry(row.chat_id).or_default().push(row);
        }
        Ok(members)
    }

    /// Returns the last message of each chat that has one.
    #[boxed]
    pub async fn load_last_messages(&self, chat_ids: &[ChatId]) -> Loaded<ChatId, ChatMessage> {
        let database = &self.log.database().queries;
        let mut values = Vec::new();
        let sql = format!(
            "select m.* from chat c join chat_message m on m.chat_id = c.id and m.number = c.last_number
             where {}",
            is_one_of(database.get_database_backend(), "c.id", &uuids(chat_ids), &mut values)
        );
        let rows = message::Entity::find()
            .from_raw_sql(statement(database, sql, values))
            .all(database)
            .await?;
        Ok(rows.into_iter().map(|row| (row.chat_id, row)).collect())
    }

    /// Returns the number of unread messages for each user and chat, if the user is a member.
    #[boxed]
    pub async fn load_unread_counts(&self, keys: &[ChatOfUser]) -> Loaded<ChatOfUser, i64> {
        let database = &self.log.database().queries;
        // The messages after the last read one never include the member's own, as sending marks the earlier ones as read.
        let sql = "select m.chat_id, m.user_id, c.last_number - m.last_read_number - (
                       select count(*) from chat_message d
                       where d.chat_id = m.chat_id and d.number > m.last_read_number and d.deleted_at is not null
                   ) as unread
                   from chat_member m join chat c on c.id = m.chat_id
                   where (m.chat_id, m.user_id) in ({pairs})";
        let mut counts = HashMap::new();
        for row in of_pairs(database, sql, keys).await? {
            let key = ChatOfUser {
                chat_id: row.try_get("", "chat_id")?,
                user_id: row.try_get("", "user_id")?,
            };
            counts.insert(key, row.try_get("", "unread")?);
        }
        Ok(counts)
    }

    /// Returns the current message.
    #[boxed]
    pub async fn load_message(&self, id: MessageId) -> Found<ChatMessage> {
        self.messages.load_with_others(id).await
    }
}
