//! The personal data in posts: the messages and comments that a user wrote. Only the author edits a text, so the actor of an
//! edit is its author.

use ::events::{ERASED, PersonalData, Subject, Whose, sql::execute};

use super::{PostEventKind, STREAM};

use events::DatabaseTransaction;

/// The personal data in the events of posts, in both shapes of the message.
pub(crate) const PERSONAL_DATA: [PersonalData; 4] = [
    PersonalData {
        stream: STREAM,
        event_types: &[PostEventKind::Created.name()],
        whose: Whose::Field("/authorId"),
        fields: &[
            ("/message", |_| ERASED.into()),
            ("/text", |_| ERASED.into()),
        ],
    },
    PersonalData {
        stream: STREAM,
        event_types: &[PostEventKind::MessageEdited.name()],
        whose: Whose::Actor,
        fields: &[("/message", |_| ERASED.into())],
    },
    PersonalData {
        stream: STREAM,
        event_types: &[PostEventKind::CommentAdded.name()],
        whose: Whose::Field("/authorId"),
        fields: &[("/text", |_| ERASED.into())],
    },
    PersonalData {
        stream: STREAM,
        event_types: &[PostEventKind::CommentEdited.name()],
        whose: Whose::Actor,
        fields: &[("/text", |_| ERASED.into())],
    },
];

/// Erases the personal data in the read model.
pub(crate) async fn erase_rows(
    tx: &DatabaseTransaction,
    subject: &Subject,
) -> ::events::Result<u64> {
    let values = || vec![subject.id.into(), ERASED.into()];
    let posts =
        "update post set message = $2, search_text = $2 where author_id = $1 and message <> $2";
    let comments = "update post_comment set text = $2 where author_id = $1 and text <> $2";
    let changed = execute(tx, posts, values()).await?;
    Ok(changed + execute(tx, comments, values()).await?)
}
