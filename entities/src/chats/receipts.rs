//! What became of messages: how many members have received and seen each, who, and when. Each load is one statement for any number of
//! messages. They do not check the viewer: a caller knows that the viewer is the author, who alone may know.
//!
//! The recipients of a message are the present members of its chat but its author, without those who joined after it. Where the number
//! at which a member joined is unknown, the time decides.

use std::collections::HashMap;

use ::events::sql::{is_one_of, query};
use chrono::{DateTime, Utc};
use sea_orm::QueryResult;

use super::{ChatId, Chats, MessageId};
use crate::{access::UserId, boxed};

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// It is in the chat.
    Sent,
    /// All recipients have received it, and not all of them have seen it.
    Delivered,
    /// All recipients have seen it.
    Seen,
}

/// A message as its author knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SentMessage {
    /// The message.
    pub id: MessageId,
    /// Its chat.
    pub chat_id: ChatId,
    /// The author.
    pub author_id: UserId,
}

/// How many recipients have received and seen a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageReceipts {
    /// All recipients.
    pub recipients: i64,
    /// Those who have received it.
    pub delivered: i64,
    /// Those who have seen it.
    pub seen: i64,
}

impl MessageReceipts {
    /// Returns how far the message has come. Without recipients it is sent.
    #[must_use]
    pub const fn state(&self) -> MessageState {
        match (self.recipients, self.delivered, self.seen) {
            (1.., _, seen) if seen >= self.recipients => MessageState::Seen,
            (1.., delivered, _) if delivered >= self.recipients => MessageState::Delivered,
            _ => MessageState::Sent,
        }
    }
}

/// What a recipient told of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageReceipt {
    /// The recipient.
    pub user_id: UserId,
    /// How far the message has come to them.
    pub state: MessageState,
    /// When they received it, if they have and the time was noted.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When they saw it, if they have and the time was noted.
    pub seen_at: Option<DateTime<Utc>>,
}

const RECIPIENTS: &str = "from chat_message g join chat_member m on m.chat_id = g.chat_id and m.user_id <> g.author_id \
     where coalesce(m.joined_number < g.number, m.joined_at <= g.created_at)";
const IS_SEEN: &str = "m.last_read_number >= g.number";
const IS_DELIVERED: &str =
    "(m.last_delivered_number >= g.number or m.last_read_number >= g.number)";

/// Selects the time of the mark of this kind that covers the message.
fn time_of(kind: &str) -> String {
    format!(
        "(select case when k.after_number < g.number then k.at end from chat_mark k
          where k.chat_id = m.chat_id and k.user_id = m.user_id and k.kind = '{kind}' and k.number >= g.number
          order by k.number limit 1)"
    )
}

impl Chats {
    /// Returns how many have received and seen each message. One without recipients is left out.
    #[boxed]
    pub async fn load_receipts(
        &self,
        messages: &[SentMessage],
    ) -> ::events::Result<HashMap<SentMessage, MessageReceipts>> {
        let columns = format!(
            "count(*) as recipients, sum(case when {IS_DELIVERED} then 1 else 0 end) as delivered, \
             sum(case when {IS_SEEN} then 1 else 0 end) as seen"
        );
        let rows = self
            .of_recipients(messages, &columns, "group by g.id")
            .await?;
        let mut of_messages = HashMap::new();
        for (message, row) in rows {
            let receipts = MessageReceipts {
                recipients: row.try_get("", "recipients")?,
                delivered: row.try_get("", "delivered")?,
                seen: row.try_get("", "seen")?,
            };
            of_messages.insert(message, receipts);
        }
        Ok(of_messages)
    }

    /// Returns what each recipient of each message told, in the order in which they joined.
    #[boxed]
    pub async fn load_recipients(
        &self,
        messages: &[SentMessage],
    ) -> ::events::Result<HashMap<SentMessage, Vec<MessageReceipt>>> {
        let columns = format!(
            "m.user_id, {IS_DELIVERED} as is_delivered, {IS_SEEN} as is_seen, {} as delivered_at, {} as seen_at",
            time_of("DELIVERED"),
            time_of("SEEN")
        );
        let order = "order by m.joined_at, m.user_id";
        let mut of_messages: HashMap<SentMessage, Vec<MessageReceipt>> = HashMap::new();
        for (message, row) in self.of_recipients(messages, &columns, order).await? {
            let is_told = (
                row.try_get("", "is_delivered")?,
                row.try_get("", "is_seen")?,
            );
            let delivered_at: Option<DateTime<Utc>> = row.try_get("", "delivered_at")?;
            let seen_at: Option<DateTime<Utc>> = row.try_get("", "seen_at")?;
            let receipt = MessageReceipt {
                user_id: row.try_get("", "user_id")?,
                state: match is_told {
                    (_, true) => MessageState::Seen,
                    (true, false) => MessageState::Delivered,
                    (false, false) => MessageState::Sent,
                },
                delivered_at,
                // The clocks of two processes may differ.
                seen_at: seen_at.map(|at| delivered_at.map_or(at, |delivered| at.max(delivered))),
            };
            of_messages.entry(message).or_default().push(receipt);
        }
        Ok(of_messages)
    }

    async fn of_recipients(
        &self,
        messages: &[SentMessage],
        columns: &str,
        end: &str,
    ) -> ::events::Result<Vec<(SentMessage, QueryResult)>> {
        let database = &self.log.database().queries;
        let by_id: HashMap<MessageId, SentMessage> = messages
            .iter()
            .map(|message| (message.id, *message))
            .collect();
        let ids: Vec<_> = by_id.keys().map(|id| id.uuid()).collect();
        let mut values = Vec::new();
        let is_asked = is_one_of(database.get_database_backend(), "g.id", &ids, &mut values);
        let sql = format!("select g.id, {columns} {RECIPIENTS} and {is_asked} {end}");
        let mut of_messages = Vec::new();
        for row in query(database, &sql, values).await? {
            let id: MessageId = row.try_get("", "id")?;
            of_messages.extend(by_id.get(&id).map(|message| (*message, row)));
        }
        Ok(of_messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_come_as_far_as_to_its_last_recipient() {
        let state = |recipients, delivered, seen| {
            let receipts = MessageReceipts {
                recipients,
                delivered,
                seen,
            };
            receipts.state()
        };
        assert_eq!(state(0, 0, 0), MessageState::Sent, "to nobody");
        assert_eq!(state(2, 1, 1), MessageState::Sent);
        assert_eq!(state(2, 2, 0), MessageState::Delivered);
        assert_eq!(state(2, 2, 1), MessageState::Delivered);
        assert_eq!(state(2, 2, 2), MessageState::Seen);
    }
}
