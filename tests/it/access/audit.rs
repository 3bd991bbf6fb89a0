//! Every event carries who did it, whatever was done and on whichever gateway.

use std::collections::BTreeMap;

use serde_json::json;
use tests::people;
use tests::{Setup, chats, customers, database};

async fn every_event_has_its_actor(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (admin, last) = (app.client(), app.gateways.last().expect("a gateway"));
    let database = setup.database().await;
    let (before, _) = database::log_size(&database).await;

    let ada = people::register(admin, "Ada").await;
    let own = ada.client(&last.client);
    people::sign_in(admin, &ada.email, &ada.password).await;
    people::refresh(admin, &ada).await;
    let document = "mutation { updateProfile(input: { bio: \"Mathematician\" }) { user { id } } }";
    own.run(document, json!({})).await.data();
    people::change_password(&own, &ada.password, "another password")
        .await
        .data();
    let chat = chats::create_group(&own, "Tea", &[&setup.admin().id]).await;
    chats::say(&own, &chat, "Hello").await;
    drop(own.socket().await);

    chats::say(admin, &chat, "Hello Ada").await;
    customers::create(admin, "Customer", "customer@example.com").await;
    people::set_role(admin, &ada.id, "STAFF").await.data();
    people::deactivate(admin, Some(&ada.id)).await.data();

    let mut doers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in database::log(&database)
        .await
        .into_iter()
        .skip(before as usize)
    {
        let actor = entry.meta["actor"].as_str().unwrap_or("nobody").to_owned();
        // A gateway tells of who comes and goes on its own behalf.
        if entry.stream != "presence" {
            doers.entry(actor).or_default().push(entry.kind);
        }
    }
    let admin_id = &setup.admin().id;
    let strangers: Vec<_> = doers
        .iter()
        .filter(|(actor, _)| *actor != admin_id && **actor != ada.id)
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    let did = |actor: &str, kind: &str| doers[actor].iter().any(|done| done == kind);
    for kind in [
        "UserRegistered",
        "SessionStarted",
        "SessionRefreshed",
        "UserProfileUpdated",
        "UserPasswordChanged",
        "ChatCreated",
        "ChatMessageSent",
    ] {
        assert!(did(&ada.id, kind), "{kind} is not Ada's: {doers:?}");
    }
    for kind in [
        "CustomerCreated",
        "UserRoleChanged",
        "UserDeactivated",
        "SessionRevoked",
        "ChatMessageSent",
    ] {
        assert!(
            did(admin_id, kind),
            "{kind} is not the administrator's: {doers:?}"
        );
    }
}

tests::both_ways!(every_event_has_its_actor);
