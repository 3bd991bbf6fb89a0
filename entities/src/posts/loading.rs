//! Batch loads for posts: each is one statement for any number of keys. They do not check the viewer; a result that differs by
//! user has the user in its key.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use ::events::{
    AsOf, EventLog,
    sql::{is_one_of, padded, query_as},
};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, IdenStatic, QueryFilter, QueryResult, QuerySelect,
    TryGetableMany,
};

use super::{
    Comment, CommentId, POSTS_FOLLOWER, Post, PostId, Posts,
    listing::{PostField, PostSort, TABLE, key},
    queries::{place_of, place_of_liker},
    tables::{comment, post},
};
use crate::{
    Direction, Edge, Filter, Page, PageRequest,
    access::UserId,
    boxed,
    children::{Children, Clause, PageOf},
    gathering::Gathering,
    id::uuids,
    record::SortField,
};

/// What was found, by key.
type Loaded<K, V> = ::events::Result<AsOf<HashMap<K, V>>>;

/// A user's like of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LikeOf {
    /// The post.
    pub post_id: PostId,
    /// The user.
    pub user_id: UserId,
}

/// Posts of a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PostsBy {
    /// The user.
    pub author_id: UserId,
    /// Which of the user's posts.
    pub filter: Arc<Filter<PostField>>,
}

/// A page of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PostsPage {
    /// The posts.
    pub by: PostsBy,
    /// Their order.
    pub sort: PostSort,
    /// The page.
    pub request: PageRequest,
}

/// The columns in the order of `read_comment`.
const COMMENTS: Children = Children {
    table: "post_comment",
    parent: "post_id",
    columns: "id, post_id, number, author_id, text, created_at, edited_at",
    key: Some("number"),
    id: None,
    direction: Direction::Asc,
};

/// Those who like a post, in the order of their ids: it is the order of a key, and a like moves nobody.
const LIKERS: Children = Children {
    table: "post_like",
    parent: "post_id",
    columns: "post_id, user_id",
    key: None,
    id: Some("user_id"),
    direction: Direction::Asc,
};

/// Newest first, unless sorted otherwise. The columns are in the order of `post::Shown`.
const BY_AUTHOR: Children = Children {
    table: "post",
    parent: "author_id",
    columns: "id, author_id, message, like_count, comment_count, version, created_at, updated_at",
    key: Some("created_at"),
    id: Some("id"),
    direction: Direction::Desc,
};

/// Reads a comment by the position of columns: looking them up by name takes longer than decoding them.
fn read_comment(row: &QueryResult) -> Result<Comment, DbErr> {
    Ok(Comment {
        id: row.try_get_by_index(0)?,
        post_id: row.try_get_by_index(1)?,
        number: row.try_get_by_index(2)?,
        author_id: row.try_get_by_index(3)?,
        text: Some(row.try_get_by_index(4)?),
        created_at: row.try_get_by_index(5)?,
        edited_at: row.try_get_by_index(6)?,
        removed_at: None,
    })
}

/// Returns the loads of posts by id, each with how far it shows the log.
pub(super) fn by_id(log: &EventLog) -> Gathering<PostId, AsOf<Option<Post>>> {
    let log = log.clone();
    Gathering::new(move |ids: Vec<PostId>| {
        let log = log.clone();
        async move {
            let posts = load_posts(&log, &ids).await.map_err(Arc::new)?;
            let of = |id| posts.as_ref().map(|posts| posts.get(id).cloned());
            Ok(ids.iter().map(|id| (*id, of(id))).collect())
        }
    })
}

/// Returns what was loaded: there is a value for every key.
fn loaded<V>(found: Option<V>) -> Result<V, Arc<::events::Error>> {
    found.ok_or_else(|| Arc::new(::events::Error::Task("no load".to_owned())))
}

/// Returns the loads of pages of users' posts. Pages that are selected and ordered alike are one statement.
pub(super) fn pages_by(log: &EventLog) -> Gathering<PostsPage, AsOf<Arc<Page<Post>>>> {
    let log = log.clone();
    Gathering::new(move |keys: Vec<PostsPage>| {
        let log = log.clone();
        async move {
            let pages = load_posts_by(&log, &keys).await.map_err(Arc::new)?;
            let of = |key| {
                pages
                    .as_ref()
                    .map(|pages| pages.get(key).cloned().unwrap_or_default())
            };
            Ok(keys.iter().map(|key| (key.clone(), of(key))).collect())
        }
    })
}

