//! The follower that keeps the read model; nothing else writes its tables. With other tables and another name, it builds a new
//! model beside the live one. Beside it, what is counted of posts.

use std::sync::Arc;

use ::events::{Applying, DatabaseTransaction, Event, Follower, ModelTable, ReadModel, Result};
use futures::future::BoxFuture;

use super::{Post, PostEvent, PostEventKind, STREAM, Tables, changes::Changes};
use crate::{
    access::Action,
    counting::{Step, Tally, Whole},
    event_kinds::EventKind,
    searching,
};

/// The name of the follower that keeps the live tables.
pub const POSTS_FOLLOWER: &str = "posts";

/// The follower that keeps the read model of posts.
pub struct PostsFollower {
    name: &'static str,
    tables: Tables,
}

impl PostsFollower {
    /// Returns the follower of the tables that queries read.
    pub fn live() -> Self {
        Self::new(POSTS_FOLLOWER, Tables::live())
    }

    /// Returns a follower of other, existing tables, with checkpoints under another name.
    pub fn new(name: &'static str, tables: Tables) -> Self {
        Self { name, tables }
    }
}

impl Follower for PostsFollower {
    fn name(&self) -> &'static str {
        self.name
    }

    fn wants(&self, stream: &str) -> bool {
        stream == STREAM
    }

    fn apply<'a>(&'a self, tx: &'a DatabaseTransaction, events: &'a [Arc<Event>]) -> Applying<'a> {
        Box::pin(async move {
            let decoded = events
                .iter()
                .map(|event| PostEvent::decode(event))
                .collect::<Result<Vec<_>>>()?;
            Changes::of(&decoded).store(tx, &self.tables).await
        })
    }
}

impl Tally for Post {
    type Group = Whole;

    const STREAM: &'static str = STREAM;
    const COUNTS: &'static str = "post_statistics";
    const READ: Action = Action::ReadPosts;

    fn step(event: &Event) -> ::events::Result<Step<Whole>> {
        let kind = PostEventKind::find(&event.event_type);
        let is = |wanted| (kind == Some(wanted)).then_some(Whole::All);
        Ok(Step {
            from: is(PostEventKind::Deleted),
            to: is(PostEventKind::Created),
        })
    }
}

/// The read model as one that can be rebuilt.
pub struct PostsModel;

impl ReadModel for PostsModel {
    fn name(&self) -> &'static str {
        POSTS_FOLLOWER
    }

    fn stream(&self) -> &'static str {
        STREAM
    }

    /// The streams of posts are pruned only once the post is deleted, and has no rows.
    fn is_kept(&self) -> bool {
        true
    }

    fn tables(&self) -> &'static [ModelTable] {
        &[
            ModelTable {
                name: "post",
                stream_id: "id",
            },
            ModelTable {
                name: "post_comment",
                stream_id: "post_id",
            },
            ModelTable {
                name: "post_like",
                stream_id: "post_id",
            },
        ]
    }

    fn follower(&self, suffix: &'static str) -> Arc<dyn Follower> {
        Arc::new(PostsFollower::new(
            POSTS_FOLLOWER,
            Tables::with_suffix(suffix),
        ))
    }

    fn complete<'a>(&'a self, tx: &'a DatabaseTransaction) -> BoxFuture<'a, ::events::Result<()>> {
        Box::pin(async move { searching::restore_index(tx, "post").await })
    }
}
