//! Rights that are lost while a live query is open: it shows nothing more, and ends where the caller does.

use serde_json::json;
use tests::live::Watch;
use tests::{Setup, chats, customers, people};

use super::CUSTOMERS;

async fn a_role(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let admin = app.client();
    let staff = people::with_role(admin, "STAFF").await;
    let client = staff.client(&app.gateways[app.gateways.len() - 1].client);
    customers::create(admin, "Ada", "ada@example.com").await;
    let mut watch = Watch::open(&client, CUSTOMERS, json!({ "first": 5 })).await;
    watch
        .until("one", |it| it["customers"]["totalCount"] == 1)
        .await;
    people::set_role(admin, &staff.id, "MEMBER").await.data();
    watch.until("nothing", |it| it["customers"].is_null()).await;
    assert_eq!(watch.state().errors[0]["extensions"]["code"], "FORBIDDEN");
    customers::create(admin, "Bob", "bob@example.com").await;
    people::set_role(admin, &staff.id, "STAFF").await.data();
    watch
        .until("both", |it| it["customers"]["totalCount"] == 2)
        .await;
}

async fn a_membership(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let admin = app.client();
    let (ada, bob) = (
        people::register(admin, "Ada").await,
        people::register(admin, "Bob").await,
    );
    let adas = ada.client(admin);
    let bobs = bob.client(&app.gateways[app.gateways.len() - 1].client);
    let chat = chats::create_group(&adas, "Chat", &[&bob.id]).await;
    let document =
        "query($id: ID!) @live(throttle: 10) { chat(id: $id) { messages { nodes { text } } } }";
    let mut watch = Watch::open(&bobs, document, json!({ "id": chat })).await;
    let newest = |it: &serde_json::Value| it["chat"]["messages"]["nodes"][0]["text"].clone();
    chats::say(&adas, &chat, "Before").await;
    watch.until("a message", |it| newest(it) == "Before").await;
    chats::remove(&adas, &chat, &bob.id).await;
    chats::say(&adas, &chat, "After").await;
    // Whatever comes is without the message.
    while !watch.data()["chat"].is_null() {
        watch.next().await;
        assert_ne!(newest(watch.data()), "After");
    }
    chats::add(&adas, &chat, &bob.id).await;
    watch.until("all of it", |it| newest(it) == "After").await;
}

async fn a_session(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let admin = app.client();
    let ada = people::register(admin, "Ada").await;
    let elsewhere = ada.client(&app.gateways[app.gateways.len() - 1].client);
    let mut watch = Watch::open(&elsewhere, "query @live { me { name } }", json!({})).await;
    assert_eq!(watch.data()["me"]["name"], "Ada");
    people::sign_out(&ada.client(admin), false).await;
    assert_eq!(watch.end().await, "UNAUTHENTICATED");
    let nobody = admin.anonymous();
    let watch = Watch::open(&nobody, "query @live { me { name } }", json!({})).await;
    assert!(watch.data()["me"].is_null());
}

tests::both_ways!(a_role, a_membership, a_session);
