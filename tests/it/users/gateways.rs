//! Presence when gateways stop, die, are paused and come back, and under many connections at once.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tests::people::{self, Person};
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::socket::Socket;
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

use super::{becomes, presence_events, shown};

const USERS: usize = 12;
const TURNS: usize = 25;

async fn a_killed_gateway_takes_its_users_offline(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "100ms");
    setup.settings.set("MILLRACE_PRESENCE_LEASE", "2s");
    let mut app = setup.start_many(2, 1, &[]);
    let [killed, kept] = [0, app.gateways.len() - 1];
    let clients = app.clients();
    let lost = people::register(&clients[0], "Lost").await;
    let both = people::register(&clients[0], "Both").await;
    let _lost = lost.client(&clients[killed]).socket().await;
    let _both = both.client(&clients[killed]).socket().await;
    becomes(&clients[kept], &lost.id, "ONLINE").await;
    becomes(&clients[kept], &both.id, "ONLINE").await;
    let elsewhere = match killed == kept {
        true => None,
        false => Some(both.client(&clients[kept]).socket().await),
    };
    let database = setup.database().await;
    if elsewhere.is_some() {
        let sockets = "select count(*) as number from presence_socket";
        eventually("both gateways have their users", SOON, async || {
            (database::number(&database, sockets).await == 3).then_some(())
        })
        .await;
    }
    let died = Instant::now();
    app.gateways[killed].process.kill();
    if killed == kept {
        app.gateways[killed].restart();
        // Nobody is taken offline before the lease is over, which it may be when a slow machine has restarted the gateway.
        let (availability, _) = shown(&app.gateways[0].client, &lost.id).await;
        assert!(availability == "ONLINE" || died.elapsed() > Duration::from_secs(1));
    }
    let client = app.gateways[kept].client.clone();
    assert!(becomes(&client, &lost.id, "OFFLINE").await.is_string());
    if elsewhere.is_some() {
        assert_eq!(
            shown(&client, &both.id).await,
            ("ONLINE".into(), Value::Null)
        );
        let events = presence_events(&database, &both.id).await;
        assert_eq!(events, ["UserConnected"]);
        app.gateways[killed].restart();
    }
    let _again = lost.client(&app.gateways[killed].client).socket().await;
    becomes(&client, &lost.id, "ONLINE").await;
    let events = presence_events(&database, &lost.id).await;
    assert_eq!(
        events,
        ["UserConnected", "UserDisconnected", "UserConnected"]
    );
}

async fn a_graceful_stop_waits_for_nothing(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "1h");
    setup.settings.set("MILLRACE_PRESENCE_LEASE", "1h");
    let mut app = setup.start();
    let ada = people::register(app.client(), "Ada").await;
    let _socket = ada.client(app.client()).socket().await;
    becomes(app.client(), &ada.id, "ONLINE").await;
    app.gateways[0].process.signal(Signal::TERM);
    app.gateways[0].process.wait(SOON);
    let database = setup.database().await;
    let events = presence_events(&database, &ada.id).await;
    assert_eq!(events, ["UserConnected", "UserDisconnected"]);
    let rows = "select (select count(*) from presence_gateway) + (select count(*) from presence_socket) as number";
    assert_eq!(
        database::number(&database, rows).await,
        0,
        "nothing is left to sweep"
    );
}

async fn a_paused_gateway_comes_back(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "100ms");
    setup.settings.set("MILLRACE_PRESENCE_LEASE", "2s");
    let mut app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let ada = people::register(&clients[1], "Ada").await;
    let _socket = ada.client(&clients[0]).socket().await;
    becomes(&clients[1], &ada.id, "ONLINE").await;
    app.gateways[0].process.pause();
    becomes(&clients[1], &ada.id, "OFFLINE").await;
    app.gateways[0].process.resume();
    // The socket was open all the time.
    becomes(&clients[1], &ada.id, "ONLINE").await;
    let events = presence_events(&setup.database().await, &ada.id).await;
    assert_eq!(
        events,
        ["UserConnected", "UserDisconnected", "UserConnected"]
    );
}

