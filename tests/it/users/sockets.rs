//! Who has how many sockets at which gateway, as administrators see it, and nobody else: as they are opened and closed, when a gateway
//! dies, and beside gateways of an earlier version.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::people::{self, Person};
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

use super::{becomes, comparable};

/// What the API says of a user's sockets.
async fn sockets(client: &Client, id: &str) -> Value {
    let document =
        "query Sockets($id: ID!) { user(id: $id) { sockets { gateway socketCount since } } }";
    let answer = client.run(document, json!({ "id": id })).await;
    answer.data()["user"]["sockets"].clone()
}

/// The numbers by the gateway's port, and since when.
type Counts = Vec<(u16, u64, String)>;

/// When a user registered, by the clock of the gateway, which is that of the database: they are on one machine.
async fn registered(client: &Client, name: &str) -> (Person, String) {
    let person = people::register(client, name).await;
    let document = "query Registered($id: ID!) { user(id: $id) { createdAt } }";
    let answer = client.run(document, json!({ "id": person.id })).await;
    let at = comparable(&answer.data()["user"]["createdAt"]);
    (person, at)
}

fn counts(sockets: &Value) -> Counts {
    let each = sockets.as_array().expect("sockets").iter().map(|at| {
        let gateway = at["gateway"].as_str().expect("a name");
        let (host, port) = gateway.rsplit_once(':').expect("a host and a port");
        assert!(!host.is_empty(), "{gateway}");
        let port = port.parse().expect("a port");
        let count = at["socketCount"].as_u64().expect("a number");
        (port, count, comparable(&at["since"]))
    });
    each.collect()
}

/// Waits until the user has so many sockets at the gateways with these ports, in any order.
async fn are(client: &Client, id: &str, expected: &[(u16, u64)]) -> Counts {
    let mut wanted = expected.to_vec();
    wanted.sort_unstable();
    eventually(&format!("{id} has {expected:?}"), SOON, async || {
        let found = counts(&sockets(client, id).await);
        let mut shown: Vec<_> = found
            .iter()
            .map(|(port, count, _)| (*port, *count))
            .collect();
        shown.sort_unstable();
        (shown == wanted).then_some(found)
    })
    .await
}

async fn sockets_are_counted_by_gateway(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "100ms");
    setup.settings.set("MILLRACE_PRESENCE_LEASE", "2s");
    let mut app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let ports: Vec<_> = app.gateways.iter().map(|it| it.address.port()).collect();
    let (client, first, last) = (
        &clients[clients.len() - 1],
        ports[0],
        ports[ports.len() - 1],
    );
    let (ada, before) = registered(client, "Ada").await;
    let staff = people::with_role(client, "STAFF").await;
    assert_eq!(sockets(client, &ada.id).await, json!([]));
    let own = ada.client(&clients[0]);
    let mut open = vec![own.socket().await, own.socket().await, own.socket().await];
    let is_one = first == last;
    let elsewhere = match is_one {
        true => None,
        false => Some(ada.client(client).socket().await),
    };
    let here = |count| match is_one {
        true => vec![(first, count)],
        false => vec![(first, count), (last, 1)],
    };
    let shown = are(client, &ada.id, &here(3)).await;
    let (bob, after) = registered(client, "Bob").await;
    let is_between = |since: &String| (&before..=&after).contains(&since);
    assert!(
        shown.iter().all(|it| is_between(&it.2)),
        "{before} {shown:?} {after}"
    );
    for viewer in [&ada, &bob, &staff] {
        let shown = sockets(&viewer.client(client), &ada.id).await;
        assert_eq!(shown, Value::Null, "{}", viewer.name);
    }
    assert_eq!(sockets(client, &bob.id).await, json!([]));
    open.pop().expect("a socket").close().await;
    open.pop().expect("a socket").close().await;
    let later = are(client, &ada.id, &here(1)).await;
    let since = |counts: &Counts| counts.iter().map(|it| it.2.clone()).collect::<Vec<_>>();
    assert_eq!(
        since(&later),
        since(&shown),
        "other numbers since the same time"
    );
    open.push(own.socket().await);
    are(client, &ada.id, &here(2)).await;
    if let Some(elsewhere) = elsewhere {
        elsewhere.close().await;
        are(client, &ada.id, &[(first, 2)]).await;
    }
    app.gateways[0].process.kill();
    if is_one {
        app.gateways[0].restart();
    }
    are(&app.gateways[app.gateways.len() - 1].client, &ada.id, &[]).await;
}

/// An earlier version knows neither the columns nor how many sockets there are. Gateways here look at the table when they start, and not
/// again, so a dead gateway's rows are left out as they are read.
async fn rows_of_earlier_versions_and_of_the_dead(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_LEASE", "1h");
    let app = setup.start();
    let client = app.client();
    let (ada, before) = registered(client, "Ada").await;
    let _socket = ada.client(client).socket().await;
    becomes(client, &ada.id, "ONLINE").await;
    let port = app.address().port();
    are(client, &ada.id, &[(port, 1)]).await;
    let database = setup.database().await;
    let ids = match database::is_postgres(&database) {
        true => [
            "'01a1fdb9-0000-7000-8000-000000000001'",
            "'01a1fdb9-0000-7000-8000-000000000002'",
        ],
        false => [
            "x'01a1fdb9000070008000000000000001'",
            "x'01a1fdb9000070008000000000000002'",
        ],
    };
    let times = match database::is_postgres(&database) {
        true => ["now() + interval '1 minute'", "now() - interval '1 second'"],
        false => ["unixepoch() + 60", "unixepoch() - 1"],
    };
    for (id, time) in ids.iter().zip(times) {
        for sql in [
            format!("insert into presence_gateway (id, alive_until) values ({id}, {time})"),
            format!(
                "insert into presence_socket (gateway_id, user_id) select {id}, id from app_user where name = 'Ada'"
            ),
        ] {
            let done = database.execute_unprepared(&sql).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
    let rows = "select count(*) as number from presence_socket where sockets = 1";
    assert_eq!(database::number(&database, rows).await, 3);
    let shown = sockets(client, &ada.id).await;
    let of_earlier = &shown[1];
    assert_eq!(shown.as_array().map(Vec::len), Some(2), "{shown}");
    assert_eq!(of_earlier["gateway"], "");
    assert_eq!(of_earlier["socketCount"], 1);
    let (_, after) = registered(client, "Bob").await;
    let since = comparable(&of_earlier["since"]);
    assert!(
        (&before..=&after).contains(&&since),
        "{before} {since} {after}"
    );
}

tests::both_ways!(
    sockets_are_counted_by_gateway,
    rows_of_earlier_versions_and_of_the_dead,
);
