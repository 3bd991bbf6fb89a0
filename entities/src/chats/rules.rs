//! The rules of input for chats, and of what members may do, without I/O. Lengths are in characters of titles and texts as they
//! are stored: titles without surrounding blanks, texts as they were written except for their line ends.

use std::collections::BTreeSet;

use super::{
    Chat, ChatError, ChatKind, ChatMember, ChatMessage, ChatRefusal, ChatRole, commands::CreateChat,
};
use crate::{Violation, Violations, access::UserId, text::written};

/// The largest number of members of a chat.
pub(super) const MEMBERS: usize = 500;
/// The largest number of users that one command adds.
const ADDED_AT_ONCE: usize = 100;
const TITLE_CHARS: usize = 200;
const TEXT_CHARS: usize = 10_000;

/// A chat that may be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewChat {
    pub(super) kind: ChatKind,
    pub(super) title: Option<String>,
    /// The key of a direct chat.
    pub(super) pair_key: Option<String>,
    /// The members without the creator.
    pub(super) others: BTreeSet<UserId>,
}

pub(super) fn check_new(input: CreateChat, creator: UserId) -> Result<NewChat, Violations> {
    let mut others: BTreeSet<UserId> = input.member_ids.into_iter().collect();
    others.remove(&creator);
    let mut violations = Vec::new();
    if others.len() > ADDED_AT_ONCE {
        violations.push(too_many_at_once("memberIds"));
    }
    let mut pair_key = None;
    let mut title = None;
    match input.kind {
        ChatKind::Direct => {
            match (others.len(), others.first()) {
                (1, Some(other)) => pair_key = Some(pair_key_of(creator, *other)),
                _ => violations.push(violation(
                    "memberIds",
                    "pair",
                    "must be one other user for a direct chat",
                )),
            }
            if input.title.is_some() {
                let message = "must be left out for a direct chat";
                violations.push(violation("title", "direct", message));
            }
        }
        ChatKind::Group => match check_title(input.title.as_deref().unwrap_or_default()) {
            Ok(checked) => title = Some(checked),
            Err(Violations(list)) => violations.extend(list),
        },
    }
    if !violations.is_empty() {
        return Err(Violations(violations));
    }
    Ok(NewChat {
        kind: input.kind,
        title,
        pair_key,
        others,
    })
}

/// Returns the key of a direct chat, which is the same for both users, so that each pair has one. It is stored, with the uuids
/// alone.
fn pair_key_of(one: UserId, other: UserId) -> String {
    let (one, other) = (one.uuid(), other.uuid());
    format!("{}:{}", one.min(other), one.max(other))
}

pub(super) fn check_title(title: &str) -> Result<String, Violations> {
    let checked = written::line(title, TITLE_CHARS);
    checked.map_err(|flaw| Violations(vec![flaw.of("title")]))
}

/// Returns the text as it is stored.
pub(super) fn check_text(text: &str) -> Result<String, Violations> {
    let expected = "must have 1 to 10,000 characters that are not all blank";
    let checked = written::lines_to_see(text, TEXT_CHARS, expected);
    checked.map_err(|flaw| Violations(vec![flaw.of("text")]))
}

/// Returns the users to add, each once.
pub(super) fn check_added(user_ids: Vec<UserId>) -> Result<BTreeSet<UserId>, Violations> {
    let added: BTreeSet<UserId> = user_ids.into_iter().collect();
    if added.is_empty() {
        let message = "must name at least one user";
        return Err(Violations::one("userIds", "length", message));
    }
    if added.len() > ADDED_AT_ONCE {
        return Err(Violations(vec![too_many_at_once("userIds")]));
    }
    Ok(added)
}

/// Returns the violations for users that do not exist.
pub(super) fn unknown_users(field: &str, unknown: impl Iterator<Item = UserId>) -> Violations {
    let list = unknown.map(|id| {
        let message = format!("{id} does not exist or is deactivated");
        violation(field, "user", &message)
    });
    Violations(list.collect())
}

pub(super) fn check_up_to(number: Option<i64>) -> Result<(), Violations> {
    match number {
        Some(..0) => Err(Violations::one("upTo", "range", "must not be negative")),
        _ => Ok(()),
    }
}

/// Checks that there is room for `added` more members.
pub(super) fn check_room(chat: &Chat, added: usize) -> Result<(), ChatRefusal> {
    match chat.member_count as usize + added > MEMBERS {
        true => Err(ChatRefusal::TooManyMembers),
        false => Ok(()),
    }
}

/// Checks that title and members can change at all.
pub(super) fn check_group(chat: &Chat) -> Result<(), ChatRefusal> {
    match chat.kind {
        ChatKind::Group => Ok(()),
        ChatKind::Direct => Err(ChatRefusal::Direct),
    }
}

/// Checks that the member may remove the user: the owner may remove others.
pub(super) fn check_removal(member: &ChatMember, removed: UserId) -> Result<(), ChatError> {
    if member.role != ChatRole::Owner {
        return Err(ChatRefusal::NotOwner.into());
    }
    if member.user_id == removed {
        let message = "must be another member; use leaveChat to leave";
        return Err(Violations::one("userId", "self", message).into());
    }
    Ok(())
}

pub(super) fn check_author(message: &ChatMessage, user_id: UserId) -> Result<(), ChatRefusal> {
    match message.author_id == user_id {
        true => Ok(()),
        false => Err(ChatRefusal::NotAuthor),
    }
}

