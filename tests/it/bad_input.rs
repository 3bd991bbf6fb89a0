//! Bad input of every kind, over HTTP and on sockets: each gets a typed error or the right close code, costs little, and
//! changes nothing.

mod bodies;
mod connections;
mod documents;
mod sockets;
mod values;

use serde_json::{Value, json};
use tests::http::{Response, post};
use tests::{Running, Setup, customers, database};

/// What the gateway may have grown by after all of it.
const MOST_GROWTH: u64 = 64 << 20;
/// Not those of who came and went.
const OWN_EVENTS: &str = "select count(*) as number from event where stream <> 'presence'";
const STRICT: (&str, &str) = ("accept", "application/graphql-response+json");

/// One kind of bad input, and what may come of it.
struct Case {
    what: &'static str,
    request: Vec<u8>,
    statuses: &'static [u16],
    codes: &'static [&'static str],
    /// Strange, but an answer without an error will do as well.
    may_succeed: bool,
}

impl Case {
    fn or_data(mut self) -> Self {
        self.may_succeed = true;
        self
    }

    /// Any bytes as the body of a POST.
    fn body(
        what: &'static str,
        body: impl AsRef<[u8]>,
        statuses: &'static [u16],
        codes: &'static [&'static str],
    ) -> Self {
        Self {
            what,
            request: post("/graphql", &[STRICT], body.as_ref()),
            statuses,
            codes,
            may_succeed: false,
        }
    }

    /// A request that is refused before it is executed.
    fn refused(what: &'static str, body: Value, codes: &'static [&'static str]) -> Self {
        Self::body(what, body.to_string(), &[400], codes)
    }

    /// A document that is refused before it is executed.
    fn document(
        what: &'static str,
        document: impl AsRef<str>,
        codes: &'static [&'static str],
    ) -> Self {
        Self::refused(what, json!({ "query": document.as_ref() }), codes)
    }
}

/// The state that bad input must not change.
struct Before {
    events: u64,
    resident: u64,
    database: sea_orm::DatabaseConnection,
}

impl Before {
    async fn look(setup: &Setup, app: &Running) -> Self {
        let start = app.client().head().await;
        customers::create(app.client(), "Ada", "ada@example.com").await;
        // Whoever listens from now on does not hear of it.
        app.client().head_after(&start, 1).await;
        // What any request makes it take is not bad input's.
        for _ in 0..50 {
            app.client().head().await;
        }
        let database = setup.database().await;
        let events = database::number(&database, OWN_EVENTS).await;
        Self {
            events,
            resident: app.gateways[0].process.resident_bytes(),
            database,
        }
    }

    async fn compare(&self, app: &mut Running) {
        assert!(app.gateways[0].process.is_running());
        let events = database::number(&self.database, OWN_EVENTS).await;
        assert_eq!(events, self.events, "bad input wrote events");
        let found = app
            .client()
            .run("{ customers { totalCount } }", json!({}))
            .await;
        assert_eq!(found.data()["customers"]["totalCount"], 1);
        let growth = app.gateways[0]
            .process
            .resident_bytes()
            .saturating_sub(self.resident);
        assert!(
            growth < MOST_GROWTH,
            "the gateway grew by {} MiB",
            growth >> 20
        );
    }
}

/// Sends each, and lists all that went wrong.
async fn check(app: &Running, cases: Vec<Case>) {
    let (client, mut problems) = (app.client(), Vec::new());
    for case in &cases {
        match client.send(&client.signed(&case.request)).await {
            Ok(response) => problems.extend(case.problem(&response)),
            Err(error) => problems.push(format!("{}: no answer: {error}", case.what)),
        }
    }
    println!("{} kinds of bad input", cases.len());
    assert!(
        problems.is_empty(),
        "{} of {}:\n{}",
        problems.len(),
        cases.len(),
        problems.join("\n")
    );
}

impl Case {
    fn problem(&self, response: &Response) -> Option<String> {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        let shown: String = response.text().chars().take(300).collect();
        let problem = |wrong: &str| {
            Some(format!(
                "{}: {wrong}: {} {shown}",
                self.what, response.status
            ))
        };
        if !self.statuses.contains(&response.status) {
            return problem(&format!("not {:?}", self.statuses));
        }
        if self.may_succeed && body.get("errors").is_none() && body["data"].is_object() {
            return None;
        }
        if self.codes.is_empty() {
            return None;
        }
        let error = &body["errors"][0];
        if !error["extensions"]["code"]
            .as_str()
            .is_some_and(|code| self.codes.contains(&code))
        {
            return problem(&format!("not {:?}", self.codes));
        }
        if error["extensions"]["requestId"].as_str() != response.header("x-request-id") {
            return problem("not the request's id");
        }
        let message = error["message"].as_str().unwrap_or_default();
        let is_internal = ["sqlx", "panicked", "src/", "SELECT ", "select "]
            .iter()
            .any(|word| message.contains(word));
        (message.is_empty() || is_internal)
            .then(|| problem("not a message for clients"))
            .flatten()
    }
}
