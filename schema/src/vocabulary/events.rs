//! Holds events, subscriptions and statistics to the words of the mutations.

use async_graphql::parser::types::TypeKind;

use super::{Sdl, assert_only, named, pascal};

/// What happens although no mutation is called so, and why.
const HAPPENINGS: &[&str] = &[
    // A member of a chat leaves it, and of a list of chats one joins, leaves and reads what happened.
    "ChatEventType.MEMBER_LEFT",
    "MyChatsEventType.MEMBER_LEFT",
    "MyChatsEventType.JOINED",
    "MyChatsEventType.READ",
    "MyChatsEventType.MESSAGES_SEEN",
    "MyChatsEventType.MESSAGES_DELIVERED",
    // A worker did it.
    "SignalProgressType.PROCESSING_STARTED",
    "SignalProgressType.RESULT_RECORDED",
    "SignalProgressType.LATE_RESULT_RECORDED",
    "SignalProgressType.COMPLETED",
    "SignalProgressType.NOTIFIED",
    "SignalProgressType.WEBHOOK_DELIVERED",
    "StudentChangeType.CACHED",
];

/// Ids in arguments that name something else than what is asked for.
const OF_ANOTHER: &[&str] = &[
    "Query.erasure(userId)",
    "Subscription.commentAdded(postId)",
    "Subscription.eventLog(streamId)",
    "Subscription.postFeed(authorId)",
];

/// Objects in events that are null because the event is about no such object, and never because it is gone.
const OF_SOME_EVENTS: &[&str] = &[
    "ChatEvent.message",
    "MyChatsEvent.message",
    "PostChange.comment",
    "PostChange.user",
];

/// Returns how it is said that this was done.
fn participle(verb: &str) -> String {
    match verb {
        "leave" => "LEFT".to_owned(),
        "send" => "SENT".to_owned(),
        "set" => "CHANGED".to_owned(),
        "submit" => "SUBMITTED".to_owned(),
        _ if verb.ends_with('e') => format!("{verb}d").to_uppercase(),
        _ => format!("{verb}ed").to_uppercase(),
    }
}

/// Returns whether the event of this mutation is called so: that of `addChatMembers` is `CHAT_MEMBER_ADDED`, or `MEMBER_ADDED`.
fn says(mutation: &str, event: &str, of: &str) -> bool {
    let verb = mutation.split(char::is_uppercase).next();
    let (verb, object) = mutation.split_at(verb.unwrap_or_default().len());
    let done = participle(verb);
    // A value without an object is about the object of its type.
    let whole = match event.contains('_') {
        true => event.to_owned(),
        false => format!("{}_{event}", of.to_uppercase()),
    };
    let last = object.rfind(char::is_uppercase).unwrap_or_default();
    let mut objects = [object, &object[last..]].into_iter();
    let is_with_object = objects.any(|it| {
        let object = it.trim_end_matches('s').to_uppercase();
        format!("{object}_{done}") == whole
    });
    is_with_object || object.is_empty() && event == done
}

#[test]
fn events_are_called_as_the_mutations_that_they_come_from() {
    let sdl = Sdl::read();
    let mutations = sdl.fields("Mutation").iter();
    let mutations: Vec<_> = mutations.map(|it| it.node.name.to_string()).collect();
    let mut unsaid = Vec::new();
    for (name, definition) in &sdl.types {
        let TypeKind::Enum(values) = &definition.kind else {
            continue;
        };
        let suffixes = ["ChangeType", "EventType", "ProgressType"];
        let mut of = suffixes.iter().filter_map(|it| name.strip_suffix(it));
        let Some(of) = of.next() else {
            continue;
        };
        let of = if of == "MyChats" { "Chat" } else { of };
        for value in values.values.iter().map(|it| it.node.value.to_string()) {
            if !mutations.iter().any(|it| says(it, &value, of)) {
                unsaid.push(format!("{name}.{value}"));
            }
        }
    }
    assert_only(unsaid, HAPPENINGS);
}

#[test]
fn what_is_asked_for_is_named_by_id() {
    let sdl = Sdl::read();
    let mut others = Vec::new();
    for root in ["Query", "Subscription"] {
        for field in sdl.fields(root).iter().map(|it| &it.node) {
            let ids = field.arguments.iter().map(|it| &it.node);
            let ids = ids.filter(|it| it.ty.node.to_string().trim_end_matches('!') == "ID");
            let ids = ids.map(|it| it.name.node.as_str());
            let named_otherwise = ids.filter(|name| *name != "id");
            others.extend(named_otherwise.map(|name| {
                assert!(name.ends_with("Id"), "{root}.{}({name})", field.name);
                format!("{root}.{}({name})", field.name)
            }));
        }
    }
    assert_only(others, OF_ANOTHER);
}

/// Otherwise nobody could say what to remove when it is gone.
#[test]
fn events_name_what_may_be_gone() {
    let sdl = Sdl::read();
    let mut unnamed = Vec::new();
    for event in sdl.fields("Subscription").iter().map(|it| &it.node) {
        let name = named(&event.ty.node);
        let has = |wanted: &str| {
            let mut fields = sdl.fields(name).iter();
            fields.any(|it| it.node.name.node == wanted)
        };
        if !has("cursor") {
            continue;
        }
        for field in sdl.fields(name).iter().map(|it| &it.node) {
            let may_be_gone = field.ty.node.nullable && sdl.is_node(named(&field.ty.node));
            if may_be_gone && !has(&format!("{}Id", field.name)) {
                unnamed.push(format!("{name}.{}", field.name));
            }
        }
    }
    assert_only(unnamed, OF_SOME_EVENTS);
}

#[test]
fn statistics_are_called_as_their_query() {
    let sdl = Sdl::read();
    let mut wrong = Vec::new();
    for (root, field) in sdl.all_fields() {
        let returned = named(&field.ty.node);
        let is_statistics = field.name.node.ends_with("Statistics");
        let is_alike = pascal(&field.name.node) == returned;
        if (is_statistics || returned.ends_with("Statistics")) && !is_alike {
            wrong.push(format!("{root}.{}", field.name));
        }
    }
    let named_so = sdl.types.keys().filter(|it| it.ends_with("Statistics"));
    let roots = sdl.fields("Query").iter();
    let returned: Vec<_> = roots.map(|it| named(&it.node.ty.node)).collect();
    wrong.extend(
        named_so
            .filter(|it| !returned.contains(&it.as_str()))
            .cloned(),
    );
    assert_only(wrong, &[]);
}
