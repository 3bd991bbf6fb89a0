//! Batch loads for posts: each is one statement for any number of keys. They do not check the viewer; a result that differs by
//! user has the user in its key.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::events::{
    AsOf, DatabaseConnection,
    sql::{Dialect, is_one_of, query, query_as},
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryResult};

use super::{
    Comment, POSTS_FOLLOWER, Post, PostId, Posts, queries::page_of_comments, tables::post,
};
use crate::{Page, PageRequest, access::UserId, boxed, id::uuids};

/// A post's first comments, or its last ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommentsOf {
    /// The post.
    pub post_id: PostId,
    /// The largest number of comments.
    pub limit: u64,
    /// Whether to take the last ones.
    pub from_end: bool,
}

/// A user's like of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LikeOf {
    /// The post.
    pub post_id: PostId,
    /// The user.
    pub user_id: UserId,
}

/// The columns in the order of `read_comment`.
const COMMENT_COLUMNS: &str = "id, post_id, number, author_id, text, created_at, edited_at";

async fn comments_of(
    database: &DatabaseConnection,
    post_ids: &[PostId],
    limit: u64,
    from_end: bool,
) -> ::events::Result<Vec<QueryResult>> {
    let backend = database.get_database_backend();
    let order = if from_end { "desc" } else { "asc" };
    if backend.is_postgres() {
        let sql = format!(
            "select c.* from unnest($1::uuid[]) as p (id) cross join lateral ( \
                 select {COMMENT_COLUMNS} from post_comment where post_id = p.id order by number {order} limit {limit} \
             ) c order by c.post_id, c.number {order}"
        );
        return query(database, &sql, vec![uuids(post_ids).into()]).await;
    }
    let mut values = Vec::new();
    let condition = is_one_of(backend, "post_id", &uuids(post_ids), &mut values);
    let sql = format!(
        "select {COMMENT_COLUMNS} from (
             select *, row_number() over (partition by post_id order by number {order}) as place
             from post_comment where {condition}
         ) where place <= {limit} order by post_id, number {order}"
    );
    query(database, &sql, values).await
}

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

impl Posts {
    /// Returns those of the posts with these ids that exist.
    #[boxed]
    pub(super) async fn load_posts(
        &self,
        ids: &[PostId],
    ) -> ::events::Result<AsOf<HashMap<PostId, Post>>> {
        let model = self.log.read_model(&[POSTS_FOLLOWER]).await?;
        let rows = post::Entity::find()
            .filter(post::Column::Id.is_in(ids.iter().copied()))
            .all(model.connection())
            .await?;
        let posts = rows.into_iter().map(|row| (row.id, row.into()));
        Ok(model.give(posts.collect()))
    }

    /// Returns the comments of each key, in the order in which they were added; one statement serves all keys that differ only
    /// in the post.
    #[boxed]
    pub async fn load_comments(
        &self,
        keys: &[CommentsOf],
    ) -> ::events::Result<AsOf<HashMap<CommentsOf, Page<Comment>>>> {
        let mut alike: BTreeMap<(u64, bool), Vec<PostId>> = BTreeMap::new();
        for key in keys {
            let posts = alike.entry((key.limit, key.from_end)).or_default();
            posts.push(key.post_id);
        }
        let model = self.log.read_model(&[POSTS_FOLLOWER]).await?;
        let database = model.connection();
        let mut pages = HashMap::new();
        for ((limit, from_end), post_ids) in alike {
            let mut by_post: HashMap<PostId, Vec<Comment>> = HashMap::new();
            for row in comments_of(database, &post_ids, limit + 1, from_end).await? {
                let comment = read_comment(&row)?;
                by_post.entry(comment.post_id).or_default().push(comment);
            }
            let request = PageRequest {
                after: None,
                before: None,
                limit,
                from_end,
            };
            for post_id in post_ids {
                let comments = by_post.remove(&post_id).unwrap_or_default();
                let key = CommentsOf {
                    post_id,
                    limit,
                    from_end,
                };
                pages.insert(key, page_of_comments(&request, comments));
            }
        }
        Ok(model.give(pages))
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
