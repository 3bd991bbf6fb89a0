//! Every query, mutation and subscription as everybody. The table must have every field that the schema has, and the documents
//! must promise what it says. What only looks at the schema runs embedded.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::{Answer, Client};
use tests::programs::repository;
use tests::socket::Frame;
use tests::uploads::{self, PREFLIGHT, RED, png};
use tests::waiting::SOON;

use super::errors_of;
use super::table::{Outcome, Row, TABLE};
use super::world::{SECRET_TEXT, SECRET_TITLE, Who, World};

const ROOTS: &str = "{ __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { fields { name } } } }";
/// How often a subscription is given something to deliver.
const NUDGE: Duration = Duration::from_millis(200);
/// The mutations that leave what other documents name as it was, for whoever is asking.
const HARMLESS: [&str; 28] = [
    "addComment",
    "createChat",
    "createCustomer",
    "createCustomers",
    "createPost",
    "createStudent",
    "createStudents",
    "discardDeadLetters",
    "importStudents",
    "likePost",
    "markChatDelivered",
    "markChatRead",
    "register",
    "removeAvatar",
    "replayDeadLetters",
    "requestEmailVerification",
    "requestPasswordReset",
    "resumeWorker",
    "sendMessage",
    "setAvailability",
    "setAvatar",
    "setTyping",
    "signIn",
    "submitSignal",
    "unlikePost",
    "updateComment",
    "updatePost",
    "updateProfile",
];

/// What a row is about: the kind of operation, and its field.
fn subject(row: &Row) -> (&'static str, &'static str) {
    let kind = ["mutation", "subscription"]
        .into_iter()
        .find(|kind| row.document.starts_with(kind));
    (kind.unwrap_or("query"), row.field)
}

async fn every_field_has_a_row(setup: Setup) {
    let app = setup.start();
    let schema = app.client().run(ROOTS, json!({})).await.data()["__schema"].clone();
    let mut served = BTreeSet::new();
    for kind in ["query", "mutation", "subscription"] {
        let fields = schema[format!("{kind}Type")]["fields"].as_array();
        let names = fields.expect("fields").iter().map(|field| &field["name"]);
        served.extend(names.map(|name| (kind, name.as_str().expect("a name").to_owned())));
    }
    let listed: BTreeSet<(&str, String)> = TABLE
        .iter()
        .map(|row| (subject(row).0, row.field.to_owned()))
        .collect();
    let without_row: Vec<_> = served.difference(&listed).collect();
    let without_field: Vec<_> = listed.difference(&served).collect();
    assert!(
        without_row.is_empty() && without_field.is_empty(),
        "without a row: {without_row:?}; rows of nothing: {without_field:?}"
    );
}

async fn every_operation_as_everybody(setup: Setup) {
    let app = setup.start_many(1, 1, &[]);
    let everybody = Who::ALL.iter().enumerate();
    let all = everybody.map(|(index, who)| every_operation_as(&setup, app.client(), index, *who));
    let problems: Vec<Vec<String>> = futures::stream::iter(all).buffered(4).collect().await;
    let problems = problems.concat();
    assert!(
        problems.is_empty(),
        "{} of {} are wrong:\n{}",
        problems.len(),
        TABLE.len() * Who::ALL.len(),
        problems.join("\n")
    );
}

/// What is not as the table says.
async fn every_operation_as(setup: &Setup, admin: &Client, index: usize, who: Who) -> Vec<String> {
    let mut problems = Vec::new();
    let shared = World::new(setup, admin, who).await;
    for row in TABLE {
        let expected = match who.refusal() {
            Some(reason) => format!("UNAUTHENTICATED {reason}"),
            None => expected(row.outcomes[index]),
        };
        let fresh;
        let does = subject(row).0 == "mutation" && expected == "yes";
        let world = if does && !HARMLESS.contains(&row.field) {
            // What one does must not change what comes of the next. What is refused does nothing, or is a problem below.
            fresh = World::new(setup, admin, who).await;
            &fresh
        } else {
            &shared
        };
        let (found, text) = attempt(world, row).await;
        let problem = |wrong: &str| {
            let shown: String = text.chars().take(300).collect();
            format!("{who:?}: {} {wrong}: {shown}", row.document)
        };
        if found != expected {
            problems.push(problem(&format!("is not {expected} but {found}")));
        }
        let leaks = [SECRET_TEXT, SECRET_TITLE]
            .iter()
            .any(|secret| text.contains(secret));
        if leaks && !who.is_inside() || found != "yes" && text.contains("ecret") {
            problems.push(problem("tells a secret"));
        }
    }
    problems
}

fn expected(outcome: Outcome) -> String {
    let text = match outcome {
        Outcome::Yes => "yes",
        Outcome::Nothing => "nothing",
        Outcome::Unknown => "UNAUTHENTICATED MISSING",
        Outcome::Forbidden => "FORBIDDEN",
        Outcome::Missing => "NOT_FOUND",
        Outcome::Invalid => "VALIDATION",
    };
    text.to_owned()
}

/// What came of it, and all that was said.
async fn attempt(world: &World, row: &Row) -> (String, String) {
    let document = world.fill(row.document);
    if subject(row).0 == "subscription" {
        return listen(world, row, &document).await;
    }
    let answer = match document.contains("$picture") {
        true => uploads::send(&world.caller, &document, &png(RED), &[PREFLIGHT]).await,
        false => world.caller.run(&document, json!({})).await,
    };
    (outcome_of(&answer.body, row.field), answer.http.text())
}

fn outcome_of(body: &Value, field: &str) -> String {
    if let Some(error) = body["errors"].get(0) {
        return error_of(error);
    }
    let value = &body["data"][field];
    match find_it(value).unwrap_or(value) {
        Value::Null => "nothing".to_owned(),
        // Nothing of all that was asked for.
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_null) => {
            "nothing".to_owned()
        }
        _ => "yes".to_owned(),
    }
}

