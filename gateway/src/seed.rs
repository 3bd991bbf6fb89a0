//! Demo data: customers with plausible names, and a chat, made through the same commands as any others, so that their
//! events, statistics and limits are the real ones. Called by `gateway seed`, and at the first start when asked.

use entities::{
    CommandContext, Entities,
    access::{Principal, Viewer},
    chats::{ChatError, ChatKind, CreateChat},
    customers::{CreateCustomer, CustomerError, CustomerStatus},
    users::User,
};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};

const FIRST: [&str; 16] = [
    "Ada",
    "Alan",
    "Barbara",
    "Claude",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "John",
    "Katherine",
    "Margaret",
    "Niklaus",
    "Radia",
    "Tim",
    "Wang",
];
const LAST: [&str; 16] = [
    "Allen",
    "Berners",
    "Dijkstra",
    "Hamilton",
    "Hopper",
    "Johnson",
    "Kaspersen",
    "Knuth",
    "Lamarr",
    "Liskov",
    "Lovelace",
    "Okafor",
    "Perlman",
    "Shannon",
    "Turing",
    "Wirth",
];
/// Customers created in one transaction.
const BATCH: u64 = 250;
/// Transactions at once; SQLite runs them one after the other.
const CONCURRENT: usize = 4;

/// Creates `count` customers, numbered on from those that there are.
///
/// # Errors
/// When a customer cannot be created; those before it stay.
pub async fn seed(entities: &Entities, count: u64, progress: bool) -> Result<(), CustomerError> {
    let first = entities.log.tail().position();
    let bar = if progress {
        progress_bar(count)
    } else {
        ProgressBar::hidden()
    };
    let batches = (0..count.div_ceil(BATCH)).map(|batch| {
        let numbers = batch * BATCH..count.min((batch + 1) * BATCH);
        let inputs: Vec<_> = numbers.map(|number| customer(first + number)).collect();
        let bar = bar.clone();
        async move {
            let size = inputs.len() as u64;
            entities
                .customers
                .create_customers(CommandContext::process("seed"), inputs)
                .await?;
            bar.inc(size);
            Ok::<_, CustomerError>(())
        }
    });
    stream::iter(batches)
        .buffer_unordered(CONCURRENT)
        .try_collect::<()>()
        .await?;
    bar.finish();
    Ok(())
}

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

fn progress_bar(count: u64) -> ProgressBar {
    let template = "customers {bar:30} {human_pos}/{human_len} ({per_sec}, {eta} left)";
    let bar = ProgressBar::new(count);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        // The template is a constant; without it the default bar does.
        Err(_) => bar,
    }
}

fn customer(number: u64) -> CreateCustomer {
    let pick = |words: &[&'static str; 16], number: u64| words[number as usize % 16];
    let (first, last) = (pick(&FIRST, number), pick(&LAST, number * 5 + number / 16));
    CreateCustomer {
        name: format!("{first} {last}"),
        email: format!(
            "{}.{}.{number}@example.com",
            first.to_lowercase(),
            last.to_lowercase()
        ),
        phone: (!number.is_multiple_of(3)).then(|| format!("+1 555 {:07}", number % 10_000_000)),
        status: match number % 10 {
            0..=1 => CustomerStatus::Prospect,
            2..=7 => CustomerStatus::Active,
            8 => CustomerStatus::Suspended,
            _ => CustomerStatus::Closed,
        },
    }
}
