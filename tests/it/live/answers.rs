//! How a live query is answered: over sockets and event streams, whole or as patches, once where it is an ordinary request; and how little a
//! slow client costs.

use serde_json::json;
use tests::live::{EventStream, Watch, Watched};
use tests::socket::Socket;
use tests::{Setup, customers};

use super::names;

const PAGE: &str =
    "query @live(throttle: 10) { customers(first: 100) { nodes { id name version } } }";

async fn event_streams(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let document = "query @live { customers { nodes { name } } }";
    let mut stream = EventStream::open(client, document).await;
    let first = stream.next().await;
    assert_eq!(names(&first["data"]["customers"]), [""; 0]);
    customers::create(client, "Ada", "ada@example.com").await;
    let second = stream.next().await;
    assert_eq!(names(&second["data"]["customers"]), ["Ada"]);
    // An ordinary request is answered once.
    let answer = client.run(document, json!({})).await;
    assert_eq!(names(&answer.data()["customers"]), ["Ada"]);
    let off = "query @live(if: false) { customers { nodes { name } } }";
    let mut socket = client.socket().await;
    socket.subscribe("1", off, json!({})).await;
    socket.payload("1").await;
    assert_eq!(socket.message().await["type"], "complete");
}

async fn patches(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let document =
        "query @live(patch: true, throttle: 10) { customers(first: 20) { nodes { id name } } }";
    for number in 0..20 {
        let (name, email) = (format!("C{number}"), format!("c{number}@example.com"));
        customers::create(client, &name, &email).await;
    }
    let mut watch = Watch::open(client, document, json!({})).await;
    watch
        .until("all", |it| names(&it["customers"])[0] == "C19")
        .await;
    assert_eq!(watch.state().revision, 1);
    customers::create(client, "New", "new@example.com").await;
    assert_eq!(names(&watch.next().await["customers"])[0], "New");
    let (revision, patches) = (watch.state().revision, watch.state().patches);
    let first = watch.data()["customers"]["nodes"][0]["id"].clone();
    customers::apply(client, "update", json!({ "id": first, "name": "Newer" })).await;
    assert_eq!(names(&watch.next().await["customers"])[0], "Newer");
    assert_eq!(watch.state().revision, revision + 1);
    assert_eq!(
        watch.state().patches,
        patches + 1,
        "the page is not sent again"
    );
}

async fn a_slow_client_gets_the_newest_answer(setup: Setup) {
    let app = setup.start_many(1, 1, &["--ping-interval", "10m"]);
    let client = app.client();
    let mut last = json!(null);
    for number in 0..100 {
        let name = format!("{number} {}", "long".repeat(40));
        last = customers::create(client, &name, &format!("c{number}@example.com")).await;
    }
    let mut quick = Watch::open(client, PAGE, json!({})).await;
    quick
        .until("all", |it| it["customers"]["nodes"][99].is_object())
        .await;
    let mut slow = Socket::upgrade_narrow(app.address(), 8 * 1024).await;
    slow.initialise_as(client.token())
        .await
        .expect("an acknowledgement");
    slow.subscribe("1", PAGE, json!({})).await;
    let before = app.gateways[0].process.resident_bytes();
    const CHANGES: i64 = 200;
    for number in 0..CHANGES {
        let name = format!("{number} {}", "LONG".repeat(40));
        customers::apply(client, "update", json!({ "id": last["id"], "name": name })).await;
        quick
            .until("it", |it| {
                it["customers"]["nodes"][0]["version"] == number + 2
            })
            .await;
    }
    let growth = app.gateways[0]
        .process
        .resident_bytes()
        .saturating_sub(before);
    assert!(
        growth < 32 << 20,
        "the gateway grew by {} MiB",
        growth >> 20
    );
    let mut state = Watched::default();
    while state.data["customers"]["nodes"][0]["version"] != CHANGES + 1 {
        let payload = slow.payload("1").await;
        state.take(&payload);
    }
    assert!(
        state.answers < CHANGES as usize,
        "it skipped some: {}",
        state.answers
    );
    assert_eq!(state.data, *quick.data());
}

tests::both_ways!(event_streams, patches, a_slow_client_gets_the_newest_answer);