fn error_of(error: &Value) -> String {
    let text = |name: &str| error["extensions"][name].as_str().unwrap_or_default();
    format!("{} {}", text("code"), text("reason"))
        .trim_end()
        .to_owned()
}

/// The value named `it`, wherever it is.
fn find_it(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(fields) => fields
            .get("it")
            .or_else(|| fields.values().find_map(find_it)),
        Value::Array(items) => items.iter().find_map(find_it),
        _ => None,
    }
}

async fn listen(world: &World, row: &Row, document: &str) -> (String, String) {
    let mut socket = match world.caller.try_socket().await {
        Ok(socket) => socket,
        // A bad token closes the socket; over HTTP it is told why.
        Err(problem) => {
            assert!(problem.contains("4403"), "{problem}");
            let answer = world.caller.run(document, json!({})).await;
            return (outcome_of(&answer.body, row.field), answer.http.text());
        }
    };
    socket.subscribe("1", document, json!({})).await;
    let began = Instant::now();
    while began.elapsed() < SOON {
        match socket.receive_within(NUDGE).await {
            None => nudge(world).await,
            Some(Frame::Message(message)) => {
                let text = message.to_string();
                let payload = &message["payload"];
                match message["type"].as_str() {
                    Some("next") => return (outcome_of(payload, row.field), text),
                    Some("error") => return (error_of(&payload[0]), text),
                    Some("complete") => return ("complete".to_owned(), text),
                    _ => {}
                }
            }
            Some(end) => return (format!("{end:?}"), String::new()),
        }
    }
    ("silence".to_owned(), String::new())
}

/// What is never logged has to happen while somebody listens.
async fn nudge(world: &World) {
    let input = json!({ "input": { "id": world.chat } });
    let document = "mutation($input: SetTypingInput!) { setTyping(input: $input) { __typename } }";
    world.owner.run(document, input).await.data();
}

/// Who is no member cannot tell a chat from one that does not exist.
async fn others_chats_are_as_if_they_were_not(setup: Setup) {
    let app = setup.start();
    let mut compared = 0;
    for who in [Who::Other, Who::Admin] {
        let world = World::new(&setup, app.client(), who).await;
        let hidden = |row: &&Row| {
            let is_hidden = match row.outcomes[2] {
                Outcome::Missing => true,
                Outcome::Nothing => row.document.contains("<chat>"),
                _ => false,
            };
            is_hidden && subject(row).0 != "subscription"
        };
        for row in TABLE.iter().filter(hidden) {
            let there = run(&world.caller, &world.fill(row.document)).await;
            let nowhere = run(&world.caller, &world.fill_with_nothing(row.document)).await;
            assert_eq!(there.status, nowhere.status, "{}", row.document);
            assert_eq!(errors_of(&there), errors_of(&nowhere), "{}", row.document);
            assert_eq!(there.body["data"], nowhere.body["data"], "{}", row.document);
            compared += 1;
        }
    }
    assert!(compared > 15, "only {compared} were compared");
}

async fn run(client: &Client, document: &str) -> Answer {
    client.run(document, json!({})).await
}

/// The documented table: `yes`, `–`, or words that say on what it depends.
#[test]
fn the_documents_promise_what_the_table_says() {
    let page = repository().join("docs/client/permissions.md");
    let page = std::fs::read_to_string(page).expect("the page on permissions");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let (head, rows) = rows.split_first().expect("a table");
    assert_eq!(head[1..], ["anonymous", "member", "staff", "admin"]);
    let mut problems = Vec::new();
    for row in TABLE {
        let promised = rows.iter().find(|cells| cells[0] == row.what);
        let Some(cells) = promised else {
            problems.push(format!(
                "{:?} is not in docs/client/permissions.md",
                row.what
            ));
            continue;
        };
        let [anonymous, member, other, staff, admin] = row.outcomes;
        let depends = member != other;
        for (name, cell, outcome) in [
            ("anonymous", cells[1], anonymous),
            ("member", cells[2], member),
            ("staff", cells[3], staff),
            ("admin", cells[4], admin),
        ] {
            // About oneself, nobody in particular is told nothing; of others, what is hidden is nothing too.
            let is_right = match outcome {
                Outcome::Yes if depends => cell != "yes" && cell != "–",
                Outcome::Yes => cell == "yes",
                Outcome::Unknown | Outcome::Forbidden => cell == "–",
                // Everybody may end a session of theirs, and this one is nobody's.
                Outcome::Missing if row.document.contains("\"session_") => cell == "yes",
                Outcome::Missing => cell != "yes" && cell != "–",
                // Whoever has such a token may use it, and nobody has this one.
                Outcome::Invalid => cell == "yes",
                Outcome::Nothing if depends => cell != "yes",
                // There is no such letter, and no such erasure, for those who may see them.
                Outcome::Nothing => {
                    let is_unknown = row.document.contains("\"letter_");
                    is_unknown || ["me", "erasure"].contains(&row.field) || cell == "–"
                }
            };
            if !is_right {
                problems.push(format!(
                    "{}: {cell:?} for {name}, not {outcome:?}",
                    row.what
                ));
            }
        }
    }
    for cells in rows.iter().filter(|cells| !cells[0].starts_with("---")) {
        if !TABLE.iter().any(|row| row.what == cells[0]) {
            problems.push(format!(
                "docs/client/permissions.md promises {:?}, which is not tried",
                cells[0]
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

tests::both_ways!(
    every_operation_as_everybody,
    others_chats_are_as_if_they_were_not
);
tests::embedded!(every_field_has_a_row);
