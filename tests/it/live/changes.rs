//! What changes an answer is told, whatever it was read from; what does not change it is not.

use serde_json::json;
use tests::live::Watch;
use tests::people;
use tests::{Setup, chats, customers};

use super::{CUSTOMERS, apply, names, post};

async fn a_customer(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let ada = customers::create(client, "Ada", "ada@example.com").await;
    let bob = customers::create(client, "Bob", "bob@example.com").await;
    let document = "query($id: ID!) @live { customer(id: $id) { name } node(id: $id) { id } }";
    let elsewhere = &app.gateways[app.gateways.len() - 1].client;
    let mut watch = Watch::open(elsewhere, document, json!({ "id": ada["id"] })).await;
    watch
        .until("it is there", |it| it["customer"]["name"] == "Ada")
        .await;
    let before = watch.state().answers;
    for number in 0..5 {
        let input = json!({ "id": bob["id"], "name": format!("Bob {number}") });
        customers::apply(client, "update", input).await;
    }
    // The phone is not asked for: the query is executed, and says the same.
    let unseen = json!({ "id": ada["id"], "phone": "+49 30 1" });
    customers::apply(client, "update", unseen).await;
    let named = json!({ "id": ada["id"], "name": "Ada L." });
    customers::apply(client, "update", named).await;
    assert_eq!(watch.next().await["customer"]["name"], "Ada L.");
    customers::apply(client, "delete", json!({ "id": ada["id"] })).await;
    assert!(watch.next().await["customer"].is_null());
    customers::apply(client, "restore", json!({ "id": ada["id"] })).await;
    assert_eq!(watch.next().await["customer"]["name"], "Ada L.");
    assert_eq!(watch.state().answers, before + 3, "and nothing else");
}

async fn lists(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let active = json!({ "first": 3, "filter": { "status": { "in": ["ACTIVE"] } } });
    let mut all = Watch::open(client, CUSTOMERS, json!({ "first": 3 })).await;
    let mut few = Watch::open(client, CUSTOMERS, active).await;
    let mut created = Vec::new();
    for (name, status) in [("A", "PROSPECT"), ("B", "PROSPECT"), ("C", "ACTIVE")] {
        let email = format!("{name}@example.com");
        let input = json!({ "name": name, "email": email, "status": status });
        created.push(customers::apply(client, "create", input).await);
    }
    all.until("three", |it| names(&it["customers"]) == ["C", "B", "A"])
        .await;
    assert_eq!(names(&few.next().await["customers"]), ["C"]);
    assert_eq!(
        few.state().answers,
        2,
        "those that do not match are not told"
    );
    let becomes = json!({ "id": created[0]["id"], "status": "ACTIVE" });
    customers::apply(client, "update", becomes).await;
    assert_eq!(few.next().await["customers"]["totalCount"], 2);
    assert_eq!(names(&few.data()["customers"]), ["C", "A"]);
    let becomes = json!({ "id": created[2]["id"], "status": "CLOSED" });
    customers::apply(client, "update", becomes).await;
    assert_eq!(names(&few.next().await["customers"]), ["A"]);
    customers::apply(client, "delete", json!({ "id": created[0]["id"] })).await;
    assert_eq!(few.next().await["customers"]["totalCount"], 0);
    all.until("two", |it| it["customers"]["totalCount"] == 2)
        .await;
}

