//! The events of posts: each says only what changed, and the post is the sum of them. The shape of `data` is a contract. A new
//! shape is a new schema version, and the old one stays here to be read: `PostCreated` had `text` in version 1, and has
//! `message` since version 2, as everything else calls it.

use ::events::{Event, NewEvent};
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    access::UserId,
    event_kinds::{self, EventContract, EventKind, event_kinds},
    posts::{CommentId, PostId},
};

/// The kind of stream of posts.
pub const STREAM: &str = PostId::KIND;

event_kinds! {
    prefix "Post";

    /// The kinds of post events.
    pub enum PostEventKind {
        /// The post was created.
        Created,
        /// Its author changed its message.
        MessageEdited,
        /// A user liked the post.
        Liked,
        /// A user took their like back.
        Unliked,
        /// A user commented on it.
        CommentAdded,
        /// The text of a comment was changed.
        CommentEdited,
        /// A comment was removed.
        CommentRemoved,
        /// The post was deleted, with its comments and likes.
        Deleted,
    }
}

impl PostEventKind {
    /// Returns the schema version in which such an event is written now.
    pub const fn schema_version(self) -> i16 {
        match self {
            Self::Created => 2,
            _ => 1,
        }
    }
}

/// Data of `PostCreated`, version 1; read, and never written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PostCreatedV1 {
    /// Who wrote it.
    author_id: UserId,
    /// What it says.
    text: String,
}

impl From<PostCreatedV1> for PostCreated {
    fn from(old: PostCreatedV1) -> Self {
        Self {
            author_id: old.author_id,
            message: old.text,
        }
    }
}

/// Data of `PostCreated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostCreated {
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says.
    pub message: String,
}

/// Data of `PostMessageEdited`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostMessageEdited {
    /// What it says now.
    pub message: String,
}

/// Data of `PostLiked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostLiked {
    /// Who likes it.
    pub user_id: UserId,
}

/// Data of `PostUnliked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostUnliked {
    /// Who likes it no more.
    pub user_id: UserId,
}

/// Data of `PostCommentAdded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostCommentAdded {
    /// The comment.
    pub comment_id: CommentId,
    /// 1, 2, 3, … within the post, also counting comments that were removed.
    pub number: i64,
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says.
    pub text: String,
}

/// Data of `PostCommentEdited`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostCommentEdited {
    /// The comment.
    pub comment_id: CommentId,
    /// Its number within the post.
    pub number: i64,
    /// What it says now.
    pub text: String,
}

/// Data of `PostCommentRemoved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostCommentRemoved {
    /// The comment.
    pub comment_id: CommentId,
    /// Its number within the post.
    pub number: i64,
}

/// Data of `PostDeleted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostDeleted {}

/// A fact about a post, in the newest shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PostFact {
    /// The post was created.
    Created(PostCreated),
    /// Its author changed its message.
    MessageEdited(PostMessageEdited),
    /// A user liked the post.
    Liked(PostLiked),
    /// A user took their like back.
    Unliked(PostUnliked),
    /// A user commented on it.
    CommentAdded(PostCommentAdded),
    /// The text of a comment was changed.
    CommentEdited(PostCommentEdited),
    /// A comment was removed.
    CommentRemoved(PostCommentRemoved),
    /// The post was deleted, with its comments and likes.
    Deleted(PostDeleted),
}

impl PostFact {
    /// Returns the kind of the fact.
    pub fn kind(&self) -> PostEventKind {
        match self {
            Self::Created(_) => PostEventKind::Created,
            Self::MessageEdited(_) => PostEventKind::MessageEdited,
            Self::Liked(_) => PostEventKind::Liked,
            Self::Unliked(_) => PostEventKind::Unliked,
            Self::CommentAdded(_) => PostEventKind::CommentAdded,
            Self::CommentEdited(_) => PostEventKind::CommentEdited,
            Self::CommentRemoved(_) => PostEventKind::CommentRemoved,
            Self::Deleted(_) => PostEventKind::Deleted,
        }
    }

    /// Returns the number of the comment that the fact is about, if there is one.
    pub fn comment_number(&self) -> Option<i64> {
        match self {
            Self::CommentAdded(added) => Some(added.number),
            Self::CommentEdited(edited) => Some(edited.number),
            Self::CommentRemoved(removed) => Some(removed.number),
            _ => None,
        }
    }

