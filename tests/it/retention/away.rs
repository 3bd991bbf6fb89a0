//! A gateway that stood still while the log was pruned past what it had read: it says so to subscribers, shows what is now, and
//! closes the sockets of those who were disconnected meanwhile.

use serde_json::json;
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::socket::Frame;
use tests::{Setup, customers, eventually, people};

use super::{SOON, prune_all};

async fn a_gateway_that_was_away_goes_on_behind_it(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let mut app = setup.start_many(2, 1, &[]);
    let [one, other] = [
        app.gateways[0].client.clone(),
        app.gateways[1].client.clone(),
    ];
    let database = setup.database().await;
    let customer = customers::create(&one, "Before", "customer@example.com").await;
    eventually("the other has it hot", SOON, async || {
        (customers::find(&other, &customer["id"]).await["name"] == "Before").then_some(())
    })
    .await;
    let disconnected = people::register(&one, "Disconnected").await;
    let mut closed = eventually("the other knows the user", SOON, async || {
        disconnected.client(&other).try_socket().await.ok()
    })
    .await;
    let mut open = other.socket().await;
    open.subscribe("open", customers::CHANGES, json!({})).await;
    // What came before it may come once more, if it was not there yet when the subscription began.
    let hears = async |open: &mut tests::socket::Socket, name: &str| {
        let input = json!({ "id": customer["id"], "name": name });
        customers::apply(&one, "update", input).await;
        while open.change("open").await["customer"]["name"] != name {}
    };
    hears(&mut open, "Heard of").await;

    app.gateways[1].process.pause();
    let input = json!({ "id": customer["id"], "name": "While it was away" });
    customers::apply(&one, "update", input).await;
    for number in 0..50 {
        customers::create(&one, "Unheard of", &format!("{number}@example.com")).await;
    }
    let document = "mutation($input: DisconnectUserInput!) { disconnectUser(input: $input) { endedSessions } }";
    let input = json!({ "id": disconnected.id, "endSessions": false });
    // The one that is paused may have been in a transaction, and what that holds is waited for a while only.
    eventually("the user is disconnected", SOON, async || {
        let answer = one.run(document, json!({ "input": input })).await;
        (!answer.is_passing()).then(|| answer.data().clone())
    })
    .await;
    prune_all(&setup, &database).await;
    // From Redis it would get what the log has no more.
    redis.flush_all();
    app.gateways[1].process.resume();

    let told = loop {
        let message = open.message().await;
        match message["type"].as_str() {
            Some("ping") => open.send(json!({ "type": "pong" })).await,
            // What Redis had for it before it read the head.
            Some("next") => {}
            _ => break message,
        }
    };
    assert_eq!(
        told["payload"][0]["extensions"]["code"], "CURSOR_EXPIRED",
        "{told}"
    );
    loop {
        match closed.receive().await {
            Frame::Message(_) => {}
            Frame::Closed { code, .. } => break assert_eq!(code, 4410),
            Frame::Cut(problem) => panic!("cut without a close frame: {problem}"),
        }
    }
    // What it has hot from before is of no use any more.
    eventually("it shows what is now", SOON, async || {
        let found = customers::find(&other, &customer["id"]).await;
        (found["name"] == "While it was away").then_some(())
    })
    .await;
    let now = other.head().await;
    open.subscribe("open", customers::CHANGES, json!({ "after": now }))
        .await;
    hears(&mut open, "Again").await;
}

tests::distributed!(a_gateway_that_was_away_goes_on_behind_it);
