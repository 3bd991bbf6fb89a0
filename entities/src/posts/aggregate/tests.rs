//! For any sequence of commands by any actors, the fold keeps the invariants and agrees with a simple model of the commands; a
//! command that is refused, or changes nothing, returns no event; and any prefix of the events folds to the post as it was
//! then.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::access::UserId;
use crate::posts::{CommentId, PostId};

const USERS: u128 = 4;

fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(0x100 + number))
}

fn comment_id(number: usize) -> CommentId {
    CommentId::from_uuid(Uuid::from_u128(0x1000 + number as u128))
}

/// Generates commands with their actors. A comment is named by how many commands earlier it was added.
fn commands() -> impl Strategy<Value = Vec<(Actor, PostCommand)>> {
    let text = || "[a-c]{0,2}";
    let id = || (0_usize..40).prop_map(comment_id);
    let command = prop_oneof![
        1 => text().prop_map(|message| PostCommand::Create { message }),
        3 => text().prop_map(|message| PostCommand::EditMessage { message }),
        6 => Just(PostCommand::Like),
        4 => Just(PostCommand::Unlike),
        8 => text().prop_map(|text| PostCommand::AddComment { comment_id: CommentId::default(), text }),
        6 => (id(), text()).prop_map(|(comment_id, text)| PostCommand::EditComment { comment_id, text }),
        4 => id().prop_map(|comment_id| PostCommand::RemoveComment { comment_id }),
        1 => Just(PostCommand::Delete),
    ];
    let actor = (0..USERS, prop::bool::weighted(0.2)).prop_map(|(number, may_moderate)| Actor {
        user_id: user(number),
        may_moderate,
    });
    prop::collection::vec((actor, command), 1..40)
}

/// A model of posts, written as simply as possible.
#[derive(Default)]
struct Model {
    author: Option<UserId>,
    message: String,
    likes: BTreeSet<UserId>,
    comments: BTreeMap<CommentId, (UserId, String)>,
    is_deleted: bool,
}

impl Model {
    /// Runs the command; returns whether it changes something.
    fn run(&mut self, actor: Actor, command: &PostCommand) -> bool {
        let by = actor.user_id;
        let is_there = self.author.is_some() && !self.is_deleted;
        let is_author = self.author == Some(by);
        match command {
            PostCommand::Create { message } => {
                let is_new = self.author.is_none() && !message.is_empty();
                if is_new {
                    self.author = Some(by);
                    self.message.clone_from(message);
                }
                is_new
            }
            _ if !is_there => false,
            PostCommand::EditMessage { message } => {
                let changes = is_author && !message.is_empty() && *message != self.message;
                if changes {
                    self.message.clone_from(message);
                }
                changes
            }
            PostCommand::Like => self.likes.insert(by),
            PostCommand::Unlike => self.likes.remove(&by),
            PostCommand::AddComment { comment_id, text } => {
                if !text.is_empty() {
                    self.comments.insert(*comment_id, (by, text.clone()));
                }
                !text.is_empty()
            }
            PostCommand::EditComment { comment_id, text } => {
                let Some((author, old)) = self.comments.get_mut(comment_id) else {
                    return false;
                };
                let changes = *author == by && !text.is_empty() && text != old;
                if changes {
                    old.clone_from(text);
                }
                changes
            }
            PostCommand::RemoveComment { comment_id } => {
                let comment = self.comments.get(comment_id);
                let may = comment.is_some_and(|(author, _)| *author == by || actor.may_moderate);
                may && self.comments.remove(comment_id).is_some()
            }
            PostCommand::Delete => {
                self.is_deleted = is_author || actor.may_moderate;
                self.is_deleted
            }
        }
    }

    fn agrees(&self, state: Option<&PostState>) {
        let Some(state) = state else {
            assert!(self.author.is_none());
            return;
        };
        let Some(post) = state.post() else {
            assert!(self.is_deleted);
            assert_eq!(state.comments().count(), 0, "nothing is left");
            return;
        };
        assert_eq!(Some(post.author_id), self.author);
        assert_eq!(post.message, self.message);
        assert_eq!(post.like_count, self.likes.len() as i64);
        assert_eq!(post.comment_count, self.comments.len() as i64);
        for number in 0..USERS {
            let user = user(number);
            assert_eq!(state.is_liked_by(user), self.likes.contains(&user));
        }
        let comments: BTreeMap<_, _> = state
            .comments()
            .map(|it| (it.id, (it.author_id, it.text.clone().unwrap_or_default())))
            .collect();
        assert_eq!(comments, self.comments);
    }
}

