//! The closed loop: 32 keep-alive connections, each with one request in flight.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures::future::join_all;
use memchr::memmem;
use serde_json::json;

use crate::servers::{Kind, Server};
use crate::summary::{Summary, percentile};

const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(2);

pub const CREATE: &str = "mutation M1($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }";

const POST: &str = "id message author { id name }";
const COMMENT: &str = "id text author { id name }";

/// Returns a query for the 20 newest posts with their authors, and 5 comments each with theirs: 121 objects. Connections have
/// one level more.
fn posts_body(kind: Kind) -> String {
    let document = match kind {
        Kind::Millrace => format!(
            "query Q2 {{ posts(first: 20) {{ nodes {{ {POST} comments(first: 5) {{ nodes {{ {COMMENT} }} }} }} }} }}"
        ),
        _ => format!(
            "query Q2 {{ posts(first: 20) {{ {POST} comments(first: 5) {{ {COMMENT} }} }} }}"
        ),
    };
    json!({ "query": document }).to_string()
}

/// Returns whether an answer has all posts and comments, with all authors.
fn is_whole(body: &[u8]) -> bool {
    let count = |part: &[u8]| memmem::find_iter(body, part).count();
    (count(b"\"message\":\""), count(b"\"text\":\"")) == (20, 100)
        && count(b"\"author\":{\"") == 120
        && count(b"\"name\":\"") == 120
}

/// The requests of one workload, and the text that a right answer contains.
pub struct Requests<'a> {
    server: &'a Server<'a>,
    workload: &'a str,
    run: u64,
    number: Cell<u64>,
}

impl<'a> Requests<'a> {
    pub fn new(server: &'a Server<'a>, workload: &'a str) -> Self {
        Self {
            server,
            workload,
            run: fastrand::u64(..),
            number: Cell::new(0),
        }
    }

    fn body(&self) -> String {
        let number = self.number.replace(self.number.get() + 1);
        match self.workload {
            "q3" => r#"{"query":"{ __typename }"}"#.to_owned(),
            "q1" => {
                let id = &self.server.store.ids[fastrand::usize(..self.server.store.ids.len())];
                format!(
                    r#"{{"query":"query Q1($id: ID!) {{ customer(id: $id) {{ id name email status }} }}","variables":{{"id":"{id}"}}}}"#
                )
            }
            "q2" => posts_body(self.server.kind),
            "m1" => create_body("Bench Customer", &format!("{:x}-{number}", self.run)),
            other => panic!("no workload {other}"),
        }
    }

    fn expected(&self) -> &'static [u8] {
        match self.workload {
            "q3" => b"\"__typename\":\"Query\"",
            "q1" => b"\"email\":\"",
            "q2" => b"\"message\":\"",
            _ => b"\"customer\":{\"id\":\"",
        }
    }
}

/// Returns a request body that creates a customer.
pub fn create_body(name: &str, unique: &str) -> String {
    format!(
        r#"{{"query":"{CREATE}","variables":{{"input":{{"name":"{name}","email":"{unique}@example.com"}}}}}}"#
    )
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memmem::find(text, part).is_some()
}

/// Checks an answer. A wrong one ends the benchmark, as its numbers would mean nothing.
pub fn check(status: u16, body: &[u8], expected: &[u8]) {
    let is_right = status == 200 && contains(body, expected) && !contains(body, b"\"errors\"");
    assert!(
        is_right,
        "{status} {}",
        String::from_utf8_lossy(&body[..body.len().min(500)])
    );
}

pub async fn measure(
    server: &Server<'_>,
    workload: &'static str,
    duration: Duration,
    summary: &mut Summary,
) {
    let requests = Requests::new(server, workload);
    let latencies = RefCell::new(Vec::new());
    let begin = Instant::now() + WARM_UP;
    let end = begin + duration;
    join_all((0..CONNECTIONS).map(|_| client(&requests, begin, end, &latencies))).await;
    let mut latencies = latencies.into_inner();
    latencies.sort_unstable();
    let rate = latencies.len() as f64 / duration.as_secs_f64();
    let (p50, p99) = (percentile(&latencies, 50.0), percentile(&latencies, 99.0));
    eprintln!(
        "  {:<9} {workload}: {rate:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms",
        server.name()
    );
    summary.add(server.name(), &format!("{workload} requests/s"), rate);
    summary.add(server.name(), &format!("{workload} p99 ms"), p99);
}

/// Sends one request after the other; records the latency, in microseconds, of those that were answered in time.
async fn client(
    requests: &Requests<'_>,
    begin: Instant,
    end: Instant,
    latencies: &RefCell<Vec<u32>>,
) {
    let mut connection = requests.server.connect().await;
    let mut request = Vec::new();
    let mut is_first = true;
    loop {
        requests
            .server
            .write_request(&requests.body(), &mut request);
        let sent = Instant::now();
        let (status, body) = connection.send_quickly(&request).await.expect("an answer");
        let now = Instant::now();
        check(status, body, requests.expected());
        if std::mem::take(&mut is_first) && requests.workload == "q2" {
            assert!(is_whole(body), "{}", String::from_utf8_lossy(body));
        }
        if now >= end {
            return;
        }
        if sent >= begin {
            latencies.borrow_mut().push((now - sent).as_micros() as u32);
        }
    }
}
