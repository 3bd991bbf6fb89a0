//! Loaders: the parts of a page's posts are read in one statement each, however many there are. Comments are loaded with their
//! authors: the authors for several posts would be requested at different moments.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql::{Context, dataloader::Loader};
use async_trait::async_trait;
use entities::{
    Edge,
    posts::{self, CommentsOf, LikeOf, Posts},
    users::{UserId, Users},
};
use events::AsOf;

use super::comment::Comment;
use crate::{
    batches::{Batches, Noted},
    error::Result,
    reads::{Read, Reads},
    request::{reads, shown},
    users::{load_all, note_users},
};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct CommentsShown {
    of: CommentsOf,
    with_authors: bool,
}

/// Comments of a page, with their authors if they were asked for. Requests that share the load share them.
#[derive(Default)]
pub(super) struct CommentPage {
    pub(super) items: Vec<(Edge, Arc<Comment>)>,
    /// The authors, if they were asked for.
    pub(super) author_ids: Vec<UserId>,
    pub(super) has_previous: bool,
    pub(super) has_next: bool,
}

/// Loads all parts of posts; each type of key is a batch of its own.
pub(crate) struct PostLoader {
    posts: Posts,
    users: Users,
}

type Failure = Arc<events::Error>;

#[async_trait]
impl Loader<CommentsShown> for PostLoader {
    type Value = AsOf<Arc<CommentPage>>;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[CommentsShown],
    ) -> Result<HashMap<CommentsShown, Self::Value>, Failure> {
        let of: HashSet<CommentsOf> = keys.iter().map(|key| key.of).collect();
        let of: Vec<CommentsOf> = of.into_iter().collect();
        let pages = self.posts.load_comments(&of).await?;
        let wanted = keys.iter().filter(|key| key.with_authors);
        let read = wanted.filter_map(|key| pages.look().get(&key.of));
        let read = read.flat_map(|page| page.items.iter().map(|(_, comment)| comment.author_id));
        let authors = load_all(&self.users, read.collect()).await?;
        let page_of = |key: &CommentsShown, page: &entities::Page<posts::Comment>| {
            let items = page.items.iter().map(|(edge, row)| {
                let author = authors.get(&row.author_id);
                let author = author.filter(|_| key.with_authors).cloned();
                let comment = Comment::with_author(row.clone(), author);
                (edge.clone(), Arc::new(comment))
            });
            let shown = page.items.iter().filter(|_| key.with_authors);
            CommentPage {
                items: items.collect(),
                author_ids: shown.map(|(_, comment)| comment.author_id).collect(),
                has_previous: page.has_previous,
                has_next: page.has_next,
            }
        };
        let found = keys.iter().map(|key| {
            let page = pages.as_ref().map(|pages| match pages.get(&key.of) {
                Some(page) => page_of(key, page),
                None => CommentPage::default(),
            });
            (*key, page.map(Arc::new))
        });
        Ok(found.collect())
    }
}

#[async_trait]
impl Loader<LikeOf> for PostLoader {
    type Value = AsOf<bool>;
    type Error = Failure;

    async fn load(&self, keys: &[LikeOf]) -> Result<HashMap<LikeOf, AsOf<bool>>, Failure> {
        let likes = self.posts.load_likes(keys).await?;
        let is_liked = |key| likes.as_ref().map(|likes| likes.contains(key));
        Ok(keys.iter().map(|key| (*key, is_liked(key))).collect())
    }
}

impl Noted<CommentsShown> for PostLoader {
    fn note(reads: &Reads, key: &CommentsShown, found: Option<&Self::Value>) {
        reads.note(Read::Stream(key.of.post_id.stream()));
        let authors = found.map(|page| page.look().author_ids.iter().copied());
        note_users(reads, authors.into_iter().flatten());
    }
}

impl Noted<LikeOf> for PostLoader {
    fn note(reads: &Reads, like: &LikeOf, _: Option<&AsOf<bool>>) {
        reads.note(Read::Stream(like.post_id.stream()));
    }
}

/// Returns the loader for the schema's data.
pub(crate) fn loader(posts: &Posts, users: &Users) -> Batches<PostLoader> {
    Batches::new(PostLoader {
        posts: posts.clone(),
        users: users.clone(),
    })
}

/// Returns the first or last comments of a post, with their authors if they are selected.
pub(super) async fn load_comments(
    ctx: &Context<'_>,
    of: CommentsOf,
    with_authors: bool,
) -> Result<Arc<CommentPage>> {
    let loader = ctx.data::<Batches<PostLoader>>()?;
    let key = CommentsShown { of, with_authors };
    let page = loader.load_one(reads(ctx), key).await?;
    page.map_or_else(|| Ok(Arc::default()), |page| shown(ctx, page))
}

/// Returns whether the user likes the post.
pub(super) async fn load_like(ctx: &Context<'_>, like: LikeOf) -> Result<bool> {
    let loader = ctx.data::<Batches<PostLoader>>()?;
    let is_liked = loader.load_one(reads(ctx), like).await?;
    is_liked.map_or(Ok(false), |is_liked| shown(ctx, is_liked))
}
