//! The post as clients see it: a row of the read model, or a fold of the log for a post that must be no older than a change,
//! and for earlier versions. The objects below it come from the same source.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, ScalarType, Value, parser::types::Field};
use chrono::{DateTime, Utc};
use entities::{
    posts::{self, LikeOf, PostState},
    users,
};

use super::{
    comments::{self, CommentConnection},
    likers::{self, LikerConnection},
    loaders::load_like,
};
use crate::{
    connection::{KnownTotal, PageArguments},
    error::Result,
    history,
    plain::{Plain, time},
    request::{Read, reading, viewer},
    users::UserRef,
};

pub(crate) struct Post {
    row: posts::Post,
    state: Option<Arc<PostState>>,
    /// Unless it is to be loaded.
    author: Option<Arc<users::User>>,
    deleted_at: Option<DateTime<Utc>>,
}

impl From<posts::Post> for Post {
    fn from(row: posts::Post) -> Self {
        Self::with_author(row, None)
    }
}

impl Post {
    /// Returns the post of a row, with its author if they are already loaded.
    pub(super) fn with_author(row: posts::Post, author: Option<Arc<users::User>>) -> Self {
        Self {
            row,
            state: None,
            author,
            deleted_at: None,
        }
    }

    /// Returns the post of a fold, unless it is deleted.
    pub(super) fn of_state(state: &Arc<PostState>) -> Option<Self> {
        Some(Self {
            row: state.post()?,
            state: Some(state.clone()),
            author: None,
            deleted_at: None,
        })
    }

    /// Returns a post that was just deleted: what it was before, with the version and the time of its deletion.
    pub(super) fn deleted(before: &Arc<PostState>, after: &PostState) -> Option<Self> {
        let mut post = Self::of_state(before)?;
        post.row.version = after.version();
        post.row.updated_at = after.updated_at();
        post.deleted_at = Some(after.updated_at());
        Some(post)
    }
}

impl Plain for Post {
    fn plain(&self, field: &Field) -> Option<Value> {
        let row = &self.row;
        Some(match field.name.node.as_str() {
            "id" => row.id.to_string().into(),
            "author" => {
                let author = self.author.clone();
                return UserRef::new(row.author_id, author).plain(field);
            }
            "message" => row.message.as_str().into(),
            "likeCount" => row.like_count.into(),
            "commentCount" => row.comment_count.into(),
            "version" => row.version.into(),
            "createdAt" => row.created_at.to_value(),
            "updatedAt" => row.updated_at.to_value(),
            "deletedAt" => time(self.deleted_at),
            _ => return None,
        })
    }
}

/// A message that a user published for all others, with likes and comments.
#[Object]
impl Post {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        self.row.id.into()
    }

    /// The user who wrote it.
    async fn author(&self) -> UserRef {
        UserRef::new(self.row.author_id, self.author.clone())
    }

    /// The text, 1 to 10,000 characters.
    async fn message(&self) -> &str {
        &self.row.message
    }

    /// The number of users who like it.
    async fn like_count(&self) -> i64 {
        self.row.like_count
    }

    /// The number of comments, not counting removed ones.
    async fn comment_count(&self) -> i64 {
        self.row.comment_count
    }

    /// Whether you like the post. False when you are not signed in.
    async fn liked_by_me(&self, ctx: &Context<'_>) -> Result<bool> {
        let Some(user_id) = viewer(ctx)?.user_id() else {
            return Ok(false);
        };
        match &self.state {
            Some(state) => Ok(state.is_liked_by(user_id)),
            None => {
                let post_id = self.row.id;
                Box::pin(load_like(ctx, LikeOf { post_id, user_id })).await
            }
        }
    }

    /// The comments, oldest first. Page forward with `first` and
    /// `after`, or backward with `last` and `before`. Without them, returns the first 20.
    async fn comments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the comments that come after this cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the comments that come before this cursor.")] before: Option<
            String,
        >,
    ) -> Result<CommentConnection> {
        let arguments = PageArguments::from((first, after, last, before));
        let total_count = self.row.comment_count;
        // The future is boxed, as below: async-graphql reserves the size of an object's largest resolver for each of its
        // fields.
        Box::pin(comments::connect(
            ctx,
            self.row.id,
            self.state.as_ref(),
            KnownTotal { total_count },
            arguments,
        ))
        .await
    }

    /// The users who like it, in the order of their ids. Page forward with `first` and `after`, or backward with `last` and
    /// `before`. Without them, returns the first 20.
    async fn likers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the users that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the users that come before this cursor.")] before: Option<String>,
    ) -> Result<Option<LikerConnection>> {
        let arguments = PageArguments::from((first, after, last, before));
        let (state, total_count) = (self.state.as_ref(), self.row.like_count);
        let total = KnownTotal { total_count };
        Box::pin(likers::connect(ctx, self.row.id, state, total, arguments)).await
    }

    /// The version, which increases by one with every event of the post. Mutations compare it with `expectedVersion`, and
    /// `post(asOfVersion:)` reads an earlier one.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// When the post was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When the last event of the post happened.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }

    /// When the post was deleted. Null when it was not; only `deletePost` returns one that was.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.deleted_at
    }

    /// The events of the post, oldest first. Page forward with `first` and `after`, or backward with `last` and `before`. Without
    /// them, returns the first 20. They do not include the texts of comments that were removed since, unless you are
    /// STAFF or ADMIN.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n events, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the events that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n events, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the events that come before this cursor.")] before: Option<
            String,
        >,
    ) -> Result<Option<history::History>> {
        let posts = &reading(ctx, Read::Stream(self.row.id.stream())).posts;
        let viewer = viewer(ctx)?;
        history::connect(ctx, (first, after, last, before), |of| {
            posts.history(viewer, self.row.id, of)
        })
        .await
    }
}