    /// Reads `data` of any schema version that was ever written.
    fn decode(kind: PostEventKind, schema_version: i16, data: &str) -> serde_json::Result<Self> {
        fn read<T: DeserializeOwned>(data: &str) -> serde_json::Result<T> {
            serde_json::from_str(data)
        }
        Ok(match (kind, schema_version) {
            (PostEventKind::Created, 1) => Self::Created(read::<PostCreatedV1>(data)?.into()),
            (PostEventKind::Created, _) => Self::Created(read(data)?),
            (PostEventKind::MessageEdited, _) => Self::MessageEdited(read(data)?),
            (PostEventKind::Liked, _) => Self::Liked(read(data)?),
            (PostEventKind::Unliked, _) => Self::Unliked(read(data)?),
            (PostEventKind::CommentAdded, _) => Self::CommentAdded(read(data)?),
            (PostEventKind::CommentEdited, _) => Self::CommentEdited(read(data)?),
            (PostEventKind::CommentRemoved, _) => Self::CommentRemoved(read(data)?),
            (PostEventKind::Deleted, _) => Self::Deleted(read(data)?),
        })
    }
}

/// A post event, read from the log.
#[derive(Debug, Clone)]
pub struct PostEvent {
    /// The post.
    pub post_id: PostId,
    /// The post's version after the event.
    pub version: i64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub fact: PostFact,
}

impl PostEvent {
    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// Fails when the event is not one of this domain, or has a version that only a later Millrace knows.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let malformed = |source| ::events::Error::Malformed {
            what: "post event",
            source,
        };
        let kind = PostEventKind::find(&event.event_type)
            .filter(|kind| event.schema_version <= kind.schema_version())
            .ok_or_else(|| {
                let name = format!("{}.v{}", event.event_type, event.schema_version);
                malformed(serde::de::Error::custom(name))
            })?;
        Ok(Self {
            post_id: PostId::from_uuid(event.stream_id),
            version: event.version,
            occurred_at: event.occurred_at,
            fact: PostFact::decode(kind, event.schema_version, event.data.get())
                .map_err(malformed)?,
        })
    }
}

pub(super) fn new_event(fact: &PostFact, occurred_at: DateTime<Utc>) -> NewEvent<'_, PostFact> {
    let kind = fact.kind();
    event_kinds::new_event(kind, kind.schema_version(), fact, occurred_at)
}

/// Returns the contracts of these events, also of versions that are only read.
pub(crate) fn event_contracts() -> Vec<EventContract> {
    let written = PostEventKind::ALL.iter().map(|kind| {
        let schema = match kind {
            PostEventKind::Created => schema_for!(PostCreated),
            PostEventKind::MessageEdited => schema_for!(PostMessageEdited),
            PostEventKind::Liked => schema_for!(PostLiked),
            PostEventKind::Unliked => schema_for!(PostUnliked),
            PostEventKind::CommentAdded => schema_for!(PostCommentAdded),
            PostEventKind::CommentEdited => schema_for!(PostCommentEdited),
            PostEventKind::CommentRemoved => schema_for!(PostCommentRemoved),
            PostEventKind::Deleted => schema_for!(PostDeleted),
        };
        kind.contract(STREAM, kind.schema_version(), schema.to_value())
    });
    let old = schema_for!(PostCreatedV1).to_value();
    let old = PostEventKind::Created.contract(STREAM, 1, old);
    written.chain([old]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_shapes_are_read_as_new_ones() {
        let author_id = UserId::generate();
        let uuid = author_id.uuid();
        let old = format!(r#"{{"authorId":"{uuid}","text":"Hello"}}"#);
        let new = format!(r#"{{"authorId":"{uuid}","message":"Hello"}}"#);
        let created = PostFact::Created(PostCreated {
            author_id,
            message: "Hello".to_owned(),
        });
        let decode = |version, data: &str| PostFact::decode(PostEventKind::Created, version, data);
        assert_eq!(decode(1, &old).expect("version 1"), created);
        assert_eq!(decode(2, &new).expect("version 2"), created);
        assert!(decode(2, &old).is_err(), "a version is what it says it is");
    }

    #[test]
    fn facts_are_written_in_the_newest_shape() {
        let fact = PostFact::Created(PostCreated {
            author_id: UserId::generate(),
            message: "Hello".to_owned(),
        });
        let event = new_event(&fact, ::events::now());
        assert_eq!((event.event_type, event.schema_version), ("PostCreated", 2));
        let data = serde_json::to_string(event.data).expect("JSON");
        let read = PostFact::decode(PostEventKind::Created, 2, &data).expect("readable");
        assert_eq!(read, fact);
        let deleted = serde_json::to_string(&PostFact::Deleted(PostDeleted {})).expect("JSON");
        assert_eq!(deleted, "{}");
    }
}
