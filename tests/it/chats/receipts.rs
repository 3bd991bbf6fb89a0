//! What became of a message: its sender sees it, hears of it, and nobody else does.

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;
use tests::live::Watch;
use tests::people::Person;

use super::api::{self, apply, crowd, group, say, trio};

const MESSAGES: &str = "query($id: ID!) { chat(id: $id) { messages { nodes { number createdAt state receipts { recipientCount \
    deliveredCount seenCount recipients { user { id } state deliveredAt seenAt } } } } } }";
const OWN: &str = "subscription($after: String) { myChats(after: $after) { cursor type actor { name ... on User { id } } chatId \
    message { number } receipt { user { id name } upTo } } }";

/// The message of this number, as this client sees it.
async fn message(client: &Client, chat: &str, number: u64) -> Value {
    let answer = client.run(MESSAGES, json!({ "id": chat })).await;
    let nodes = answer.data()["chat"]["messages"]["nodes"].clone();
    let mut nodes = nodes.as_array().expect("messages").iter();
    nodes.find(|it| it["number"] == number).expect("it").clone()
}

/// The state of a message, and how many it was sent to, delivered to and seen by.
async fn state(client: &Client, chat: &str, number: u64) -> (String, [u64; 3]) {
    let message = message(client, chat, number).await;
    let receipts = &message["receipts"];
    let counts = ["recipientCount", "deliveredCount", "seenCount"];
    let counts = counts.map(|name| receipts[name].as_u64().expect("a count"));
    (
        message["state"].as_str().expect("a state").to_owned(),
        counts,
    )
}

fn is(name: &str, counts: [u64; 3]) -> (String, [u64; 3]) {
    (name.to_owned(), counts)
}

/// What a recipient told of a message.
fn of<'a>(message: &'a Value, person: &Person) -> &'a Value {
    let recipients = message["receipts"]["recipients"].as_array();
    let mut recipients = recipients.expect("recipients").iter();
    let found = recipients.find(|it| it["user"]["id"] == person.id.as_str());
    found.expect("a recipient")
}

async fn delivered(client: &Client, chat: &str, up_to: u64) {
    apply(
        client,
        "markChatDelivered",
        json!({ "id": chat, "upTo": up_to }),
    )
    .await;
}

async fn seen(client: &Client, chat: &str, up_to: u64) {
    apply(client, "markChatRead", json!({ "id": chat, "upTo": up_to })).await;
}

async fn a_message_comes_as_far_as_to_its_last_recipient(setup: Setup) {
    let app = setup.start();
    let crowd = crowd(app.client(), &["Ada", "Bob", "Eve", "Dan"]).await;
    let [(ada, a), (bob, b), (eve, e), (dan, d)] = &crowd[..] else {
        panic!("four people");
    };
    let chat = group(a, "Tea", &[]).await;
    say(a, &chat, "Is anybody here?").await;
    assert_eq!(state(a, &chat, 1).await, is("SENT", [0, 0, 0]), "to nobody");
    for person in [bob, eve] {
        apply(
            a,
            "addChatMembers",
            json!({ "id": chat, "userIds": [person.id] }),
        )
        .await;
    }
    let joined = state(a, &chat, 1).await;
    assert_eq!(joined, is("SENT", [0, 0, 0]), "they joined after it");
    for text in ["Two", "Three", "Four"] {
        say(a, &chat, text).await;
    }
    delivered(b, &chat, 3).await;
    assert_eq!(state(a, &chat, 3).await, is("SENT", [2, 1, 0]));
    delivered(e, &chat, 3).await;
    assert_eq!(state(a, &chat, 3).await, is("DELIVERED", [2, 2, 0]));
    assert_eq!(state(a, &chat, 4).await, is("SENT", [2, 0, 0]));
    seen(e, &chat, 2).await;
    assert_eq!(state(a, &chat, 2).await, is("DELIVERED", [2, 2, 1]));
    seen(b, &chat, 4).await;
    assert_eq!(state(a, &chat, 2).await, is("SEEN", [2, 2, 2]));
    let last = state(a, &chat, 4).await;
    assert_eq!(last, is("SENT", [2, 1, 1]), "what is seen is delivered");
    // A mark never goes back, and is never ahead of what was sent.
    delivered(b, &chat, 1).await;
    seen(b, &chat, 0).await;
    delivered(e, &chat, 1_000).await;
    assert_eq!(state(a, &chat, 4).await, is("DELIVERED", [2, 2, 1]));
    say(a, &chat, "Five").await;
    assert_eq!(state(a, &chat, 5).await, is("SENT", [2, 0, 0]));
    // Who answers has seen.
    say(b, &chat, "Six").await;
    assert_eq!(state(a, &chat, 5).await, is("SENT", [2, 1, 1]));
    assert_eq!(state(b, &chat, 6).await, is("SENT", [2, 0, 0]));

    let three = message(a, &chat, 3).await;
    let (bobs, eves) = (of(&three, bob), of(&three, eve));
    assert_eq!(
        (&bobs["state"], &eves["state"]),
        (&json!("SEEN"), &json!("DELIVERED"))
    );
    assert!(eves["deliveredAt"].is_string() && eves["seenAt"].is_null());
    assert!(three["createdAt"].as_str() <= bobs["deliveredAt"].as_str());
    assert!(
        bobs["deliveredAt"].as_str() < bobs["seenAt"].as_str(),
        "{bobs}"
    );
    let four = message(a, &chat, 4).await;
    let bobs_four = of(&four, bob);
    assert_eq!(bobs_four["deliveredAt"], bobs_four["seenAt"], "by one mark");
    assert_eq!(bobs_four["seenAt"], bobs["seenAt"]);

    // It is the sender's alone to know.
    for reader in [b, e] {
        let theirs = message(reader, &chat, 3).await;
        assert_eq!(
            (&theirs["state"], &theirs["receipts"]),
            (&Value::Null, &Value::Null)
        );
    }
    // Recipients are the members of now.
    apply(
        a,
        "removeChatMember",
        json!({ "id": chat, "userId": eve.id }),
    )
    .await;
    assert_eq!(state(a, &chat, 4).await, is("SEEN", [1, 1, 1]));
    apply(
        a,
        "addChatMembers",
        json!({ "id": chat, "userIds": [eve.id, dan.id] }),
    )
    .await;
    assert_eq!(
        state(a, &chat, 4).await,
        is("SEEN", [1, 1, 1]),
        "they joined after it"
    );
    say(a, &chat, "Seven").await;
    seen(d, &chat, 7).await;
    assert_eq!(state(a, &chat, 7).await, is("SENT", [3, 1, 1]));
    let seven = message(a, &chat, 7).await;
    assert!(
        of(&seven, eve)["deliveredAt"].is_null(),
        "what they told is forgotten"
    );
    assert_ne!(ada.id, dan.id);
}

