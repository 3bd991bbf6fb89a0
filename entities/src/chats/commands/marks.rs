//! Moves a member's marks forward, and tells the authors of the messages that they pass: each hears of their own messages, in a stream
//! of their own, and nobody else does. Called with the member's row locked, by who reads, receives or sends.
//!
//! A mark never goes back, and what is seen is delivered. So a message is told of at most twice by each member, whatever is repeated,
//! and looking for authors reads each message at most twice for each member, however much they missed. A row of `chat_mark` covers the
//! messages between two places of the mark. No two rows overlap, so the first that ends at or behind a message is the one that covers
//! it, or none does: a version that knew no marks has moved the number alone.
//!
//! Locks are taken in the order of chat, if it is written to, member, streams of receipts by user, inboxes. Marks go with their member.

use ::events::{StreamKey, sql::query_as};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Set};

use super::{Result, Work};
use crate::{
    access::UserId,
    chats::{
        ChatMember, RECEIPT_STREAM,
        events::{ReceiptData, ReceiptEventKind},
        mark::{Entity, MarkKind, Model as Mark},
    },
    event_kinds::EventData,
};

/// Moves the mark to `number`; returns whether it moved.
pub(super) async fn advance_in_tx(
    work: &Work<'_>,
    member: &ChatMember,
    kind: MarkKind,
    number: i64,
    at: DateTime<Utc>,
) -> Result<bool> {
    let (seen, received) = (member.last_read_number, member.received_number());
    let after = match kind {
        MarkKind::Seen => seen,
        MarkKind::Delivered => received,
    };
    if number <= after {
        return Ok(false);
    }
    let mut row = member.clone().into_active_model();
    if kind == MarkKind::Seen {
        row.last_read_number = Set(number);
    }
    row.last_delivered_number = Set(received.max(number));
    row.update(&**work.tx).await?;

    let mark = |kind, after_number| Mark {
        chat_id: member.chat_id,
        user_id: member.user_id,
        kind,
        number,
        after_number,
        at,
    };
    let own = (kind == MarkKind::Seen).then(|| mark(MarkKind::Seen, seen));
    let implied = (received < number).then(|| mark(MarkKind::Delivered, received));
    let marks = own.into_iter().chain(implied);
    Entity::insert_many(marks.map(IntoActiveModel::into_active_model))
        .exec_without_returning(&**work.tx)
        .await?;
    let event = match kind {
        MarkKind::Seen => ReceiptEventKind::MessagesSeen,
        MarkKind::Delivered => ReceiptEventKind::MessagesDelivered,
    };
    tell_authors(work, member, event, after, number, at).await?;
    Ok(true)
}

/// Appends to the streams of those members who wrote the messages after `after` up to `number`. Their rows are locked in one order.
async fn tell_authors(
    work: &Work<'_>,
    member: &ChatMember,
    event: ReceiptEventKind,
    after: i64,
    number: i64,
    at: DateTime<Utc>,
) -> Result<()> {
    let sql = "insert into chat_receipts (user_id, version)
               select author_id, 1 from (
                   select distinct g.author_id from chat_message g
                   join chat_member m on m.chat_id = g.chat_id and m.user_id = g.author_id
                   where g.chat_id = $1 and g.number > $2 and g.number <= $3 and g.author_id <> $4
                   order by g.author_id
               ) authors where true
               on conflict (user_id) do update set version = chat_receipts.version + 1
               returning user_id, version";
    let values = vec![
        member.chat_id.into(),
        after.into(),
        number.into(),
        member.user_id.into(),
    ];
    let mut authors: Vec<(UserId, i64)> = query_as(&**work.tx, sql, values).await?;
    authors.sort_unstable();
    for (author, version) in authors {
        let stream = StreamKey {
            kind: RECEIPT_STREAM,
            id: author.uuid(),
        };
        let data = ReceiptData {
            author_id: author,
            chat_id: member.chat_id,
            member_id: member.user_id,
            up_to_number: number,
        };
        let event = event.event(&data, at);
        work.tx
            .append(stream, version - 1, event, &work.context.meta())
            .await?;
    }
    Ok(())
}