/// Returns the loads of how many posts users have; one statement for each filter.
pub(super) fn counts_by(log: &EventLog) -> Gathering<PostsBy, AsOf<u64>> {
    let log = log.clone();
    Gathering::new(move |keys: Vec<PostsBy>| {
        let log = log.clone();
        async move {
            let counts = count_posts_by(&log, &keys).await.map_err(Arc::new)?;
            let of = |key| {
                counts
                    .as_ref()
                    .map(|counts| counts.get(key).copied().unwrap_or_default())
            };
            Ok(keys.iter().map(|key| (key.clone(), of(key))).collect())
        }
    })
}

/// Returns those of the posts with these ids that exist.
async fn load_posts(log: &EventLog, ids: &[PostId]) -> Loaded<PostId, Post> {
    let model = log.read_model(&[POSTS_FOLLOWER]).await?;
    let rows = post::Entity::find()
        .filter(post::Column::Id.is_in(padded(ids)))
        .all(model.connection())
        .await?;
    let posts = rows.into_iter().map(|row| (row.id, row.into()));
    Ok(model.give(posts.collect()))
}

impl Posts {
    /// Returns those of the posts with these ids that exist.
    #[boxed]
    pub(super) async fn load_posts(&self, ids: &[PostId]) -> Loaded<PostId, Post> {
        load_posts(&self.log, ids).await
    }

    /// Returns the post with this id, read together with those that others ask for, for callers who got an object below it. `None`
    /// when it was deleted.
    #[boxed]
    pub async fn load_post(&self, id: PostId) -> Result<AsOf<Option<Post>>, Arc<::events::Error>> {
        loaded(self.by_id.load_with_others(id).await?)
    }

    /// Returns the comments of posts, in the order in which they were added.
    #[boxed]
    pub async fn load_comments(
        &self,
        keys: &[PageOf<PostId>],
    ) -> Loaded<PageOf<PostId>, Page<Comment>> {
        let model = self.log.read_model(&[POSTS_FOLLOWER]).await?;
        let read = |row: &QueryResult| {
            let comment = read_comment(row)?;
            Ok((comment.post_id, place_of(&comment), comment))
        };
        let pages = COMMENTS
            .pages(model.connection(), keys, &Clause::default(), read)
            .await?;
        Ok(model.give(pages))
    }

    /// Returns those of the comments with these ids that were not removed.
    #[boxed]
    pub async fn load_comments_by_id(&self, ids: &[CommentId]) -> Loaded<CommentId, Comment> {
        let model = self.log.read_model(&[POSTS_FOLLOWER]).await?;
        let rows = comment::Entity::find()
            .filter(comment::Column::Id.is_in(padded(ids)))
            .all(model.connection())
            .await?;
        let comments = rows.into_iter().map(|row| (row.id, row.into()));
        Ok(model.give(comments.collect()))
    }

    /// Returns who likes posts, in the order of their ids.
    #[boxed]
    pub async fn load_likers(
        &self,
        keys: &[PageOf<PostId>],
    ) -> Loaded<PageOf<PostId>, Page<UserId>> {
        let model = self.log.read_model(&[POSTS_FOLLOWER]).await?;
        let read = |row: &QueryResult| {
            let user_id: UserId = row.try_get("", "user_id")?;
            Ok((
                row.try_get("", "post_id")?,
                place_of_liker(user_id),
                user_id,
            ))
        };
        let pages = LIKERS
            .pages(model.connection(), keys, &Clause::default(), read)
            .await?;
        Ok(model.give(pages))
    }

    /// Returns a page of a user's posts, read together with those that others ask for.
    #[boxed]
    pub async fn load_posts_by(
        &self,
        of: PostsPage,
    ) -> Result<AsOf<Arc<Page<Post>>>, Arc<::events::Error>> {
        loaded(self.pages_by.load_with_others(of).await?)
    }

