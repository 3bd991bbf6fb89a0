//! The personal data in chats: the texts that users wrote. Titles belong to the groups, whoever chose them.

use ::events::{ERASED, PersonalData, Subject, Whose};

use super::{ChatEventKind, STREAM};
use events::{DatabaseTransaction, sql::execute};

/// The personal data in the events of chats.
pub(crate) const PERSONAL_DATA: PersonalData = PersonalData {
    stream: STREAM,
    event_types: &[
        ChatEventKind::MessageSent.name(),
        ChatEventKind::MessageEdited.name(),
        ChatEventKind::MessageDeleted.name(),
    ],
    whose: Whose::Field("/message/authorId"),
    fields: &[("/message/text", |_| ERASED.into())],
};

/// Erases the personal data in the tables.
pub(crate) async fn erase_rows(
    tx: &DatabaseTransaction,
    subject: &Subject,
) -> ::events::Result<u64> {
    let sql = "update chat_message set text = $2 where author_id = $1 and text is not null and text <> $2";
    execute(tx, sql, vec![subject.id.into(), ERASED.into()]).await
}