/// For longer than the lease: nobody could renew, so nobody is known to be here, until the gateway says so again.
async fn an_outage_of_the_database_is_survived(_: Setup) {
    let postgres = Postgres::start();
    let mut setup = Setup::distributed_on(&postgres, Redis::shared());
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "100ms");
    setup.settings.set("MILLRACE_PRESENCE_LEASE", "1500ms");
    let app = setup.start();
    let client = app.client();
    let stays = people::register(client, "Stays").await;
    let leaves = people::register(client, "Leaves").await;
    let comes = people::register(client, "Comes").await;
    let _stays = stays.client(client).socket().await;
    let leaving = leaves.client(client).socket().await;
    let mut coming = Socket::upgrade(app.address(), "graphql-transport-ws")
        .await
        .expect("an upgrade");
    becomes(client, &stays.id, "ONLINE").await;
    becomes(client, &leaves.id, "ONLINE").await;
    postgres.crash();
    leaving.close().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    postgres.restart();
    eventually("somebody comes", SOON, async || {
        if coming
            .initialise_as(Some(&comes.access_token))
            .await
            .is_ok()
        {
            return Some(());
        }
        let again = Socket::upgrade(app.address(), "graphql-transport-ws").await;
        coming = again.ok()?;
        None
    })
    .await;
    let database = setup.database().await;
    let right = "select (select count(*) from user_presence where is_online) + \
        10 * (select count(*) from presence_socket) + 100 * (select count(*) from presence_gateway) as number";
    let users = [(&stays, true), (&leaves, false), (&comes, true)];
    eventually("two are online, on one gateway", SOON, async || {
        for (user, stays) in users {
            let events = presence_events(&database, &user.id).await;
            if (events.len() % 2 == 1) != stays {
                return None;
            }
        }
        (database::number(&database, right).await == 122).then_some(())
    })
    .await;
}

/// Users come and go on all gateways at once, one of which is killed twice: in the end everybody is shown as they are, and
/// their events have told of each coming and going once.
async fn presence_is_right_after_a_storm(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "1ms");
    setup.settings.set("MILLRACE_PRESENCE_LEASE", "2s");
    let mut app = setup.start_many(2, 1, &[]);
    let client = app.gateways.last().expect("a gateway").client.clone();
    let mut users = Vec::new();
    for number in 0..USERS {
        users.push(people::register(&client, &format!("User {number}")).await);
    }
    let clients = app.clients();
    let coming = users.iter().enumerate().map(|(number, user)| {
        let (user, clients) = (user.clone(), clients.clone());
        tokio::spawn(async move { come_and_go(&user, &clients, number).await })
    });
    let coming: Vec<_> = coming.collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        app.gateways[0].kill_and_restart();
    }
    for user in coming {
        user.await.expect("a user who comes and goes");
    }
    // Half of them stay.
    let mut staying = Vec::new();
    for user in &users[..USERS / 2] {
        staying.push(user.client(&client).socket().await);
    }
    let database = setup.database().await;
    for (number, user) in users.iter().enumerate() {
        let stays = number < USERS / 2;
        becomes(&client, &user.id, if stays { "ONLINE" } else { "OFFLINE" }).await;
    }
    eventually("what was left behind is swept", SOON, async || {
        let sockets = "select count(*) as number from presence_socket";
        (database::number(&database, sockets).await == staying.len() as u64).then_some(())
    })
    .await;
    eventually("and each is counted with one socket", SOON, async || {
        let sockets = "select sum(sockets) as number from presence_socket";
        (database::number(&database, sockets).await == staying.len() as u64).then_some(())
    })
    .await;
    for (number, user) in users.iter().enumerate() {
        let stays = number < USERS / 2;
        assert_eq!(
            shown(&client, &user.id).await.0,
            if stays { "ONLINE" } else { "OFFLINE" }
        );
        let events = presence_events(&database, &user.id).await;
        let alternating = (0..events.len()).map(|index| match index % 2 {
            0 => "UserConnected",
            _ => "UserDisconnected",
        });
        assert_eq!(events, alternating.collect::<Vec<_>>());
        assert_eq!(events.len() % 2 == 1, stays, "{events:?}");
    }
}

async fn come_and_go(user: &Person, clients: &[tests::graphql::Client], number: usize) {
    let mut random = fastrand::Rng::with_seed(number as u64);
    let mut sockets = Vec::new();
    for _ in 0..TURNS {
        if sockets.is_empty() || random.bool() {
            let client = user.client(&clients[random.usize(..clients.len())]);
            // The gateway may be down at the moment.
            if let Ok(socket) = client.try_socket().await {
                sockets.push(socket);
            }
        } else {
            drop(sockets.swap_remove(random.usize(..sockets.len())));
        }
        tokio::time::sleep(Duration::from_millis(random.u64(..60))).await;
    }
}

tests::both_ways!(
    a_killed_gateway_takes_its_users_offline,
    a_graceful_stop_waits_for_nothing,
    presence_is_right_after_a_storm,
);
tests::distributed!(
    a_paused_gateway_comes_back,
    an_outage_of_the_database_is_survived
);