    /// Returns how many posts of a user there are, counted together with those that others ask for.
    #[boxed]
    pub async fn count_posts_by(&self, of: PostsBy) -> Result<AsOf<u64>, Arc<::events::Error>> {
        loaded(self.counts_by.load_with_others(of).await?)
    }

    /// Returns those of the likes that exist; one statement for each user.
    #[boxed]
    pub async fn load_likes(&self, keys: &[LikeOf]) -> ::events::Result<AsOf<HashSet<LikeOf>>> {
        let mut by_user: BTreeMap<UserId, Vec<PostId>> = BTreeMap::new();
        for key in keys {
            by_user.entry(key.user_id).or_default().push(key.post_id);
        }
        let model = self.log.read_model(&[POSTS_FOLLOWER]).await?;
        let database = model.connection();
        let backend = database.get_database_backend();
        let mut likes = HashSet::new();
        for (user_id, post_ids) in by_user {
            let mut values = vec![user_id.into()];
            let condition = is_one_of(backend, "post_id", &uuids(&post_ids), &mut values);
            let sql = format!("select post_id from post_like where user_id = $1 and {condition}");
            let posts = query_as(database, &sql, values).await?;
            likes.extend(posts.into_iter().map(|post_id| LikeOf { post_id, user_id }));
        }
        Ok(model.give(likes))
    }
}

async fn load_posts_by(log: &EventLog, keys: &[PostsPage]) -> Loaded<PostsPage, Arc<Page<Post>>> {
    let model = log.read_model(&[POSTS_FOLLOWER]).await?;
    let database = model.connection();
    let backend = database.get_database_backend();
    let mut alike: HashMap<_, Vec<PageOf<UserId>>> = HashMap::new();
    for PostsPage { by, sort, request } in keys {
        let (of, request) = (by.author_id, request.clone());
        let alike = alike.entry((&by.filter, *sort)).or_default();
        alike.push(PageOf { of, request });
    }
    let mut found = HashMap::with_capacity(keys.len());
    for ((filter, sort), keys) in alike {
        let posts = Children {
            key: Some(sort.field.column().as_str()),
            direction: sort.direction,
            ..BY_AUTHOR
        };
        let only = Clause::of(filter.condition(backend, TABLE), backend);
        let read = |row: &QueryResult| {
            let post = Post::from(post::Shown::try_get_many_by_index(row)?);
            let edge = Edge {
                key: key(sort.field, &post),
                id: post.id.uuid(),
            };
            Ok((post.author_id, edge, post))
        };
        let pages = posts.pages(database, &keys, &only, read).await?;
        found.extend(pages.into_iter().map(|(PageOf { of, request }, page)| {
            let by = PostsBy {
                author_id: of,
                filter: filter.clone(),
            };
            (PostsPage { by, sort, request }, Arc::new(page))
        }));
    }
    Ok(model.give(found))
}

/// Counts the posts of users. Those without any are left out.
async fn count_posts_by(log: &EventLog, keys: &[PostsBy]) -> Loaded<PostsBy, u64> {
    let model = log.read_model(&[POSTS_FOLLOWER]).await?;
    let database = model.connection();
    let mut alike: HashMap<_, Vec<UserId>> = HashMap::new();
    for PostsBy { author_id, filter } in keys {
        alike.entry(filter).or_default().push(*author_id);
    }
    let mut found = HashMap::with_capacity(keys.len());
    for (filter, author_ids) in alike {
        let counts: Vec<(UserId, i64)> = post::Entity::find()
            .select_only()
            .column(post::Column::AuthorId)
            .column_as(post::Column::Id.count(), "count")
            .filter(post::Column::AuthorId.is_in(padded(&author_ids)))
            .filter(filter.condition(database.get_database_backend(), TABLE))
            .group_by(post::Column::AuthorId)
            .into_tuple()
            .all(database)
            .await?;
        found.extend(counts.into_iter().map(|(author_id, count)| {
            let filter = filter.clone();
            (PostsBy { author_id, filter }, count.unsigned_abs())
        }));
    }
    Ok(model.give(found))
}
