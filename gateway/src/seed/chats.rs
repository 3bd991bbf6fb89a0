//! A chat to look at, with two users who say something in it.

use entities::{
    CommandContext, Entities,
    access::{Principal, Viewer},
    chats::{ChatError, ChatKind, CreateChat},
    users::User,
};

/// Creates two users, with whom nobody can sign in, and a chat of theirs with `administrator`.
///
/// # Errors
/// When they cannot be created; those before stay.
pub async fn seed_chat(entities: &Entities, administrator: &User) -> Result<(), ChatError> {
    let mut members = Vec::new();
    for (name, email) in [
        ("Ada Lovelace", "ada@example.com"),
        ("Grace Hopper", "grace@example.com"),
    ] {
        let user = entities.users.create_demo_user(name, email).await;
        members.push(user.map_err(|error| ChatError::Log(events::Error::Task(error.to_string())))?);
    }
    let input = CreateChat {
        kind: ChatKind::Group,
        title: Some("Welcome".to_owned()),
        member_ids: members.iter().map(|user| user.id).collect(),
    };
    let chat = entities
        .chats
        .create_chat(on_behalf_of(administrator), input)
        .await?;
    let texts = [
        "Hello, and welcome. Whatever is sent here reaches everybody who watches, at once.",
        "And whoever was away resumes where they stopped. Try it: watch this chat, go away, come back.",
    ];
    for (user, text) in members.iter().zip(texts) {
        entities
            .chats
            .send_message(on_behalf_of(user), chat.id, text.to_owned())
            .await?;
    }
    Ok(())
}

fn on_behalf_of(user: &User) -> CommandContext {
    let principal = Principal {
        user_id: user.id,
        session_id: uuid::Uuid::nil(),
        role: user.role,
    };
    CommandContext {
        viewer: Viewer::User(principal),
        ..CommandContext::process("seed")
    }
}
