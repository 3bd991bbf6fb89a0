//! The latency from a mutation to the sockets: 100 subscribers at 50 events a second, measured from the mutation's request and
//! from its answer to each delivery; and the memory that 1,000 idle subscribers take.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tests::http::Connection;
use tests::socket::Socket;
use tokio::time::{sleep, sleep_until, timeout};

use crate::load::{check, create_body};
use crate::servers::Server;
use crate::summary::{Summary, percentile};

pub const SUBSCRIBERS: usize = 100;
const EVENTS_PER_SECOND: u64 = 50;
const PUBLISHERS: u64 = 4;
const WARM_UP: Duration = Duration::from_secs(2);
/// The time after the last event for deliveries that are still on their way.
const GRACE: Duration = Duration::from_secs(5);
const IDLE_SOCKETS: usize = 1_000;

const SUBSCRIBE: &str = "subscription S1 { customerChanged { customer { id name email } } }";

/// The published events, and their subscribers.
pub struct Workload<'a> {
    pub name: &'static str,
    /// The text before an event's own text in a delivery.
    pub marker: &'static str,
    /// The text that a right answer to a publication contains.
    pub expected: &'static [u8],
    pub sockets: Vec<Socket>,
    /// Writes the request that publishes an event with this text.
    pub request: WriteRequest<'a>,
}

pub type WriteRequest<'a> = Box<dyn Fn(&str, &mut Vec<u8>) + 'a>;

/// When each event was sent and answered, and when it was delivered.
#[derive(Default)]
struct Ledger {
    sent: RefCell<Vec<Option<Instant>>>,
    answered: RefCell<Vec<Option<Instant>>>,
    delivered: RefCell<Vec<(u64, Instant)>>,
    ready: Cell<usize>,
}

impl Ledger {
    fn new(events: u64) -> Self {
        let ledger = Self::default();
        ledger.sent.borrow_mut().resize(events as usize, None);
        ledger.answered.borrow_mut().resize(events as usize, None);
        ledger
    }

    /// Returns the sorted times in microseconds from one of the two moments to each delivery; a delivery before it counts as 0.
    fn latencies(&self, since: &RefCell<Vec<Option<Instant>>>) -> Vec<u32> {
        let since = since.borrow();
        let delivered = self.delivered.borrow();
        let since_then = delivered.iter().filter_map(|(number, at)| {
            let from = since[*number as usize]?;
            Some(at.saturating_duration_since(from).as_micros() as u32)
        });
        let mut latencies: Vec<u32> = since_then.collect();
        latencies.sort_unstable();
        latencies
    }
}

pub async fn measure_customers(server: &Server<'_>, duration: Duration, summary: &mut Summary) {
    let run = fastrand::u64(..);
    let number = Cell::new(0);
    let workload = Workload {
        name: "s1",
        marker: "\"name\":\"",
        expected: b"\"customer\":{\"id\":\"",
        sockets: subscribe(server, SUBSCRIBERS).await,
        request: Box::new(|text, out| {
            let unique = format!("{run:x}-{}", number.replace(number.get() + 1));
            server.write_request(&create_body(text, &unique), out);
        }),
    };
    measure_latency(server, workload, duration, summary).await;
}

