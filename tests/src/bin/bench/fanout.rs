//! From a mutation to the sockets: 100 subscribers at 50 events a second, from sending the mutation to each delivery; and what
//! 1,000 idle subscribers take of memory.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tests::socket::Socket;
use tokio::time::{sleep, sleep_until, timeout};

use crate::load::{check, create_body};
use crate::servers::Server;
use crate::summary::{Summary, percentile};

const SUBSCRIBERS: usize = 100;
const EVENTS_PER_SECOND: u64 = 50;
const PUBLISHERS: u64 = 4;
const WARM_UP: Duration = Duration::from_secs(2);
/// After the last event, for what is still on its way.
const GRACE: Duration = Duration::from_secs(5);
const IDLE_SOCKETS: usize = 1_000;

const SUBSCRIBE: &str = "subscription S1 { customerChanged { customer { id name email } } }";
const MARKER: &str = "\"name\":\"s1-";

/// When each event was sent, and how long each delivery took.
#[derive(Default)]
struct Ledger {
    sent: RefCell<Vec<Option<Instant>>>,
    latencies: RefCell<Vec<u32>>,
    ready: Cell<usize>,
}

pub async fn measure_latency(server: &Server<'_>, duration: Duration, summary: &mut Summary) {
    let ledger = Ledger::default();
    let sockets = subscribe(server, SUBSCRIBERS).await;
    let events = EVENTS_PER_SECOND * (duration + WARM_UP).as_secs();
    ledger.sent.borrow_mut().resize(events as usize, None);
    let measured = EVENTS_PER_SECOND * duration.as_secs();
    let first = events - measured;
    let publish = async {
        probe(server, &ledger).await;
        join_all((0..PUBLISHERS).map(|publisher| publish(server, &ledger, publisher, events)))
            .await;
        let all = measured as usize * SUBSCRIBERS;
        let waited = Instant::now();
        while ledger.latencies.borrow().len() < all && waited.elapsed() < GRACE {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let receive = join_all(
        sockets
            .into_iter()
            .map(|socket| receive(socket, &ledger, first)),
    );
    tokio::select! {
        () = publish => {}
        _ = receive => panic!("all sockets ended"),
    }
    let mut latencies = ledger.latencies.into_inner();
    latencies.sort_unstable();
    let missing = measured as usize * SUBSCRIBERS - latencies.len();
    let (p50, p99) = (percentile(&latencies, 50.0), percentile(&latencies, 99.0));
    eprintln!(
        "  {:<9} s1: p50 {p50:.2} ms, p99 {p99:.2} ms, {missing} missing",
        server.name()
    );
    summary.add(server.name(), "s1 p50 ms", p50);
    summary.add(server.name(), "s1 p99 ms", p99);
    summary.add(server.name(), "s1 missing", missing as f64);
}

async fn subscribe(server: &Server<'_>, count: usize) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for _ in 0..count {
        let mut socket = Socket::connect(server.address()).await;
        socket.subscribe("1", SUBSCRIBE, json!({})).await;
        sockets.push(socket);
    }
    sockets
}

/// Publishes until every subscriber has heard something: nothing else tells that a subscription has begun.
async fn probe(server: &Server<'_>, ledger: &Ledger) {
    let mut connection = server.connect().await;
    let run = fastrand::u64(..);
    for number in 0..40 {
        create(
            server,
            &mut connection,
            "s1-probe",
            &format!("probe-{run:x}-{number}"),
        )
        .await;
        sleep(Duration::from_millis(250)).await;
        if ledger.ready.get() == SUBSCRIBERS {
            return;
        }
    }
    panic!(
        "{} of {SUBSCRIBERS} subscribers heard of events",
        ledger.ready.get()
    );
}

async fn publish(server: &Server<'_>, ledger: &Ledger, publisher: u64, events: u64) {
    let mut connection = server.connect().await;
    let run = fastrand::u64(..);
    let started = tokio::time::Instant::now();
    for number in (publisher..events).step_by(PUBLISHERS as usize) {
        sleep_until(started + Duration::from_secs_f64(number as f64 / EVENTS_PER_SECOND as f64))
            .await;
        ledger.sent.borrow_mut()[number as usize] = Some(Instant::now());
        create(
            server,
            &mut connection,
            &format!("s1-{number} "),
            &format!("{run:x}-{number}"),
        )
        .await;
    }
}

async fn create(
    server: &Server<'_>,
    connection: &mut tests::http::Connection,
    name: &str,
    unique: &str,
) {
    let mut request = Vec::new();
    server.write_request(&create_body(name, unique), &mut request);
    let (status, body) = connection.send_quickly(&request).await.expect("an answer");
    check(status, body, b"\"customer\":{\"id\":\"");
}

/// Reads one socket. Looks for the marker only, as parsing would take the machine from the server.
async fn receive(mut socket: Socket, ledger: &Ledger, first: u64) {
    let mut heard = false;
    while let Some(text) = socket.text().await {
        let now = Instant::now();
        let Some(at) = text.find(MARKER) else {
            continue;
        };
        if !std::mem::replace(&mut heard, true) {
            ledger.ready.set(ledger.ready.get() + 1);
        }
        let digits: String = text[at + MARKER.len()..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let Ok(number) = digits.parse::<u64>() else {
            continue;
        };
        let sent = ledger.sent.borrow().get(number as usize).copied().flatten();
        if let Some(sent) = sent.filter(|_| number >= first) {
            ledger
                .latencies
                .borrow_mut()
                .push((now - sent).as_micros() as u32);
        }
    }
}

pub async fn measure_idle(server: &Server<'_>, summary: &mut Summary) {
    let warm = subscribe(server, 20).await;
    let mut connection = server.connect().await;
    create(
        server,
        &mut connection,
        "s1-idle",
        &format!("idle-{:x}", fastrand::u64(..)),
    )
    .await;
    drop(warm);
    sleep(Duration::from_secs(1)).await;
    let before = server.resident_bytes();
    let sockets = timeout(Duration::from_secs(60), subscribe(server, IDLE_SOCKETS))
        .await
        .expect("sockets");
    sleep(Duration::from_secs(1)).await;
    let each = server.resident_bytes().saturating_sub(before) as f64 / 1024.0 / IDLE_SOCKETS as f64;
    eprintln!("  {:<9} sockets: {each:.1} KiB each", server.name());
    summary.add(server.name(), "KiB a socket", each);
    drop(sockets);
}
