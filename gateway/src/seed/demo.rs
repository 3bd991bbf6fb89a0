//! The content of the first start: three people, a chat, posts that they comment on and like, and students. Everything is created on behalf
//! of them, so that lists have authors and histories have actors.

use std::error::Error;

use entities::{
    CommandContext, Entities,
    access::{Principal, SessionId, Viewer},
    chats::{ChatKind, CreateChat},
    students::{CreateStudent, StudentName, StudentStatus},
    users::{Role, User, UserError, Users},
};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const POSTS: [(&str, &str); 4] = [
    (
        "Every mutation commits its event with its state, so there is nothing to forget to publish.",
        "And nothing to publish twice.",
    ),
    (
        "A post is what its events say. Ask for it as of version 1, and see what it was.",
        "Its history has every step.",
    ),
    (
        "Watch this with postChanged, and like it in another tab.",
        "It came before I let go of the key.",
    ),
    (
        "What trends is asked for with trendingPosts, and heard of with the subscription of that name.",
        "Comments count twice.",
    ),
];
const STUDENTS: [(&str, &str, i32); 6] = [
    ("Barbara Liskov", "Programming languages", 3),
    ("Edsger Dijkstra", "Algorithms", 2),
    ("Frances Allen", "Compilers", 4),
    ("Katherine Johnson", "Orbital mechanics", 1),
    ("Radia Perlman", "Networks", 2),
    ("Niklaus Wirth", "Programming languages", 1),
];

/// The people of the demo data, as whom everybody may enter a gateway that shows them.
pub(crate) const PEOPLE: [(&str, &str, Role); 3] = [
    ("Ada Lovelace", "ada@example.com", Role::Staff),
    ("Grace Hopper", "grace@example.com", Role::Staff),
    ("Alan Turing", "alan@example.com", Role::Member),
];

/// Ends the sessions of the people of the demo data.
///
/// # Errors
/// When the database cannot be written.
pub async fn end_demo_sessions(users: &Users) -> std::result::Result<(), UserError> {
    for (_, email, _) in PEOPLE {
        users.end_demo_sessions(email).await?;
    }
    Ok(())
}

/// Creates the demo data.
///
/// # Errors
/// When something cannot be created; what was created before stays.
pub async fn seed_demo(entities: &Entities, administrator: &User) -> Result {
    let mut members = vec![administrator.clone()];
    for (name, email, role) in PEOPLE {
        let username = email.split('@').next().unwrap_or_default();
        let created = entities
            .users
            .create_demo_user((name, username), email, role);
        members.push(created.await?);
    }
    seed_chat(entities, &members).await?;
    seed_posts(entities, &members).await?;
    seed_students(entities, administrator).await
}

async fn seed_chat(entities: &Entities, members: &[User]) -> Result {
    let [administrator, others @ ..] = members else {
        return Ok(());
    };
    let input = CreateChat {
        kind: ChatKind::Group,
        title: Some("Welcome".to_owned()),
        member_ids: others.iter().map(|user| user.id).collect(),
    };
    let chats = &entities.chats;
    let chat = chats
        .create_chat(on_behalf_of(administrator), input)
        .await?;
    let texts = [
        "Hello, and welcome. Whatever is sent here reaches everybody who watches, at once.",
        "And whoever was away resumes where they stopped. Try it: watch this chat, go away, come back.",
    ];
    for (user, text) in others.iter().zip(texts) {
        let text = text.to_owned();
        chats
            .send_message(on_behalf_of(user), chat.id, text)
            .await?;
    }
    Ok(())
}

/// Creates posts, of which later ones have more likes.
async fn seed_posts(entities: &Entities, members: &[User]) -> Result {
    let posts = &entities.posts;
    for (number, (message, reply)) in POSTS.into_iter().enumerate() {
        let mut people = members.iter().cycle().skip(number);
        let (Some(author), Some(reader)) = (people.next(), people.next()) else {
            return Ok(());
        };
        let created = posts.create_post(on_behalf_of(author), message.to_owned());
        let Some(post) = created.await?.state.post() else {
            return Ok(());
        };
        posts
            .add_comment(on_behalf_of(reader), post.id, reply.to_owned())
            .await?;
        for user in members.iter().take(number) {
            posts.like_post(on_behalf_of(user), post.id).await?;
        }
    }
    Ok(())
}

async fn seed_students(entities: &Entities, administrator: &User) -> Result {
    for (number, (name, course, year)) in STUDENTS.into_iter().enumerate() {
        let student = CreateStudent {
            name: StudentName::of(name),
            email: format!("{}@example.com", name.to_lowercase().replace(' ', ".")),
            student_number: Some(format!("S-{:04}", number + 1)),
            course: course.to_owned(),
            year,
            status: StudentStatus::Enrolled,
        };
        let students = &entities.students;
        students
            .create(on_behalf_of(administrator), student)
            .await?;
    }
    Ok(())
}

fn on_behalf_of(user: &User) -> CommandContext {
    let principal = Principal {
        user_id: user.id,
        session_id: SessionId::default(),
        role: user.role,
    };
    CommandContext {
        viewer: Viewer::User(principal),
        ..CommandContext::process("seed")
    }
}
