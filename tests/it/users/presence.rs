//! Who is here, by open sockets: the first brings a user online, the last and the grace take them offline, and what they
//! chose is shown in between.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Setup, people};

use super::{becomes, choose, comparable, presence_events, shown};

async fn sockets_make_users_present(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "300ms");
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let bob = people::register(client, "Bob").await;
    assert_eq!(
        shown(client, &ada.id).await,
        ("OFFLINE".into(), Value::Null)
    );
    let first = ada.client(client).socket().await;
    assert_eq!(becomes(client, &ada.id, "ONLINE").await, Value::Null);
    let second = ada.client(client).socket().await;
    let other = bob.client(client).socket().await;
    becomes(client, &bob.id, "ONLINE").await;
    // When the grace is over for the one, it would be for the other.
    first.close().await;
    other.close().await;
    let before = comparable(&becomes(client, &bob.id, "OFFLINE").await);
    assert_eq!(shown(client, &ada.id).await, ("ONLINE".into(), Value::Null));
    second.close().await;
    let after = comparable(&becomes(client, &ada.id, "OFFLINE").await);
    assert!(before < after, "{before} {after}");
    let database = setup.database().await;
    assert_eq!(
        presence_events(&database, &ada.id).await,
        ["UserConnected", "UserDisconnected"]
    );
}

async fn requests_without_a_socket_make_nobody_present(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    people::me(&ada.client(client)).await.data();
    let anonymous = client.anonymous().socket().await;
    assert_eq!(
        shown(client, &ada.id).await,
        ("OFFLINE".into(), Value::Null)
    );
    anonymous.close().await;
    assert!(
        presence_events(&setup.database().await, &ada.id)
            .await
            .is_empty()
    );
}

async fn a_reconnect_is_not_seen(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "2s");
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let bob = people::register(client, "Bob").await;
    let mut socket = ada.client(client).socket().await;
    becomes(client, &ada.id, "ONLINE").await;
    let mut longest = Duration::ZERO;
    for turn in 0..6 {
        let left = Instant::now();
        socket.close().await;
        let gateway = &app.gateways[turn % app.gateways.len()];
        socket = ada.client(&gateway.client).socket().await;
        longest = longest.max(left.elapsed());
    }
    // Somebody who comes and goes now is gone when the grace of the last reconnect is over.
    let other = bob.client(client).socket().await;
    becomes(client, &bob.id, "ONLINE").await;
    other.close().await;
    becomes(client, &bob.id, "OFFLINE").await;
    assert_eq!(shown(client, &ada.id).await.0, "ONLINE");
    let database = setup.database().await;
    let events = presence_events(&database, &ada.id).await;
    // On a machine that stood still, the grace may have been over before she was back.
    assert!(
        events == ["UserConnected"] || longest > Duration::from_secs(1),
        "{events:?}, away for {longest:?} at most"
    );
    socket.close().await;
}

async fn what_was_chosen_is_shown_while_connected(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "100ms");
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let own = ada.client(client);
    let chosen = choose(&own, "BUSY").await;
    assert_eq!(chosen, json!({ "availability": "OFFLINE", "version": 2 }));
    assert_eq!(choose(&own, "BUSY").await["version"], 2, "nothing changed");
    let socket = own.socket().await;
    becomes(client, &ada.id, "BUSY").await;
    assert_eq!(choose(&own, "AWAY").await["availability"], "AWAY");
    assert_eq!(shown(client, &ada.id).await, ("AWAY".into(), Value::Null));
    socket.close().await;
    assert!(becomes(client, &ada.id, "OFFLINE").await.is_string());
    // Hidden: neither that they are here, nor that they were.
    choose(&own, "OFFLINE").await;
    assert_eq!(
        shown(client, &ada.id).await,
        ("OFFLINE".into(), Value::Null)
    );
    let socket = own.socket().await;
    let database = setup.database().await;
    tests::eventually(
        "the connection is known",
        tests::waiting::SOON,
        async || (presence_events(&database, &ada.id).await.len() == 3).then_some(()),
    )
    .await;
    assert_eq!(
        shown(client, &ada.id).await,
        ("OFFLINE".into(), Value::Null)
    );
    choose(&own, "ONLINE").await;
    assert_eq!(shown(client, &ada.id).await.0, "ONLINE");
    socket.close().await;
}

async fn who_is_deactivated_is_gone(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "100ms");
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let mut socket = ada.client(client).socket().await;
    becomes(client, &ada.id, "ONLINE").await;
    people::deactivate(client, Some(&ada.id)).await.data();
    assert_eq!(shown(client, &ada.id).await.0, "OFFLINE", "at once");
    assert_eq!(socket.closed().await, 4403);
    let database = setup.database().await;
    tests::eventually("the connection is gone", tests::waiting::SOON, async || {
        (presence_events(&database, &ada.id).await.len() == 2).then_some(())
    })
    .await;
}

tests::both_ways!(
    sockets_make_users_present,
    requests_without_a_socket_make_nobody_present,
    a_reconnect_is_not_seen,
    what_was_chosen_is_shown_while_connected,
    who_is_deactivated_is_gone,
);