pub async fn measure_latency(
    server: &Server<'_>,
    mut workload: Workload<'_>,
    duration: Duration,
    summary: &mut Summary,
) {
    let events = EVENTS_PER_SECOND * (duration + WARM_UP).as_secs();
    let measured = EVENTS_PER_SECOND * duration.as_secs();
    let first = events - measured;
    let ledger = Ledger::new(events);
    let sockets = std::mem::take(&mut workload.sockets);
    let all = measured as usize * SUBSCRIBERS;
    let publishing = async {
        probe(server, &workload, &ledger).await;
        let publishers =
            (0..PUBLISHERS).map(|one| publish(server, &workload, &ledger, one, events));
        join_all(publishers).await;
        let waited = Instant::now();
        while ledger.delivered.borrow().len() < all && waited.elapsed() < GRACE {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let marker = format!("{}{}-", workload.marker, workload.name);
    let receiving = sockets
        .into_iter()
        .map(|socket| receive(socket, &marker, &ledger, first));
    tokio::select! {
        () = publishing => {}
        _ = join_all(receiving) => panic!("all sockets ended"),
    }
    let missing = all - ledger.delivered.borrow().len();
    let name = workload.name;
    for (what, since) in [("", &ledger.sent), ("commit ", &ledger.answered)] {
        let latencies = ledger.latencies(since);
        let (p50, p99) = (percentile(&latencies, 50.0), percentile(&latencies, 99.0));
        eprintln!(
            "  {:<9} {name} {what}p50 {p50:.2} ms, p99 {p99:.2} ms, {missing} missing",
            server.name()
        );
        summary.add(server.name(), &format!("{name} {what}p50 ms"), p50);
        summary.add(server.name(), &format!("{name} {what}p99 ms"), p99);
    }
    summary.add(server.name(), &format!("{name} missing"), missing as f64);
}

async fn subscribe(server: &Server<'_>, count: usize) -> Vec<Socket> {
    let client = server.client();
    let mut sockets = Vec::new();
    for _ in 0..count {
        let mut socket = client.socket().await;
        socket.subscribe("1", SUBSCRIBE, json!({})).await;
        sockets.push(socket);
    }
    sockets
}

/// Publishes until every subscriber has received an event: nothing else tells that a subscription has begun.
async fn probe(server: &Server<'_>, workload: &Workload<'_>, ledger: &Ledger) {
    let mut connection = server.connect().await;
    for _ in 0..40 {
        send(
            workload,
            &mut connection,
            &format!("{}-probe", workload.name),
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

async fn publish(
    server: &Server<'_>,
    workload: &Workload<'_>,
    ledger: &Ledger,
    publisher: u64,
    events: u64,
) {
    let mut connection = server.connect().await;
    let started = tokio::time::Instant::now();
    for number in (publisher..events).step_by(PUBLISHERS as usize) {
        sleep_until(started + Duration::from_secs_f64(number as f64 / EVENTS_PER_SECOND as f64))
            .await;
        ledger.sent.borrow_mut()[number as usize] = Some(Instant::now());
        // The blank ends the number.
        let text = format!("{}-{number} ", workload.name);
        send(workload, &mut connection, &text).await;
        ledger.answered.borrow_mut()[number as usize] = Some(Instant::now());
    }
}

async fn send(workload: &Workload<'_>, connection: &mut Connection, text: &str) {
    let mut request = Vec::new();
    (workload.request)(text, &mut request);
    let (status, body) = connection.send_quickly(&request).await.expect("an answer");
    check(status, body, workload.expected);
}

/// Reads one socket. It looks only for the marker, as parsing would take processor time from the server.
async fn receive(mut socket: Socket, marker: &str, ledger: &Ledger, first: u64) {
    let mut heard = false;
    while let Some(text) = socket.text().await {
        let now = Instant::now();
        let Some(at) = text.find(marker) else {
            continue;
        };
        if !std::mem::replace(&mut heard, true) {
            ledger.ready.set(ledger.ready.get() + 1);
        }
        let digits: String = text[at + marker.len()..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        if let Ok(number) = digits.parse::<u64>()
            && number >= first
        {
            ledger.delivered.borrow_mut().push((number, now));
        }
    }
}

pub async fn measure_idle(server: &Server<'_>, summary: &mut Summary) {
    let warm = subscribe(server, 20).await;
    let mut connection = server.connect().await;
    let mut request = Vec::new();
    let unique = format!("idle-{:x}", fastrand::u64(..));
    server.write_request(&create_body("s1-idle", &unique), &mut request);
    connection.send_quickly(&request).await.expect("an answer");
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