fn keeps_its_invariants(state: &PostState, events: usize) {
    assert_eq!(state.version, events as i64, "a version an event");
    assert!(state.created_at <= state.updated_at);
    let numbers: Vec<i64> = state.comments.keys().copied().collect();
    let dense: Vec<i64> = (1..=numbers.len() as i64).collect();
    assert_eq!(numbers, dense, "no number is skipped or given twice");
    let there: HashMap<CommentId, i64> = state.comments().map(|it| (it.id, it.number)).collect();
    assert_eq!(state.numbers, there);
    for comment in state.comments.values() {
        let is_removed = comment.removed_at.is_some();
        assert_eq!(comment.text.is_none(), is_removed, "{comment:?}");
    }
}

proptest! {
    #[test]
    fn any_commands_keep_the_invariants(commands in commands()) {
        let post_id = PostId::from_uuid(Uuid::from_u128(1));
        let (mut state, mut model, mut events) = (None, Model::default(), Vec::new());
        let mut states = Vec::new();
        for (place, (actor, mut command)) in commands.into_iter().enumerate() {
            if let PostCommand::AddComment { comment_id: id, .. } = &mut command {
                *id = comment_id(place);
            }
            let before: Option<PostState> = state.clone();
            let decided = decide(before.as_ref(), actor, &command);
            let changes = model.run(actor, &command);
            prop_assert_eq!(matches!(decided, Ok(Some(_))), changes, "{:?}: {:?}", command, decided);
            if let Ok(Some(fact)) = decided {
                let event = PostEvent {
                    post_id,
                    version: events.len() as i64 + 1,
                    occurred_at: DateTime::from_timestamp(place as i64, 0).expect("a time"),
                    fact,
                };
                state = fold(before, [&event]).expect("it continues");
                events.push(event);
                states.push(state.clone());
            }
            model.agrees(state.as_ref());
            if let Some(state) = &state {
                keeps_its_invariants(state, events.len());
            }
        }
        // For each version, the fold from the beginning is the state at that time.
        for (place, state) in states.iter().enumerate() {
            prop_assert_eq!(&fold(None, &events[..=place]).expect("it folds"), state);
        }
        let Some((last, others)) = events.split_last() else {
            return Ok(());
        };
        if let PostFact::Deleted(_) = last.fact {
            // Some or all of what was before the deletion may be gone.
            let whole = state.expect("a post");
            for left in 0..=others.len() {
                let left = others[..left].iter().chain([last]);
                let state = fold(None, left).expect("it folds").expect("a post");
                model.agrees(Some(&state));
                prop_assert_eq!(state.version, whole.version);
                prop_assert_eq!(state.updated_at, whole.updated_at);
                prop_assert_eq!(state.deleted_at, whole.deleted_at);
                prop_assert_eq!((&state.message, state.author_id), (&whole.message, None));
                prop_assert!(state.liked_by.is_empty() && state.numbers.is_empty());
            }
        }
        // Any other hole, or beginning that is none, is noticed.
        if others.len() > 2 {
            prop_assert!(fold(None, &others[1..]).is_err());
            prop_assert!(fold(states[0].clone(), &others[2..]).is_err());
        }
        prop_assert!(fold(states[0].clone(), &events[..1]).is_err());
    }
}

fn created(message: &str) -> (Actor, Option<PostState>) {
    let author = Actor {
        user_id: user(0),
        may_moderate: false,
    };
    (author, apply(None, author, &create(message)))
}

fn create(message: &str) -> PostCommand {
    let message = message.to_owned();
    PostCommand::Create { message }
}

fn apply(state: Option<PostState>, actor: Actor, command: &PostCommand) -> Option<PostState> {
    let fact = decide(state.as_ref(), actor, command);
    let event = PostEvent {
        post_id: PostId::from_uuid(Uuid::from_u128(1)),
        version: state.as_ref().map_or(0, |state| state.version) + 1,
        occurred_at: DateTime::UNIX_EPOCH,
        fact: fact.expect("allowed").expect("a change"),
    };
    fold(state, [&event]).expect("it continues")
}

