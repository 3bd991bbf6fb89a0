//! One user floods the gateway, and another one is answered about as quickly as when all is calm: the ninety-ninth of a hundred answers takes
//! less than three times as long. The machine is busy with the flood's own end, too, so what is less than a tenth of a second counts as calm.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::people::register;
use tests::{Running, Setup};
use tokio::task::JoinSet;

const ME: &str = "{ me { id } }";
const SAMPLES: usize = 300;
const CALM: Duration = Duration::from_millis(100);
const CONNECTIONS: usize = 100;
/// A flood lasts, and what else the machine has to do in a moment does not: the best round counts.
const ROUNDS: usize = 3;

/// Returns how long the ninety-ninth of a hundred answers to this request takes.
async fn slowest(client: &Client, body: &Value) -> Duration {
    let mut waited = Vec::new();
    for _ in 0..SAMPLES {
        let asked = Instant::now();
        client.post(body, &[]).await.expect("an answer").data();
        waited.push(asked.elapsed());
    }
    waited.sort();
    waited[SAMPLES - 1 - SAMPLES / 100]
}

/// Measures the one beside while `attack` is repeated on many connections of one user, by their numbers: identical queries that are under
/// way at once would be executed once. It ends by itself.
pub(super) async fn beside<F: Future<Output = ()> + Send + 'static>(
    app: &Running,
    what: &str,
    attack: fn(Client, usize) -> F,
) {
    beside_of(app, what, &json!({ "query": ME }), attack).await;
}

/// Measures this request of the one beside in the same way.
pub(super) async fn beside_of<A, F>(app: &Running, what: &str, body: &Value, attack: A)
where
    A: Fn(Client, usize) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let ada = register(app.client(), "Ada").await.client(app.client());
    let mallory = register(app.client(), "Mallory").await;
    slowest(&ada, body).await;
    let calm = slowest(&ada, body).await;
    let mut flood = JoinSet::new();
    for number in 0..CONNECTIONS {
        let (client, attack) = (mallory.client(app.client()), attack.clone());
        flood.spawn(async move {
            loop {
                attack(client.clone(), number).await;
            }
        });
    }
    let most = calm.max(CALM) * 3;
    let mut during = Duration::MAX;
    for _ in 0..ROUNDS {
        during = slowest(&ada, body).await.min(during);
        if during < most {
            break;
        }
    }
    flood.shutdown().await;
    println!("{what}: {calm:?} when calm, {during:?} beside it");
    assert!(during < most, "{what}: {calm:?}, {during:?}");
}

pub(super) async fn ask(client: Client, document: &str) {
    let body = json!({ "query": document });
    // It may be refused.
    let _ = client.post(&body, &[]).await;
}

async fn dear(client: Client, connection: usize) {
    let users: Vec<String> = (0..20)
        .map(|at| {
            format!("of{connection}_{at}: users(first: 100) {{ nodes {{ id name role version }} }}")
        })
        .collect();
    ask(client, &format!("{{ {} }}", users.join(" "))).await;
}

async fn cheap(client: Client, connection: usize) {
    ask(client, &format!("{{ of{connection}: me {{ id }} }}")).await;
}

async fn invalid(client: Client, _: usize) {
    let document = format!("{{ nonsense(text: \"{}\") }}", "a".repeat(8_000));
    ask(client, &document).await;
}

async fn on_sockets(client: Client, connection: usize) {
    let Ok(mut socket) = client.try_socket().await else {
        return;
    };
    let users = format!(
        "query($first: Int) {{ of{connection}: users(first: $first) {{ nodes {{ id name role version }} }} }}"
    );
    for number in 1..=100 {
        let variables = json!({ "first": number });
        socket
            .subscribe(&number.to_string(), &users, variables)
            .await;
    }
    let mut ended = 0;
    while ended < 100 {
        let message: Value = socket.message().await;
        ended += u32::from(message["type"] == "complete" || message["type"] == "error");
    }
}

async fn one_user_s_flood_leaves_others_their_time(setup: Setup) {
    let app = setup.start();
    beside(&app, "dear queries", dear).await;
    beside(&app, "cheap queries", cheap).await;
    beside(&app, "invalid documents", invalid).await;
    beside(&app, "operations on sockets", on_sockets).await;
}

/// Sockets of one user, wherever they come from.
async fn a_user_has_a_bounded_number_of_sockets(setup: Setup) {
    let app = setup.start_many(1, 0, &["--max-sockets-per-user", "5"]);
    let mallory = register(app.client(), "Mallory").await.client(app.client());
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(mallory.socket().await);
    }
    let refused = mallory.try_socket().await.err().expect("a refusal");
    assert!(refused.contains("1013"), "{refused}");
    app.client().socket().await;
    sockets.truncate(4);
    tests::eventually("there is room again", tests::waiting::SOON, async || {
        mallory.try_socket().await.ok()
    })
    .await;
}

tests::embedded!(alone: one_user_s_flood_leaves_others_their_time);
tests::embedded!(a_user_has_a_bounded_number_of_sockets);
