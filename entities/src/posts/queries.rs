//! The queries on posts. Lists and pages read the read model. Earlier versions, and posts that must be no older than a known
//! event, are folded from the log; texts that were removed since are then withheld from all but moderators.

use std::sync::Arc;

use ::events::{AsOf, HistoryPage};
use sea_orm::{EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Comment, POSTS_FOLLOWER, Post, PostEvent, PostEventKind, PostId, PostState, Posts,
    front::FrontPage,
    listing::{PostField, PostSort, TABLE, read_page},
    tables::post::Entity,
};
use crate::{
    Edge, Filter, Page, PageRequest, SortKey, Versions,
    access::{AccessError, Action, UserId, Viewer, authorize},
    boxed,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

fn may_moderate(viewer: &Viewer) -> bool {
    authorize(viewer, Action::ModeratePosts).is_ok()
}

impl Posts {
    /// Returns the post from the read model, unless it is unknown or deleted.
    #[boxed]
    pub async fn find_post(&self, viewer: &Viewer, id: PostId) -> Result<AsOf<Option<Post>>> {
        authorize(viewer, Action::ReadPosts)?;
        Ok(self.load_post(id).await?)
    }

    /// Returns the post as it was at `version`, if it had that version. A deleted post is shown to moderators only, and so are
    /// the texts of comments that were removed since.
    #[boxed]
    pub async fn find_post_at(
        &self,
        viewer: &Viewer,
        id: PostId,
        version: i64,
    ) -> Result<Option<Arc<PostState>>> {
        authorize(viewer, Action::ReadPosts)?;
        let Some(now) = self.folds.read(id).await? else {
            return Ok(None);
        };
        let is_hidden = now.is_deleted() && !may_moderate(viewer);
        if version > now.version() || is_hidden {
            return Ok(None);
        }
        let then = self.folds.read_at(id, version).await?;
        Ok(then.map(|then| match may_moderate(viewer) {
            true => then,
            false => {
                let mut then = Arc::unwrap_or_clone(then);
                then.withhold(&now);
                Arc::new(then)
            }
        }))
    }

    /// Returns the post at the event that led to `version` of it, or later, for callers who received that event. Their
    /// permission was checked when the event was delivered.
    #[boxed]
    pub async fn read_post_since(
        &self,
        id: PostId,
        version: i64,
        event_id: Uuid,
    ) -> ::events::Result<Option<Arc<PostState>>> {
        self.folds.read_since(id, version, event_id).await
    }

    /// Returns a page of a sorted list.
    #[boxed]
    pub async fn list_posts(
        &self,
        viewer: &Viewer,
        filter: &Filter<PostField>,
        sort: PostSort,
        request: &PageRequest,
    ) -> Result<AsOf<Page<Post>>> {
        authorize(viewer, Action::ReadPosts)?;
        if let Some(front) = FrontPage::of(sort, request).filter(|_| filter.is_empty())
            && let Some(page) = self.front.load(front).await?
        {
            return Ok(page.map(Arc::unwrap_or_clone));
        }
        Ok(read_page(&self.log, filter, sort, request).await?)
    }

    /// Returns the number of posts in the whole list.
    #[boxed]
    pub async fn count_posts(
        &self,
        viewer: &Viewer,
        filter: &Filter<PostField>,
    ) -> Result<AsOf<u64>> {
        authorize(viewer, Action::ReadPosts)?;
        let model = self.log.read_model(&[POSTS_FOLLOWER]).await?;
        let counting =
            Entity::find().filter(filter.condition(self.log.database().backend(), TABLE));
        let count = counting.count(model.connection()).await?;
        Ok(model.give(count))
    }

    /// Returns events of a post, oldest first. A caller who got the post may see them; texts of comments that were removed
    /// since are left out for all but moderators.
    #[boxed]
    pub async fn history(
        &self,
        viewer: &Viewer,
        id: PostId,
        of: Versions,
    ) -> Result<Arc<HistoryPage>> {
        authorize(viewer, Action::ReadPosts)?;
        let page = self.histories.page(id.uuid(), of).await?;
        if may_moderate(viewer) {
            return Ok(page);
        }
        let mut page = Arc::unwrap_or_clone(page);
        // The post is read after the page, so that every removal before it is known.
        match self.folds.read(id).await? {
            Some(now) if !now.is_deleted() => {
                for event in &mut page.events {
                    withhold_text(event, &now)?;
                }
            }
            _ => {
                page.events.clear();
                page.has_more = false;
            }
        }
        Ok(Arc::new(page))
    }
}

fn number_of(edge: &Option<Edge>) -> Option<i64> {
    match edge.as_ref().map(|edge| &edge.key) {
        Some(SortKey::Number(number)) => Some(*number),
        _ => None,
    }
}

/// Returns the place of a comment among those of its post.
pub(super) fn place_of(comment: &Comment) -> Edge {
    Edge {
        key: SortKey::Number(comment.number),
        id: comment.id.uuid(),
    }
}

/// Returns the place of a user among those who like a post: it is the id alone.
pub(super) fn place_of_liker(user_id: UserId) -> Edge {
    Edge {
        key: SortKey::Number(0),
        id: user_id.uuid(),
    }
}

/// Returns a page of the comments of a fold.
pub fn page_of_state(state: &PostState, request: &PageRequest) -> Page<Comment> {
    let (after, before) = (number_of(&request.after), number_of(&request.before));
    let within = state.comments().filter(|comment| {
        after.is_none_or(|after| comment.number > after)
            && before.is_none_or(|before| comment.number < before)
    });
    let most = request.limit as usize + 1;
    let comments: Vec<Comment> = match request.from_end {
        false => within.take(most).cloned().collect(),
        true => within.rev().take(most).cloned().collect(),
    };
    request.page_of(comments, place_of)
}

/// Returns a page of those who like the post of a fold. It looks at each of them once, however many there are.
pub fn likers_of_state(state: &PostState, request: &PageRequest) -> Page<UserId> {
    let place = |edge: &Option<Edge>| edge.as_ref().map(|edge| UserId::from_uuid(edge.id));
    let (after, before) = (place(&request.after), place(&request.before));
    let within = state.liked_by().filter(|id| {
        after.is_none_or(|after| *id > after) && before.is_none_or(|before| *id < before)
    });
    let mut likers: Vec<UserId> = within.collect();
    let travel = |one: &UserId, other: &UserId| match request.from_end {
        false => one.cmp(other),
        true => other.cmp(one),
    };
    let most = request.limit as usize + 1;
    if likers.len() > most {
        likers.select_nth_unstable_by(most, travel);
        likers.truncate(most);
    }
    likers.sort_unstable_by(travel);
    request.page_of(likers, |id| place_of_liker(*id))
}

/// Removes the text from an event about a comment that is gone.
fn withhold_text(event: &mut ::events::Event, now: &PostState) -> ::events::Result<()> {
    let fact = PostEvent::decode(event)?.fact;
    if fact.kind() == PostEventKind::CommentRemoved {
        return Ok(());
    }
    let Some(number) = fact.comment_number() else {
        return Ok(());
    };
    let comment = now.comment(number);
    if comment.is_some_and(|comment| comment.removed_at.is_none()) {
        return Ok(());
    }
    let malformed = |source| ::events::Error::Malformed {
        what: "post event",
        source,
    };
    let mut data: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(event.data.get()).map_err(malformed)?;
    data.remove("text");
    let text = serde_json::to_string(&data).map_err(malformed)?;
    event.data = RawValue::from_string(text).map_err(malformed)?;
    Ok(())
}