#[test]
fn refusals_say_why() {
    let (author, post) = created("Hello");
    let other = Actor {
        user_id: user(1),
        may_moderate: false,
    };
    let moderator = Actor {
        may_moderate: true,
        ..other
    };
    let edit = PostCommand::EditMessage {
        message: "Bye".to_owned(),
    };
    let refused = |actor, command: &PostCommand| decide(post.as_ref(), actor, command);
    assert!(matches!(
        refused(other, &edit),
        Err(PostError::Own(PostRefusal::NotAuthor))
    ));
    let by_moderator = refused(moderator, &edit);
    assert!(
        matches!(by_moderator, Err(PostError::Own(PostRefusal::NotAuthor))),
        "moderators put no words into others' mouths"
    );
    let delete = PostCommand::Delete;
    assert!(matches!(
        refused(other, &delete),
        Err(PostError::Own(PostRefusal::NotAuthor))
    ));
    assert!(matches!(refused(moderator, &delete), Ok(Some(_))));
    let unknown = PostCommand::RemoveComment {
        comment_id: comment_id(7),
    };
    let not_found = refused(author, &unknown);
    assert!(matches!(not_found, Err(PostError::NotFound("comment"))));
    let like = decide(None, author, &PostCommand::Like);
    assert!(matches!(like, Err(PostError::NotFound(STREAM))));
    let deleted = apply(post.clone(), author, &delete);
    for command in [&edit, &delete, &PostCommand::Like, &create("Again")] {
        let gone = decide(deleted.as_ref(), author, command);
        assert!(
            matches!(gone, Err(PostError::NotFound(STREAM))),
            "{command:?}"
        );
    }
    assert!(matches!(
        refused(author, &create(" ")),
        Err(PostError::Invalid(_))
    ));
}

#[test]
fn comments_have_a_limit() {
    let (author, mut post) = created("Hello");
    for number in 0..rules::COMMENTS as usize {
        let comment_id = comment_id(number);
        let text = "x".to_owned();
        post = apply(post, author, &PostCommand::AddComment { comment_id, text });
    }
    let one_more = PostCommand::AddComment {
        comment_id: comment_id(rules::COMMENTS as usize),
        text: "x".to_owned(),
    };
    let refused = decide(post.as_ref(), author, &one_more);
    assert!(matches!(
        refused,
        Err(PostError::Own(PostRefusal::TooManyComments))
    ));
    let weight = post.map_or(0, |post| post.weight());
    assert!(weight < 8 << 20, "a fold has a bound: {weight} bytes");
}

#[test]
fn what_was_removed_is_withheld_from_the_past() {
    let (author, post) = created("Hello");
    let add = |number: usize| PostCommand::AddComment {
        comment_id: comment_id(number),
        text: format!("text {number}"),
    };
    let two = apply(apply(post, author, &add(0)), author, &add(1));
    let now = apply(
        two.clone(),
        author,
        &PostCommand::RemoveComment {
            comment_id: comment_id(0),
        },
    );
    let (mut then, now) = (two.expect("a post"), now.expect("a post"));
    then.withhold(&now);
    let texts: Vec<_> = then.comments().map(|it| it.text.as_deref()).collect();
    assert_eq!(texts, [None, Some("text 1")]);
    assert_eq!(then.post().expect("a post").comment_count, 2, "as it was");
}

#[test]
fn a_comment_is_known_by_its_addition_when_only_the_deletion_is_left() {
    let event = |version, fact| PostEvent {
        post_id: PostId::from_uuid(Uuid::from_u128(1)),
        version,
        occurred_at: DateTime::UNIX_EPOCH,
        fact,
    };
    let added = PostCommentAdded {
        comment_id: comment_id(7),
        number: 1,
        author_id: user(1),
        text: "A comment".to_owned(),
    };
    let added = event(2, PostFact::CommentAdded(added));
    let end = event(9, PostFact::Deleted(PostDeleted {}));
    let post = fold(None, [&end]).expect("it folds").expect("a post");
    let comment = post.comment_of(&added).expect("the comment");
    assert_eq!((comment.id, comment.text), (comment_id(7), None));
    assert_eq!(comment.removed_at, Some(DateTime::UNIX_EPOCH));
    let liked = event(3, PostFact::Liked(PostLiked { user_id: user(1) }));
    assert_eq!(post.comment_of(&liked), None);
}