async fn a_post(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let author = people::register(client, "Ada").await;
    let reader = people::register(client, "Bob").await;
    let (ada, bob) = (author.client(client), reader.client(client));
    let id = post(&ada, "Hello").await;
    let document = "query($id: ID!) @live(throttle: 10) { post(id: $id) { message likeCount likedByMe \
        author { name } comments { nodes { text author { name } } } } }";
    let mut watch = Watch::open(&bob, document, json!({ "id": id })).await;
    watch
        .until("it is there", |it| it["post"]["message"] == "Hello")
        .await;
    // Each is told alone, by the answer that its event caused.
    apply(&bob, "likePost", "__typename", json!({ "id": id })).await;
    let liked = watch.next().await;
    assert_eq!(
        (&liked["post"]["likeCount"], &liked["post"]["likedByMe"]),
        (&json!(1), &json!(true))
    );
    let comment = json!({ "postId": id, "text": "Well said" });
    apply(&bob, "addComment", "__typename", comment).await;
    let said = watch.next().await["post"]["comments"]["nodes"].clone();
    assert_eq!(
        said,
        json!([{ "text": "Well said", "author": { "name": "Bob" } }])
    );
    let before = watch.state().answers;
    post(&ada, "Something else").await;
    apply(
        &ada,
        "updateProfile",
        "__typename",
        json!({ "name": "Ada L." }),
    )
    .await;
    assert_eq!(watch.next().await["post"]["author"]["name"], "Ada L.");
    apply(
        &bob,
        "updateProfile",
        "__typename",
        json!({ "name": "Bob B." }),
    )
    .await;
    let nodes = &watch.next().await["post"]["comments"]["nodes"];
    assert_eq!(nodes[0]["author"]["name"], "Bob B.");
    assert_eq!(watch.state().answers, before + 2);
    apply(&ada, "deletePost", "__typename", json!({ "id": id })).await;
    assert!(watch.next().await["post"].is_null());
}

async fn chats_of_a_user(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let (ada, bob) = (
        people::register(client, "Ada").await,
        people::register(client, "Bob").await,
    );
    let (adas, bobs) = (ada.client(client), bob.client(client));
    let first = chats::create_group(&adas, "First", &[&bob.id]).await;
    let document =
        "query @live { chats { nodes { title unreadCount memberCount lastMessage { text } } } }";
    let mut watch = Watch::open(&bobs, document, json!({})).await;
    watch
        .until("it is there", |it| {
            it["chats"]["nodes"][0]["title"] == "First"
        })
        .await;
    let node = |it: &serde_json::Value| it["chats"]["nodes"][0].clone();
    chats::say(&adas, &first, "Hello").await;
    let said = node(watch.next().await);
    assert_eq!(
        (&said["unreadCount"], &said["lastMessage"]["text"]),
        (&json!(1), &json!("Hello"))
    );
    apply(&bobs, "markChatRead", "__typename", json!({ "id": first })).await;
    assert_eq!(node(watch.next().await)["unreadCount"], 0);
    // A chat of others is nobody else's.
    let eve = people::register(client, "Eve").await;
    let others = chats::create_group(&adas, "Others", &[&eve.id]).await;
    chats::say(&adas, &others, "Hush").await;
    let before = watch.state().answers;
    chats::add(&adas, &others, &bob.id).await;
    watch
        .until("it is added", |it| node(it)["title"] == "Others")
        .await;
    assert_eq!(watch.state().answers, before + 1);
    chats::remove(&adas, &others, &bob.id).await;
    watch
        .until("it is removed", |it| node(it)["title"] == "First")
        .await;
}

async fn statistics_and_the_log(setup: Setup) {
    let app = setup.start_many(1, 2, &[]);
    let client = app.client();
    let document = "query @live { customerStatistics { total } }";
    let mut counts = Watch::open(client, document, json!({})).await;
    let document = "query @live { eventLog(last: 1) { nodes { type } } }";
    let mut log = Watch::open(client, document, json!({})).await;
    for number in 1..=3 {
        let email = format!("c{number}@example.com");
        customers::create(client, "C", &email).await;
        assert_eq!(counts.next().await["customerStatistics"]["total"], number);
    }
    let last = |it: &serde_json::Value| it["eventLog"]["nodes"][0]["type"].clone();
    log.until("customers", |it| last(it) == "CustomerCreated")
        .await;
    post(client, "Hello").await;
    log.until("a post", |it| last(it) == "PostCreated").await;
}

tests::both_ways!(
    a_customer,
    lists,
    a_post,
    chats_of_a_user,
    statistics_and_the_log
);
