//! Lists of posts: what selects and orders them, and how a page is read from the read model. Called by `queries` and `front`.

use ::events::{AsOf, EventLog};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QuerySelect};

use super::{
    POSTS_FOLLOWER, Post,
    tables::post::{self, Column, Entity},
};
use crate::{
    Direction, Edge, Page, PageRequest, SortKey,
    access::UserId,
    paging::Sorted,
    record::{SortField, sort_fields},
    searching::contains,
};

/// Selects the posts of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostFilter {
    /// Only posts of this user.
    pub author_id: Option<UserId>,
    /// Only posts with, or without, comments.
    pub has_comments: Option<bool>,
    /// Only posts with at least this many likes.
    pub min_likes: Option<i64>,
    /// A part of the message, whatever its case.
    pub search: Option<String>,
}

sort_fields! {
    /// The order of a list: the newest posts come first, or those with the most likes.
    PostSort of Column { Newest => CreatedAt, MostLiked => LikeCount }
}

impl PostSort {
    fn key(self, post: &Post) -> SortKey {
        match self {
            Self::Newest => SortKey::Time(post.created_at),
            Self::MostLiked => SortKey::Number(post.like_count),
        }
    }
}

impl PostFilter {
    pub(super) fn condition(&self, backend: DbBackend) -> Condition {
        let with_comments = self.has_comments.map(|has_comments| match has_comments {
            true => Column::CommentCount.gt(0),
            false => Column::CommentCount.eq(0),
        });
        Condition::all()
            .add_option(self.author_id.map(|id| Column::AuthorId.eq(id)))
            .add_option(with_comments)
            .add_option(self.min_likes.map(|least| Column::LikeCount.gte(least)))
            .add(contains(backend, "post", self.search.as_deref()))
    }
}

/// Reads a page of a sorted list.
pub(super) async fn read_page(
    log: &EventLog,
    filter: &PostFilter,
    sort: PostSort,
    request: &PageRequest,
) -> ::events::Result<AsOf<Page<Post>>> {
    let model = log.read_model(&[POSTS_FOLLOWER]).await?;
    let sorted = Sorted {
        column: sort.column(),
        id: Column::Id,
        direction: Direction::Desc,
    };
    let rows = Entity::find()
        .select_only()
        .columns(post::SHOWN)
        .filter(filter.condition(log.database().backend()));
    let rows: Vec<post::Shown> = request
        .select(rows, &sorted)
        .into_tuple()
        .all(model.connection())
        .await?;
    let page = request.page_of(rows.into_iter().map(Post::from), |row| Edge {
        key: sort.key(row),
        id: row.id.uuid(),
    });
    Ok(model.give(page))
}
