//! The likes and comments that a batch of events adds and takes back, collapsed in memory: a like that is given and taken back
//! within the batch leaves nothing. Pure; `store` writes it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::posts::{PostEvent, PostFact, PostId};

/// The kinds of events that score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SourceKind {
    Like,
    Comment,
}

impl SourceKind {
    /// Returns the number in the table.
    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Like => 1,
            Self::Comment => 2,
        }
    }
}

/// One like, by its user, or one comment, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) post_id: PostId,
    pub(super) kind: SourceKind,
    pub(super) subject: Uuid,
}

/// The change of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) part: i16,
    /// Whether a source from before the batch is removed.
    pub(super) is_taken: bool,
    /// When the source was given, in seconds since 1970, if it exists after the batch.
    pub(super) given_at_s: Option<i64>,
}

/// The changes that a batch of events makes to the scores.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// The time of the latest event of each part.
    pub(super) latest_s: BTreeMap<i16, i64>,
    pub(super) touched: BTreeMap<Source, Touched>,
    pub(super) deleted: BTreeSet<PostId>,
}

impl Batch {
    pub(super) fn add(&mut self, part: i16, event: &PostEvent) {
        let at_s = event.occurred_at.timestamp();
        let latest_s = self.latest_s.entry(part).or_insert(at_s);
        *latest_s = at_s.max(*latest_s);
        let source = |kind, subject| Source {
            post_id: event.post_id,
            kind,
            subject,
        };
        match &event.fact {
            PostFact::Liked(liked) => {
                self.give(part, source(SourceKind::Like, liked.user_id.uuid()), at_s);
            }
            PostFact::Unliked(unliked) => {
                self.take(part, source(SourceKind::Like, unliked.user_id.uuid()));
            }
            PostFact::CommentAdded(added) => {
                self.give(
                    part,
                    source(SourceKind::Comment, added.comment_id.uuid()),
                    at_s,
                );
            }
            PostFact::CommentRemoved(removed) => {
                self.take(part, source(SourceKind::Comment, removed.comment_id.uuid()));
            }
            PostFact::Deleted(_) => {
                self.deleted.insert(event.post_id);
            }
            PostFact::Created(_) | PostFact::MessageEdited(_) | PostFact::CommentEdited(_) => {}
        }
    }

    fn give(&mut self, part: i16, source: Source, at_s: i64) {
        let touched = self.touched.entry(source).or_insert(Touched {
            part,
            is_taken: false,
            given_at_s: None,
        });
        touched.given_at_s = Some(at_s);
    }

    fn take(&mut self, part: i16, source: Source) {
        // A source that is first taken back existed before; one that was given in this batch disappears without a trace.
        let touched = self.touched.entry(source).or_insert(Touched {
            part,
            is_taken: true,
            given_at_s: None,
        });
        touched.given_at_s = None;
    }

    /// Drops the earlier events of deleted posts: nothing follows a deletion.
    pub(super) fn finish(mut self) -> Self {
        let deleted = &self.deleted;
        self.touched
            .retain(|source, _| !deleted.contains(&source.post_id));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        access::UserId,
        posts::{
            CommentId, PostCommentAdded, PostCommentRemoved, PostDeleted, PostLiked, PostUnliked,
        },
    };

    /// Returns events for likes that toggle and comments that are added and removed, as the choices say, one each second.
    fn events_of(choices: &[(u8, u8)]) -> Vec<PostEvent> {
        let mut there = BTreeSet::new();
        let mut gone = BTreeSet::new();
        let mut events = Vec::new();
        for (second, (choice, subject)) in choices.iter().enumerate() {
            let post_id = PostId::from_uuid(Uuid::from_u128(u128::from(choice % 3)));
            let user_id = UserId::from_uuid(Uuid::from_u128(0x10 + u128::from(*subject)));
            let comment_id = CommentId::from_uuid(Uuid::from_u128(0x100 + u128::from(*subject)));
            let number = i64::from(*subject);
            if gone.contains(&post_id) {
                continue;
            }
            let fact = match choice / 3 {
                0 if there.insert((post_id, user_id.uuid())) => {
                    PostFact::Liked(PostLiked { user_id })
                }
                0 => {
                    there.remove(&(post_id, user_id.uuid()));
                    PostFact::Unliked(PostUnliked { user_id })
                }
                1 if there.insert((post_id, comment_id.uuid())) => {
                    PostFact::CommentAdded(PostCommentAdded {
                        comment_id,
                        number,
                        author_id: user_id,
                        text: String::new(),
                    })
                }
                1 => {
                    there.remove(&(post_id, comment_id.uuid()));
                    PostFact::CommentRemoved(PostCommentRemoved { comment_id, number })
                }
                _ if subject % 4 == 0 => {
                    gone.insert(post_id);
                    PostFact::Deleted(PostDeleted {})
                }
                _ => continue,
            };
            events.push(PostEvent {
                post_id,
                version: second as i64 + 1,
                occurred_at: DateTime::from_timestamp(second as i64, 0).expect("a time"),
                fact,
            });
        }
        events
    }

    /// Returns the sources that are stored after the events, cut into batches of these sizes. A batch can take back only stored
    /// sources.
    fn stored(events: &[PostEvent], cuts: &[usize]) -> BTreeMap<Source, i64> {
        let mut stored = BTreeMap::new();
        let mut rest = events;
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(*size));
            let mut batch = Batch::default();
            for event in now {
                batch.add(0, event);
            }
            let batch = batch.finish();
            for (source, touched) in &batch.touched {
                let before = touched.is_taken.then(|| stored.remove(source));
                assert!(before != Some(None), "taken, and was not there");
                if let Some(at_s) = touched.given_at_s {
                    assert!(stored.insert(*source, at_s).is_none(), "given twice");
                }
            }
            stored.retain(|source: &Source, _| !batch.deleted.contains(&source.post_id));
            rest = later;
        }
        stored
    }

    proptest! {
        #[test]
        fn how_batches_are_cut_makes_no_difference(
            choices in prop::collection::vec((0_u8..9, 0_u8..6), 1..80),
            cuts in prop::collection::vec(1_usize..12, 1..20),
        ) {
            let events = events_of(&choices);
            prop_assert_eq!(stored(&events, &cuts), stored(&events, &[1]));
            prop_assert_eq!(stored(&events, &[1_000]), stored(&events, &[1]));
        }
    }
}
