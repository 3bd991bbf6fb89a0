//! Posts with likes and comments. They are event-sourced: a command folds the post's stream, decides, and appends; it writes
//! nothing else. Lists and pages read a read model, which only the follower `posts` writes and which may lag by moments; the
//! answer of a command, and the payload of a subscription, is the fold.

mod aggregate;
mod changes;
mod commands;
mod error;
mod events;
mod folding;
mod follower;
mod front;
mod import;
mod listing;
mod loading;
mod personal;
mod post;
mod queries;
mod rules;
mod tables;
mod trending;

pub use aggregate::{Actor, Discontinuous, PostCommand, PostState, decide, fold};
pub use commands::{ChangePost, PostAnswer};
pub use error::{PostError, PostRefusal};
pub(crate) use events::event_contracts;
pub use events::{
    PostCommentAdded, PostCommentEdited, PostCommentRemoved, PostCreated, PostDeleted, PostEvent,
    PostEventKind, PostFact, PostLiked, PostMessageEdited, PostUnliked, STREAM,
};
pub use follower::{POSTS_FOLLOWER, PostsFollower, PostsModel};
pub use import::NewPost;
pub use listing::{PostField, PostSort, PostSortField};
pub use loading::{LikeOf, PostsBy, PostsPage};
pub(crate) use personal::{PERSONAL_DATA, erase_rows};
pub use post::{Comment, CommentId, Post, PostId};
pub use queries::{likers_of_state, page_of_state};
pub use tables::Tables;
pub use trending::{TRENDING_FOLLOWER, TrendWindow, TrendingFollower, TrendingPost};

use std::sync::Arc;

use ::events::{AsOf, EventLog};
use folding::Folds;
use front::FrontPages;

use crate::{Page, gathering::Gathering, histories::Histories};

/// The commands and queries of posts.
#[derive(Clone)]
pub struct Posts {
    log: EventLog,
    folds: Folds,
    front: FrontPages,
    by_id: Gathering<PostId, AsOf<Option<Post>>>,
    pages_by: Gathering<PostsPage, AsOf<Arc<Page<Post>>>>,
    counts_by: Gathering<PostsBy, AsOf<u64>>,
    histories: Histories,
}

impl Posts {
    pub(crate) fn new(log: EventLog) -> Self {
        Self {
            folds: Folds::new(log.clone()),
            front: front::pages(&log),
            by_id: loading::by_id(&log),
            pages_by: loading::pages_by(&log),
            counts_by: loading::counts_by(&log),
            histories: Histories::new(&log, STREAM),
            log,
        }
    }
}