fn too_many_at_once(field: &str) -> Violation {
    violation(field, "length", "must name at most 100 users")
}

fn violation(field: &str, code: &str, message: &str) -> Violation {
    Violation {
        field: field.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::chats::ChatId;

    const ME: UserId = UserId::from_uuid(Uuid::from_u128(7));

    fn user(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    fn new(kind: ChatKind, title: Option<&str>, others: &[u128]) -> Result<NewChat, Vec<String>> {
        let input = CreateChat {
            kind,
            title: title.map(str::to_owned),
            member_ids: others.iter().copied().map(user).collect(),
        };
        check_new(input, ME).map_err(codes)
    }

    fn codes(Violations(list): Violations) -> Vec<String> {
        list.into_iter()
            .map(|violation| format!("{}:{}", violation.field, violation.code))
            .collect()
    }

    #[test]
    fn a_group_needs_a_title_and_takes_each_user_once() {
        let chat = new(ChatKind::Group, Some("  Tea "), &[1, 2, 1, 7]).expect("valid");
        assert_eq!(chat.title.as_deref(), Some("Tea"));
        assert_eq!(chat.others.len(), 2, "without doubles and the creator");
        assert_eq!(chat.pair_key, None);
        assert!(new(ChatKind::Group, Some("Alone"), &[]).is_ok());
        let crowd: Vec<u128> = (100..201).collect();
        assert_eq!(
            new(ChatKind::Group, None, &crowd),
            Err(vec!["memberIds:length".into(), "title:length".into()])
        );
        assert!(new(ChatKind::Group, Some("Many"), &crowd[1..]).is_ok());
    }

    #[test]
    fn a_direct_chat_is_of_one_other_user() {
        let mine = new(ChatKind::Direct, None, &[3, 7])
            .expect("valid")
            .pair_key;
        let theirs = check_new(
            CreateChat {
                kind: ChatKind::Direct,
                title: None,
                member_ids: vec![ME],
            },
            user(3),
        );
        assert_eq!(mine, theirs.expect("valid").pair_key, "one key a pair");
        let [three, seven] = [3, 7].map(Uuid::from_u128);
        assert_eq!(mine, Some(format!("{three}:{seven}")), "as it is stored");
        for others in [&[][..], &[7], &[1, 2]] {
            assert_eq!(
                new(ChatKind::Direct, None, others),
                Err(vec!["memberIds:pair".into()])
            );
        }
        assert_eq!(
            new(ChatKind::Direct, Some("Us"), &[1]),
            Err(vec!["title:direct".into()])
        );
    }

    #[test]
    fn titles_and_texts_have_bounds() {
        assert!(check_title(&"é".repeat(200)).is_ok());
        assert!(check_title(&"é".repeat(201)).is_err());
        assert!(check_title(" \n ").is_err());
        assert!(check_title("a\u{7}b").is_err());
        assert!(check_text(&"é".repeat(10_000)).is_ok());
        assert!(check_text(&"é".repeat(10_001)).is_err());
        assert!(check_text(" \n\t ").is_err());
        assert!(check_text("  fn main() {\r\n\t}\n").is_ok());
        assert!(check_text("a\0b").is_err());
    }

    #[test]
    fn users_are_added_in_bounds() {
        let ids = |n: u128| (0..n).map(user).collect::<Vec<_>>();
        assert_eq!(
            check_added(ids(0)).map_err(codes),
            Err(vec!["userIds:length".into()])
        );
        assert_eq!(check_added(ids(100)).map(|set| set.len()), Ok(100));
        assert_eq!(
            check_added(ids(101)).map_err(codes),
            Err(vec!["userIds:length".into()])
        );
        let mut chat = group();
        chat.member_count = 499;
        assert!(check_room(&chat, 1).is_ok());
        assert!(matches!(
            check_room(&chat, 2),
            Err(ChatRefusal::TooManyMembers)
        ));
    }

    #[test]
    fn owners_remove_others_and_authors_change_their_own() {
        let member = |role| ChatMember::new(ChatId::default(), ME, role, ::events::now(), 0);
        let other = user(1);
        assert!(check_removal(&member(ChatRole::Owner), other).is_ok());
        assert!(matches!(
            check_removal(&member(ChatRole::Owner), ME),
            Err(ChatError::Invalid(_))
        ));
        for removed in [ME, other] {
            assert!(matches!(
                check_removal(&member(ChatRole::Member), removed),
                Err(ChatError::Own(ChatRefusal::NotOwner))
            ));
        }
        let direct = Chat {
            kind: ChatKind::Direct,
            ..group()
        };
        assert!(check_group(&group()).is_ok());
        assert!(matches!(check_group(&direct), Err(ChatRefusal::Direct)));
        assert!(check_up_to(None).is_ok() && check_up_to(Some(0)).is_ok());
        assert!(check_up_to(Some(-1)).is_err());
    }

    fn group() -> Chat {
        Chat {
            id: ChatId::default(),
            kind: ChatKind::Group,
            title: Some("Tea".into()),
            search_text: Some("tea".into()),
            pair_key: None,
            member_count: 1,
            last_number: 0,
            version: 1,
            created_at: ::events::now(),
            last_activity_at: ::events::now(),
        }
    }
}
