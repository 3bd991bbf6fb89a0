//! Loaders: the parts of a page's posts are read in one statement each, however many there are. Comments are loaded with their
//! authors: the authors for several posts would be requested at different moments.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::{Context, dataloader::Loader};
use async_trait::async_trait;
use entities::{
    Page, PageOf,
    posts::{self, CommentId, LikeOf, PostId, Posts},
    users::{User, UserId, Users},
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

#[derive(Clone, PartialEq, Eq, Hash)]
struct CommentsShown {
    of: PageOf<PostId>,
    with_authors: bool,
}

/// A page of those who like a post.
#[derive(Clone, PartialEq, Eq, Hash)]
struct LikersOf(PageOf<PostId>);

/// Comments of a page, with their authors if they were asked for. Requests that share the load share them.
pub(super) type CommentPage = Page<Arc<Comment>>;

/// A user by id, who is loaded.
type Liker = (UserId, Option<Arc<User>>);

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
        let of: Vec<_> = keys.iter().map(|key| key.of.clone()).collect();
        let pages = self.posts.load_comments(&of).await?;
        let wanted = keys.iter().filter(|key| key.with_authors);
        let read = wanted.filter_map(|key| pages.look().get(&key.of));
        let read = read.flat_map(|page| page.items.iter().map(|(_, comment)| comment.author_id));
        let authors = load_all(&self.users, read.collect()).await?;
        let found = keys.iter().map(|key| {
            let page = pages.as_ref().map(|pages| {
                let page = pages.get(&key.of).cloned().unwrap_or_default();
                Arc::new(page.map(|row| {
                    let author = authors.get(&row.author_id);
                    let author = author.filter(|_| key.with_authors).cloned();
                    Arc::new(Comment::with_author(row, author))
                }))
            });
            (key.clone(), page)
        });
        Ok(found.collect())
    }
}

#[async_trait]
impl Loader<LikersOf> for PostLoader {
    type Value = AsOf<Arc<Page<Liker>>>;
    type Error = Failure;

    async fn load(&self, keys: &[LikersOf]) -> Result<HashMap<LikersOf, Self::Value>, Failure> {
        let of: Vec<_> = keys.iter().map(|key| key.0.clone()).collect();
        let pages = self.posts.load_likers(&of).await?;
        let likers = pages.look().values().flat_map(|page| page.items.iter());
        let users = load_all(&self.users, likers.map(|(_, id)| *id).collect()).await?;
        let found = keys.iter().map(|key| {
            let page = pages.as_ref().map(|pages| {
                let page = pages.get(&key.0).cloned().unwrap_or_default();
                Arc::new(page.map(|id| (id, users.get(&id).cloned())))
            });
            (key.clone(), page)
        });
        Ok(found.collect())
    }
}

#[async_trait]
impl Loader<CommentId> for PostLoader {
    type Value = AsOf<Option<posts::Comment>>;
    type Error = Failure;

    async fn load(&self, ids: &[CommentId]) -> Result<HashMap<CommentId, Self::Value>, Failure> {
        let comments = self.posts.load_comments_by_id(ids).await?;
        let of = |id| comments.as_ref().map(|comments| comments.get(id).cloned());
        Ok(ids.iter().map(|id| (*id, of(id))).collect())
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
        reads.note(Read::Stream(key.of.of.stream()));
        let comments = found.into_iter().flat_map(|page| page.look().items.iter());
        note_users(reads, comments.map(|(_, comment)| comment.author_id()));
    }
}

impl Noted<LikeOf> for PostLoader {
    fn note(reads: &Reads, like: &LikeOf, _: Option<&AsOf<bool>>) {
        reads.note(Read::Stream(like.post_id.stream()));
    }
}

impl Noted<LikersOf> for PostLoader {
    fn note(reads: &Reads, LikersOf(key): &LikersOf, found: Option<&Self::Value>) {
        reads.note(Read::Stream(key.of.stream()));
        let likers = found.into_iter().flat_map(|page| page.look().items.iter());
        note_users(reads, likers.map(|(_, (id, _))| *id));
    }
}

impl Noted<CommentId> for PostLoader {
    fn note(reads: &Reads, _: &CommentId, found: Option<&Self::Value>) {
        let comment = found.and_then(|found| found.look().as_ref());
        reads.note(comment.map_or(Read::Kind(posts::STREAM), |comment| {
            Read::Stream(comment.post_id.stream())
        }));
    }
}

/// Returns the loader for the schema's data.
pub(crate) fn loader(posts: &Posts, users: &Users) -> Batches<PostLoader> {
    Batches::new(PostLoader {
        posts: posts.clone(),
        users: users.clone(),
    })
}

async fn load<K, V>(ctx: &Context<'_>, key: K) -> Result<Option<V>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    PostLoader: Loader<K, Value = AsOf<V>, Error = Failure> + Noted<K>,
    V: Send + Sync + Clone + 'static,
{
    let loader = ctx.data::<Batches<PostLoader>>()?;
    let found = loader.load_one(reads(ctx), key).await?;
    found.map(|found| shown(ctx, found)).transpose()
}

/// Returns a page of a post's comments, with their authors if they are selected.
pub(super) async fn load_comments(
    ctx: &Context<'_>,
    of: PageOf<PostId>,
    with_authors: bool,
) -> Result<Arc<CommentPage>> {
    let page = load(ctx, CommentsShown { of, with_authors }).await?;
    Ok(page.unwrap_or_default())
}

/// Returns the comment with this id, unless it was removed. The caller must be allowed to read posts.
pub(super) async fn load_comment(
    ctx: &Context<'_>,
    id: CommentId,
) -> Result<Option<posts::Comment>> {
    Ok(load(ctx, id).await?.flatten())
}

/// Returns a page of those who like a post.
pub(super) async fn load_likers(ctx: &Context<'_>, of: PageOf<PostId>) -> Result<Page<Liker>> {
    let page = load(ctx, LikersOf(of)).await?;
    Ok(page.map(Arc::unwrap_or_clone).unwrap_or_default())
}

/// Returns whether the user likes the post.
pub(super) async fn load_like(ctx: &Context<'_>, like: LikeOf) -> Result<bool> {
    Ok(load(ctx, like).await?.unwrap_or_default())
}