/// The next event of one's own chats.
async fn next(socket: &mut tests::socket::Socket) -> Value {
    let payload = socket.payload("1").await;
    assert!(payload.get("errors").is_none(), "{payload}");
    payload["data"]["myChats"].clone()
}

async fn senders_hear_of_it_and_nobody_else(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(ada, a), (bob, b), (eve, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob, &eve]).await;
    for (client, text) in [(&a, "One"), (&a, "Two"), (&e, "Three")] {
        say(client, &chat, text).await;
    }
    let start = api::settled(&setup, app.client()).await;
    let elsewhere = &app.gateways[app.gateways.len() - 1].client;
    let mut sockets = Vec::new();
    for person in [&ada, &bob, &eve] {
        let mut socket = person.client(elsewhere).socket().await;
        socket.subscribe("1", OWN, json!({ "after": start })).await;
        sockets.push(socket);
    }
    delivered(&b, &chat, 1).await;
    delivered(&b, &chat, 1).await;
    seen(&b, &chat, 3).await;
    delivered(&b, &chat, 3).await;
    apply(&a, "renameChat", json!({ "id": chat, "title": "Cake" })).await;

    let told = |kind: &str, up_to: u64| json!([kind, bob.id, chat, { "user": { "id": bob.id, "name": "Bob" }, "upTo": up_to }]);
    let shown = |event: &Value| {
        assert!(event["message"].is_null());
        json!([
            event["type"],
            event["actor"]["id"],
            event["chatId"],
            event["receipt"]
        ])
    };
    let mut heard = Vec::new();
    for _ in 0..2 {
        heard.push(next(&mut sockets[0]).await);
    }
    let told: [Value; 2] = [told("MESSAGES_DELIVERED", 1), told("MESSAGES_SEEN", 3)];
    assert_eq!([shown(&heard[0]), shown(&heard[1])], told);
    assert_eq!(
        next(&mut sockets[0]).await["type"],
        "RENAMED",
        "and no more"
    );
    let bobs = [next(&mut sockets[1]).await, next(&mut sockets[1]).await];
    assert_eq!(
        (&bobs[0]["type"], &bobs[1]["type"]),
        (&json!("READ"), &json!("RENAMED"))
    );
    let eves = [next(&mut sockets[2]).await, next(&mut sockets[2]).await];
    assert_eq!(shown(&eves[0]), told[1], "her message was the third");
    assert_eq!(eves[1]["type"], "RENAMED");

    // Who was away hears the same, as long as they are a member.
    let mut late = a.socket().await;
    late.subscribe("1", OWN, json!({ "after": heard[0]["cursor"] }))
        .await;
    assert_eq!(next(&mut late).await, heard[1]);
    apply(&e, "leaveChat", json!({ "id": chat })).await;
    let mut gone = e.socket().await;
    gone.subscribe("1", OWN, json!({ "after": start })).await;
    let event = next(&mut gone).await;
    assert_eq!(
        (&event["type"], &event["receipt"]),
        (&json!("MESSAGES_SEEN"), &Value::Null)
    );
}

