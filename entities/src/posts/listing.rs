//! Lists of posts: what selects and orders them, and how a page is read from the read model. Called by `queries`, `loading` and `front`.

use ::events::{AsOf, EventLog};
use sea_orm::{EntityTrait, QueryFilter, QuerySelect};

use super::{
    POSTS_FOLLOWER, Post, PostId,
    tables::post::{self, Column, Entity},
};
use crate::{
    Edge, Filter, Page, PageRequest, SortKey,
    access::UserId,
    filter::filter_fields,
    record::{Sort, sort_fields},
};

filter_fields! {
    /// The fields that a list can be filtered by.
    PostField of Column {
        Id of PostId, AuthorId of UserId, LikeCount, CommentCount, Version, CreatedAt, UpdatedAt,
    }
}

sort_fields! {
    /// The fields that a list can be sorted by.
    PostSortField of Column { CreatedAt, LikeCount, CommentCount }
}

/// The order of a list.
pub type PostSort = Sort<PostSortField>;

pub(super) const TABLE: &str = "post";

pub(super) fn key(field: PostSortField, post: &Post) -> SortKey {
    match field {
        PostSortField::CreatedAt => SortKey::Time(post.created_at),
        PostSortField::LikeCount => SortKey::Number(post.like_count),
        PostSortField::CommentCount => SortKey::Number(post.comment_count),
    }
}

/// Reads a page of a sorted list.
pub(super) async fn read_page(
    log: &EventLog,
    filter: &Filter<PostField>,
    sort: PostSort,
    request: &PageRequest,
) -> ::events::Result<AsOf<Page<Post>>> {
    let model = log.read_model(&[POSTS_FOLLOWER]).await?;
    let sorted = sort.by(Column::Id);
    let rows = Entity::find()
        .select_only()
        .columns(post::SHOWN)
        .filter(filter.condition(log.database().backend(), TABLE));
    let rows: Vec<post::Shown> = request
        .select(rows, &sorted)
        .into_tuple()
        .all(model.connection())
        .await?;
    let page = request.page_of(rows.into_iter().map(Post::from), |row| Edge {
        key: key(sort.field, row),
        id: row.id.uuid(),
    });
    Ok(model.give(page))
}
