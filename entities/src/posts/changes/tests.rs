//! However the events are cut into batches, the rows agree with the folds: tested on tables in memory that do what the
//! statements do.

use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::access::UserId;
use crate::posts::{Actor, CommentId, PostCommand, PostId, PostState, decide, fold};

/// The read model.
#[derive(Debug, Default, PartialEq)]
struct Rows {
    posts: HashMap<PostId, Post>,
    comments: BTreeMap<(PostId, i64), Comment>,
    likes: BTreeMap<(PostId, UserId), DateTime<Utc>>,
}

impl Rows {
    /// Does what `store` does, in the same order, and is as strict as the keys of the tables.
    fn store(&mut self, changes: Changes) {
        for (id, post) in changes.created {
            assert!(self.posts.insert(id, post).is_none(), "{id} twice");
        }
        for (id, moved) in changes.moved {
            let post = self.posts.get_mut(&id).expect("a row to update");
            post.like_count += moved.likes;
            post.comment_count += moved.comments;
            post.version = moved.version;
            post.updated_at = moved.updated_at;
            if let Some(message) = moved.message {
                post.message = message;
            }
        }
        for (key, comment) in changes.added {
            assert!(
                self.comments.insert(key, comment).is_none(),
                "{key:?} twice"
            );
        }
        for (key, touched) in changes.touched {
            match touched {
                Touched::Edited { text, at } => {
                    let comment = self.comments.get_mut(&key).expect("a row to update");
                    comment.text = Some(text);
                    comment.edited_at = Some(at);
                }
                Touched::Removed => {
                    self.comments.remove(&key).expect("a row to delete");
                }
            }
        }
        for (key, liking) in &changes.likings {
            if liking.before {
                self.likes.remove(key).expect("a row to delete");
            }
        }
        for (key, liking) in changes.likings {
            if let Some(at) = liking.after {
                assert!(self.likes.insert(key, at).is_none(), "{key:?} twice");
            }
        }
        for id in changes.deleted {
            self.posts.remove(&id);
            self.comments.retain(|(post_id, _), _| *post_id != id);
            self.likes.retain(|(post_id, _), _| *post_id != id);
        }
    }
}

/// Returns events of a few posts, as commands would append them; each choice stands for a command.
fn events_of(choices: &[(u8, u8, u8)]) -> (Vec<PostEvent>, HashMap<PostId, PostState>) {
    let mut states: HashMap<PostId, PostState> = HashMap::new();
    let mut events = Vec::new();
    for (place, (post, user, choice)) in choices.iter().enumerate() {
        let post_id = PostId::from_uuid(Uuid::from_u128(u128::from(*post)));
        let actor = Actor {
            user_id: UserId::from_uuid(Uuid::from_u128(0x100 + u128::from(*user))),
            may_moderate: true,
        };
        let state = states.remove(&post_id);
        let comment_id = state.as_ref().and_then(|state| {
            let there: Vec<_> = state.comments().collect();
            let chosen = there.get(place % there.len().max(1));
            chosen.map(|comment| comment.id)
        });
        let text = format!("text {place}");
        let command = match (choice % 10, comment_id) {
            _ if state.is_none() => PostCommand::Create { message: text },
            (0, _) => PostCommand::EditMessage { message: text },
            (1..=3, _) => PostCommand::Like,
            (4, _) => PostCommand::Unlike,
            (5, Some(comment_id)) => PostCommand::EditComment { comment_id, text },
            (6, Some(comment_id)) => PostCommand::RemoveComment { comment_id },
            (7, _) if choice % 3 == 0 => PostCommand::Delete,
            _ => PostCommand::AddComment {
                comment_id: CommentId::from_uuid(Uuid::from_u128(0x1000 + place as u128)),
                text,
            },
        };
        let after = match decide(state.as_ref(), actor, &command) {
            Ok(Some(fact)) => {
                let event = PostEvent {
                    post_id,
                    version: state.as_ref().map_or(0, PostState::version) + 1,
                    occurred_at: DateTime::from_timestamp(place as i64, 0).expect("a time"),
                    fact,
                };
                let after = fold(state, [&event]).expect("it continues");
                events.push(event);
                after
            }
            _ => state,
        };
        states.extend(after.map(|after| (post_id, after)));
    }
    (events, states)
}

proptest! {
    #[test]
    fn rows_are_what_the_folds_are(
        choices in prop::collection::vec((0_u8..3, 0_u8..3, any::<u8>()), 1..120),
        cuts in prop::collection::vec(1_usize..20, 1..120),
    ) {
        let (events, states) = events_of(&choices);
        let mut rows = Rows::default();
        let mut rest = events.as_slice();
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (batch, later) = rest.split_at(rest.len().min(*size));
            rows.store(Changes::of(batch));
            rest = later;
        }
        let mut expected = Rows::default();
        for (id, state) in &states {
            expected.posts.extend(state.post().map(|post| (*id, post)));
            let comments = state.comments().cloned();
            expected.comments.extend(comments.map(|it| ((*id, it.number), it)));
        }
        prop_assert_eq!(&rows.posts, &expected.posts);
        prop_assert_eq!(&rows.comments, &expected.comments);
        for (id, state) in &states {
            let likes = rows.likes.keys().filter(|(post_id, _)| post_id == id);
            let users: Vec<UserId> = likes.map(|(_, user_id)| *user_id).collect();
            let count = state.post().map_or(0, |post| post.like_count);
            prop_assert_eq!(users.len() as i64, count);
            prop_assert!(users.iter().all(|user| state.is_liked_by(*user)));
        }
    }
}