async fn a_live_query_shows_it(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (eve, _)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    say(&a, &chat, "Hello").await;
    let document = "query($id: ID!) @live { chat(id: $id) { lastMessage { state receipts { recipientCount seenCount \
        recipients { user { name } } } } } }";
    let mut watch = Watch::open(&a, document, json!({ "id": chat })).await;
    let wanted = [
        (json!("SENT"), json!(1), json!(0)),
        (json!("DELIVERED"), json!(1), json!(0)),
        (json!("SEEN"), json!(1), json!(1)),
    ];
    for (number, (name, recipients, seen_by)) in wanted.iter().enumerate() {
        match number {
            1 => delivered(&b, &chat, 1).await,
            2 => seen(&b, &chat, 1).await,
            _ => {}
        }
        let is_wanted = |it: &Value| {
            let last = &it["chat"]["lastMessage"];
            let receipts = &last["receipts"];
            last["state"] == *name
                && receipts["recipientCount"] == *recipients
                && receipts["seenCount"] == *seen_by
        };
        watch.until("its state", is_wanted).await;
    }
    let before = watch.state().answers;
    apply(
        &a,
        "addChatMembers",
        json!({ "id": chat, "userIds": [eve.id] }),
    )
    .await;
    let sent = say(&a, &chat, "Welcome").await;
    watch
        .until("two recipients", |it| {
            it["chat"]["lastMessage"]["receipts"]["recipientCount"] == 2
        })
        .await;
    assert_eq!(sent["number"], 2);
    assert!(watch.state().answers > before);
}

/// A gateway of the version before moves the read mark alone, and adds members without the number at which they joined.
async fn an_earlier_version_beside(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (eve, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    say(&a, &chat, "One").await;
    apply(
        &a,
        "addChatMembers",
        json!({ "id": chat, "userIds": [eve.id] }),
    )
    .await;
    for text in ["Two", "Three"] {
        say(&a, &chat, text).await;
    }
    let database = setup.database().await;
    let earlier = "update chat_member set joined_number = null, last_delivered_number = 0, \
        last_read_number = case when last_read_number = 0 then 2 else last_read_number end where last_read_number <> 3";
    database.execute_unprepared(earlier).await.expect("rows");
    let one = message(&a, &chat, 1).await;
    assert_eq!(one["receipts"]["recipientCount"], 1, "by the time");
    let two = message(&a, &chat, 2).await;
    assert_eq!(of(&two, &bob)["state"], "SEEN");
    assert_eq!(of(&two, &eve)["state"], "SENT");
    delivered(&b, &chat, 2).await;
    seen(&b, &chat, 3).await;
    seen(&e, &chat, 3).await;
    let two = message(&a, &chat, 2).await;
    let unknown = of(&two, &bob);
    assert_eq!(
        (&unknown["deliveredAt"], &unknown["seenAt"]),
        (&Value::Null, &Value::Null),
        "nobody noted when"
    );
    assert!(of(&two, &eve)["seenAt"].is_string());
    let three = message(&a, &chat, 3).await;
    assert_eq!(three["state"], "SEEN");
    assert!(of(&three, &bob)["seenAt"].is_string());
}

/// Both marks of one member, and messages of several, at once: no event is lost or doubled, and nothing is stuck.
async fn at_once(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(_, a), (bob, b), (eve, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob, &eve]).await;
    let clients = [&a, &b, &e];
    let work = (0..24_u64).map(|number| {
        let (client, chat) = (clients[number as usize % 3], &chat);
        async move {
            match number % 4 {
                0 => drop(say(client, chat, &format!("message {number}")).await),
                1 => seen(client, chat, number).await,
                _ => delivered(client, chat, number).await,
            }
        }
    });
    futures::future::join_all(work).await;
    for client in clients {
        seen(client, &chat, 1_000).await;
    }
    for number in 1..=6 {
        let mut states = Vec::new();
        for client in clients {
            let message = message(client, &chat, number).await;
            states.extend(message["state"].as_str().map(str::to_owned));
        }
        assert_eq!(states, ["SEEN"], "by its sender");
    }
    api::settled(&setup, app.client()).await;
    let log = tests::database::log(&setup.database().await).await;
    let marks = log.iter().filter(|entry| entry.stream == "receipts");
    let mut highest = std::collections::BTreeMap::new();
    for entry in marks {
        let key = (
            entry.id.clone(),
            entry.data["memberId"].to_string(),
            entry.kind.clone(),
        );
        let up_to = entry.data["upToNumber"].as_u64().expect("a number");
        let before = highest.insert(key, up_to);
        assert!(before < Some(up_to), "{entry:?}");
    }
}

/// Who reads does not wait for who writes in the chat.
async fn marks_wait_for_no_writer(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    say(&a, &chat, "One").await;
    let database = setup.database().await;
    let writing = database.begin().await.expect("a transaction");
    let locked = writing.execute_unprepared("select id from chat for update");
    locked.await.expect("the lock");
    delivered(&b, &chat, 1).await;
    seen(&b, &chat, 1).await;
    writing.rollback().await.expect("the end");
    assert_eq!(state(&a, &chat, 1).await, is("SEEN", [1, 1, 1]));
}

tests::distributed!(marks_wait_for_no_writer);
tests::both_ways!(
    a_message_comes_as_far_as_to_its_last_recipient,
    senders_hear_of_it_and_nobody_else,
    a_live_query_shows_it,
    an_earlier_version_beside,
    at_once,
);
