//! The queries of posts.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Context, ContextSelectionSet, ID, Object, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
};
use entities::{
    Entities, Filter, Violations,
    access::{Action, authorize},
    posts::{self, CommentId, PostId, PostsBy, PostsPage},
    record::SortField,
    users::UserId,
};
use futures::future::BoxFuture;

use super::{
    comment::Comment,
    comments::shows_authors,
    counting::PostStatistics,
    inputs::{PostFilter, PostSortField},
    loaders::load_comment,
    object::Post,
};
use crate::{
    connection::{Connection, ListCursor, PageArguments, connect},
    error::{Result, invalid},
    id,
    plain::Shown,
    price::{COUNT, cost},
    request::{Read, reading, reads, shown, viewer},
    sort::{SortInput, order},
    statistics,
    upward::Given,
    users::{PostsOfUser, load_all, note_users},
};

pub(crate) type PostConnection = Connection<Shown<Post>, PostTotals>;

#[derive(Default)]
pub(crate) struct PostsQuery;

/// The total of a list of posts.
pub(crate) struct PostTotals {
    filter: Arc<Filter<posts::PostField>>,
    /// Whose posts they are, if all of one user. Those of a page's users are counted together.
    author_id: Option<UserId>,
}

#[Object]
impl PostTotals {
    /// The number of posts that match the filter. Counting reads all of them, so request it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let posts = &reading(ctx, Read::Kind(posts::STREAM)).posts;
        if let Some(author_id) = self.author_id {
            let filter = self.filter.clone();
            let count = posts.count_posts_by(PostsBy { author_id, filter }).await;
            return shown(ctx, count?);
        }
        let count = posts.count_posts(viewer(ctx)?, &self.filter).await;
        shown(ctx, count?)
    }
}

/// Returns the post with this id, for `post` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: PostId) -> Result<Option<Post>> {
    let posts = &reading(ctx, Read::Stream(id.stream())).posts;
    let found = posts.find_post(viewer(ctx)?, id).await;
    let found = shown(ctx, found?)?;
    Ok(found.map(Post::from))
}

/// Returns the comment with this id, for `node`.
pub(crate) async fn find_comment(ctx: &Context<'_>, id: CommentId) -> Result<Option<Comment>> {
    authorize(viewer(ctx)?, Action::ReadPosts)?;
    Ok(load_comment(ctx, id).await?.map(Comment::from))
}

/// Resolves `User.posts`.
pub(crate) fn resolve_posts_of<'a>(
    of: &'a PostsOfUser,
    ctx: &'a ContextSelectionSet<'a>,
    field: &'a Positioned<Field>,
) -> BoxFuture<'a, ServerResult<Value>> {
    Box::pin(async move {
        let sort = Given::read(of.sort.as_ref(), field);
        let filter = Given::read(of.filter.as_ref(), field);
        let given = filter.and_then(|filter| Ok((filter, sort?)));
        let (filter, sort) = given.map_err(|error| ctx.set_error_path(error))?;
        let page = posts_of(&ctx.with_field(field), of, filter, sort).await;
        let page =
            page.map_err(|cause| ctx.set_error_path(cause.0.into_server_error(field.pos)))?;
        page.resolve(ctx, field).await
    })
}

async fn posts_of(
    ctx: &Context<'_>,
    of: &PostsOfUser,
    filter: Option<PostFilter>,
    sort: Option<SortInput<PostSortField>>,
) -> Result<PostConnection> {
    let author = &of.author;
    authorize(viewer(ctx)?, Action::ReadPosts)?;
    let sort: posts::PostSort = order(sort);
    let filter = Arc::new(crate::filter::filter(filter)?);
    let request = of
        .arguments
        .clone()
        .request(|cursor: &ListCursor<posts::PostSort>| {
            cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
        })?;
    let by = PostsBy {
        author_id: author.id,
        filter: filter.clone(),
    };
    let posts = &reading(ctx, Read::Kind(posts::STREAM)).posts;
    let page = posts.load_posts_by(PostsPage { by, sort, request }).await;
    let page = Arc::unwrap_or_clone(shown(ctx, page?)?);
    let totals = PostTotals {
        filter,
        author_id: Some(author.id),
    };
    let show = |row| Shown(Post::with_author(row, Some(author.clone())));
    connect(page, sort, totals, show)
}

async fn find_at(ctx: &Context<'_>, id: PostId, version: i64) -> Result<Option<Post>> {
    if version < 1 {
        let message = "must be at least 1";
        return Err(invalid(Violations::one("asOfVersion", "range", message)));
    }
    let posts = &reading(ctx, Read::Stream(id.stream())).posts;
    let state = posts.find_post_at(viewer(ctx)?, id, version).await;
    Ok(state?.as_ref().and_then(Post::of_state))
}

#[Object]
impl PostsQuery {
    /// Looks up a post. Null when no post has this id, or it was deleted. It shows a mutation moments after the mutation
    /// returned; send the mutation's `extensions.readAfter` along to wait for it.
    async fn post(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The post's global id.")] id: ID,
        #[graphql(
            desc = "The post as it was at this version, with its comments then; null when it is not there yet. \
                    Texts of comments that were removed since are null, unless you are STAFF or ADMIN."
        )]
        as_of_version: Option<i64>,
    ) -> Result<Option<Post>> {
        let id = id::sought(&id);
        match as_of_version {
            Some(version) => find_at(ctx, id, version).await,
            None => find(ctx, id).await,
        }
    }

    /// The posts, newest first unless sorted otherwise. Page forward with `first` and
    /// `after`, or backward with `last` and `before`. Without them, returns the first 20.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a connection are the field's"
    )]
    async fn posts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the posts that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the posts that come before this cursor.")] before: Option<String>,
        #[graphql(desc = "Restricts the list to matching posts.")] filter: Option<PostFilter>,
        #[graphql(desc = "The order of the list.")] sort: Option<SortInput<PostSortField>>,
    ) -> Result<Option<PostConnection>> {
        let sort: posts::PostSort = order(sort);
        let filter = crate::filter::filter(filter)?;
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<posts::PostSort>| {
            cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
        })?;
        let Entities { posts, users, .. } = reading(ctx, Read::Kind(posts::STREAM));
        let page = posts
            .list_posts(viewer(ctx)?, &filter, sort, &request)
            .await?;
        let page = shown(ctx, page)?;
        // The authors are loaded together, as those of a page's comments are: loaded one by one they would wait for each other.
        let authors = match shows_authors(ctx) {
            true => {
                let ids = page.items.iter().map(|(_, post)| post.author_id);
                if let Some(reads) = reads(ctx) {
                    note_users(reads, ids.clone());
                }
                load_all(users, ids.collect()).await?
            }
            false => HashMap::new(),
        };
        let with_author = |post: posts::Post| {
            let author = authors.get(&post.author_id).cloned();
            Shown(Post::with_author(post, author))
        };
        let totals = PostTotals {
            filter: Arc::new(filter),
            author_id: None,
        };
        connect(page, sort, totals, with_author).map(Some)
    }

    /// Counts of posts by day. They follow changes within moments.
    async fn post_statistics(&self, ctx: &Context<'_>) -> Result<Option<PostStatistics>> {
        statistics::read(ctx).await
    }
}
