//! Traces: one goes from a mutation through the log and over Redis to the push on another gateway and to the webhook; nothing of what clients
//! send is in it; what is not sampled makes none; and a collector that is away or silent changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::collector::{Collector, Seen};
use tests::signals::await_signal;
use tests::waiting::SOON;
use tests::{Setup, eventually};
use tokio::net::TcpListener;

use crate::signals::receiver::{Receiver, SECRET};

mod asking;

/// A trace that its client records, and a span in it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const SUBMIT: &str =
    "mutation Traced($input: SubmitSignalInput!) { submitSignal(input: $input) { signal { id } } }";
/// What a client sends, and no trace may have.
const SOURCE: &str = "a-source-of-the-client";
/// How long a process that stops may take, with a collector that does not answer.
const STOP: Duration = Duration::from_secs(90);

fn traced(setup: &mut Setup, url: &str) {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        // Only what a client asks for is sampled.
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
    ] {
        setup.settings.set(name, value);
    }
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

fn input(value: f64) -> Value {
    json!({ "input": { "source": SOURCE, "value": value } })
}

/// Waits until a trace has spans of these names, and returns it.
async fn await_spans(collector: &Collector, trace: &str, names: &[&str]) -> Vec<Seen> {
    let what = format!("the trace has {names:?}");
    eventually(&what, SOON, async || {
        let spans = collector.trace(trace);
        let has = |name: &&str| spans.iter().any(|span| span.name == **name);
        let is_there = names.iter().all(has);
        is_there.then_some(spans)
    })
    .await
}

fn named<'a>(spans: &'a [Seen], name: &str) -> Vec<&'a Seen> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// Returns the names of a span and of those above it.
fn upwards<'a>(spans: &'a [Seen], span: &'a Seen) -> Vec<&'a str> {
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| (&*span.id, span)).collect();
    let above = std::iter::successors(Some(span), |span| by_id.get(&*span.parent).copied());
    above.map(|span| &*span.name).collect()
}

async fn one_trace_goes_from_a_mutation_to_the_push_and_the_webhook(mut setup: Setup) {
    let (collector, receiver) = (Collector::start().await, Receiver::start([]).await);
    traced(&mut setup, &collector.url());
    let hook = format!("http://{}/hooks/secret-in-the-path", receiver.address);
    let headers = setup.directory.join("headers");
    std::fs::write(&headers, "api-key=the%20key,percent=a%2541").expect("a file");
    let headers = headers.to_str().expect("text");
    for (name, value) in [
        ("MILLRACE_WEBHOOK_URL", &*hook),
        ("MILLRACE_WEBHOOK_SECRET", SECRET),
        ("MILLRACE_WEBHOOK_ALLOW_PRIVATE", "true"),
        // What is for traces, from a file, comes before what is for all; it is decoded once.
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS_FILE", headers),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=another,other=a"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        ),
        ("RUST_LOG", "info"),
    ] {
        setup.settings.set(name, value);
    }
    let app = setup.start_many(2, 1, &[]);
    let other = app.gateways.last().expect("a gateway");
    let mut socket = other.client.socket().await;
    let document = "subscription Watching($after: String) { eventLog(types: [\"SignalSubmitted\"], after: $after) { type } }";
    let after = json!({ "after": other.client.head().await });
    socket.subscribe("1", document, after.clone()).await;
    let context = parent("01");
    let headers = [("traceparent", &*context)];
    let answer = app.client().run_with(SUBMIT, input(1.5), &headers).await;
    let id = answer.data()["submitSignal"]["signal"]["id"].clone();
    let pushed = socket.payload("1").await;
    assert_eq!(pushed["data"]["eventLog"]["type"], "SignalSubmitted");
    let is_delivered = |it: &Value| it["deliveredAt"].is_string();
    await_signal(app.client(), &id, "it is delivered", is_delivered).await;
    // A push ends when the transport asks for the next one.
    drop(socket);

    let distributed = ["sequence", "relay", "receive"];
    let mut names = vec![
        "POST /graphql",
        "admit",
        "plan",
        "mutation",
        "resolve submitSignal",
        "append",
        "insert event",
        "commit",
        "handle",
        "POST",
        "execute subscription",
        "push",
    ];
    if setup.is_distributed() {
        names.extend(distributed);
    }
    let spans = await_spans(&collector, TRACE, &names).await;

    // They are one tree, below the client's span.
    let first = named(&spans, "POST /graphql");
    assert_eq!(first.len(), 1, "one request is sampled");
    let first = first[0];
    assert_eq!((&*first.parent, first.kind), (PARENT, 2));
    let facts = [
        "http.request.method",
        "http.route",
        "http.response.status_code",
    ];
    let facts = facts.map(|name| first.attribute(name));
    assert_eq!(facts, ["POST", "/graphql", "200"]);
    let operation = named(&spans, "mutation")[0];
    assert_eq!(operation.attribute("graphql.operation.type"), "mutation");
    assert_eq!(operation.attribute("graphql.operation.name"), "Traced");
    let insert = named(&spans, "insert event")[0];
    let system = ["sqlite", "postgresql"][usize::from(setup.is_distributed())];
    assert_eq!(insert.attribute("db.system.name"), system);
    let delivered = named(&spans, "POST")[0];
    assert_eq!(delivered.attribute("http.response.status_code"), "204");
    for name in ["push", "append", "handle", "POST", "commit"] {
        let above = upwards(&spans, named(&spans, name)[0]);
        assert_eq!(above.last(), Some(&"POST /graphql"), "{name}: {above:?}");
    }
    let push = upwards(&spans, named(&spans, "push")[0]);
    let expected = [
        "push",
        "execute subscription",
        "resolve submitSignal",
        "mutation",
    ];
    assert_eq!(push[..4], expected);
    assert!(spans.iter().all(|span| span.began <= span.ended));

    // The receiver's part is below the request to it.
    let message = &receiver.messages()[0];
    let told = format!("00-{TRACE}-{}-01", delivered.id);
    assert_eq!(message.header("traceparent"), told);

    // Each process tells what it has done.
    let process = |span: &Seen| span.resource["service.instance.id"].clone();
    let of_push = process(named(&spans, "push")[0]);
    let processes: BTreeSet<_> = spans.iter().map(process).collect();
    if setup.is_distributed() {
        assert_ne!(process(first), of_push, "another gateway pushes");
        assert_eq!(processes.len(), 3);
        let relayed = named(&spans, "relay")[0];
        assert_eq!(
            (relayed.kind, relayed.attribute("messaging.system")),
            (4, "redis")
        );
    }
    assert_eq!(first.resource["service.name"], "millrace");
    assert_eq!(first.resource["deployment.environment.name"], "test");
    for (name, expected) in [("api-key", "the key"), ("percent", "a%41")] {
        let values: BTreeSet<_> = collector.header(name).into_iter().collect();
        assert_eq!(values, BTreeSet::from([expected.to_owned()]), "{name}");
    }
    assert!(collector.header("other").is_empty());
    assert!(
        collector.header("user-agent")[0].starts_with("Millrace/"),
        "{:?}",
        collector.header("user-agent")
    );

    // Who reads the past later adds nothing to its traces. What the gateway sends last arrives last.
    let mut late = other.client.socket().await;
    late.subscribe("1", document, after).await;
    let replayed = late.payload("1").await;
    assert_eq!(replayed["data"]["eventLog"]["type"], "SignalSubmitted");
    drop(late);
    let context = format!("00-{}-{PARENT}-01", "a".repeat(32));
    let headers = [("traceparent", &*context)];
    let asked = other.client.run_with("{ me { id } }", json!({}), &headers);
    asked.await.data();
    await_spans(&collector, &"a".repeat(32), &["POST /graphql"]).await;
    let executed = collector.trace(TRACE);
    assert_eq!(named(&executed, "execute subscription").len(), 1);

    // Nothing of what clients send, and no secret.
    let sent = String::from_utf8_lossy(&collector.bytes()).into_owned();
    let token = app.client().token().expect("a token").to_owned();
    let email = setup.admin().email.clone();
    for secret in [
        SOURCE,
        "secret-in-the-path",
        "the key",
        SECRET,
        &token,
        &email,
    ] {
        assert!(!sent.contains(secret), "{secret} was sent");
    }
    let log = app.gateways[0].process.log();
    assert!(log.contains(&format!("trace_id=\"{TRACE}\"")), "{log}");
    assert!(
        !log.contains("the key") && !log.contains("the%20key"),
        "{log}"
    );
}

/// The parent decides; of the others none is sampled here, but those that fail are kept.
async fn what_is_not_sampled_is_not_sent(mut setup: Setup) {
    let collector = Collector::start().await;
    traced(&mut setup, &collector.url());
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=another,other=a"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=a%2541"),
        ("MILLRACE_SLOW_OPERATION", "0s"),
    ] {
        setup.settings.set(name, value);
    }
    let mut app = setup.start();
    let unsampled = parent("00");
    let headers = [("traceparent", &*unsampled)];
    let answer = app.client().run_with(SUBMIT, input(1.0), &headers).await;
    answer.data();
    app.client().run(SUBMIT, input(2.0)).await.data();
    // A mistake of the client is no failure.
    app.client().run("{ nothing }", json!({})).await;
    // The id is told to who asks for it, also where there is no parent.
    let ask = json!({ "query": "{ me { id } }", "extensions": { "trace": true } });
    let told = app.client().post(&ask, &headers).await.expect("an answer");
    assert_eq!(told.body["extensions"]["traceId"], TRACE);
    let told = app.client().post(&ask, &[]).await.expect("an answer");
    let own = told.body["extensions"]["traceId"].as_str().expect("an id");
    assert!(own.len() == 32 && own != TRACE, "{own}");
    let quiet = app.client().run("{ me { id } }", json!({})).await;
    assert_eq!(quiet.body["extensions"]["traceId"], Value::Null);

    // What is sampled arrives over gRPC; it was asked last, on a socket.
    let mut socket = app.client().socket().await;
    let payload =
        json!({ "query": "{ me { id } }", "extensions": { "traceparent": parent("01") } });
    socket
        .send(json!({ "type": "subscribe", "id": "1", "payload": payload }))
        .await;
    socket.payload("1").await;
    let spans = await_spans(&collector, TRACE, &["graphql request", "query"]).await;
    let names: BTreeSet<_> = spans.iter().map(|span| &*span.name).collect();
    assert!(!names.contains("mutation"), "{names:?}");
    let traces: BTreeSet<_> = collector.spans().into_iter().map(|it| it.trace).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    let sent = |name| BTreeSet::from_iter(collector.header(name));
    assert_eq!(sent("api-key"), BTreeSet::from(["a%41".to_owned()]));
    assert!(sent("other").is_empty());
    let status = app.gateways[0].process.terminate(STOP);
    assert!(status.success(), "{status}");
}

/// Slow requests are kept, with what they did.
async fn what_was_slow_is_kept(mut setup: Setup) {
    let collector = Collector::start().await;
    traced(&mut setup, &collector.url());
    setup.settings.set("MILLRACE_SLOW_OPERATION", "1ms");
    let app = setup.start();
    let signals = (0..20).map(|number| input(f64::from(number)));
    for variables in signals {
        app.client().run(SUBMIT, variables).await.data();
    }
    let kept = eventually("a slow one is kept", SOON, async || {
        let spans = collector.spans();
        let slow = spans
            .iter()
            .find(|it| it.attribute("graphql.operation.name") == "Traced");
        slow.map(|it| it.trace.clone())
    })
    .await;
    let spans = await_spans(&collector, &kept, &["POST /graphql", "mutation", "commit"]).await;
    let first = named(&spans, "POST /graphql")[0];
    assert!(first.parent.is_empty());
    assert!(first.ended - first.began >= 1_000_000);
}

/// Collectors that are not there, and that take connections and never answer.
async fn a_collector_that_does_not_answer_changes_nothing(mut setup: Setup) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let silent = listener.local_addr().expect("an address");
    let holding = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    for (url, protocol) in [
        (format!("http://{silent}"), "http/protobuf"),
        (format!("http://{silent}"), "grpc"),
        ("http://127.0.0.1:1".to_owned(), "http/protobuf"),
        ("http://127.0.0.1:1".to_owned(), "grpc"),
    ] {
        traced(&mut setup, &url);
        setup.settings.set("OTEL_TRACES_SAMPLER", "always_on");
        setup.settings.set("OTEL_BSP_MAX_QUEUE_SIZE", "100");
        setup.settings.set("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        let mut app = setup.start();
        let began = Instant::now();
        for _ in 0..100 {
            app.client().run("{ me { id } }", json!({})).await.data();
        }
        let took = began.elapsed();
        // One message takes ten seconds to be given up.
        assert!(took < Duration::from_secs(60), "{url} {protocol}: {took:?}");
        let gateway = &mut app.gateways[0];
        gateway.process.signal(Signal::INT);
        let status = gateway.process.wait(STOP);
        assert!(status.success(), "{url} {protocol}: {status}");
    }
    holding.abort();
}

/// What is wrong is said at the start, before anything else is done.
async fn wrong_settings_are_refused(mut setup: Setup) {
    for (name, value, part) in [
        ("OTEL_TRACES_SAMPLER", "sometimes", "always_on"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a-secret", "name=value"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "ftp://c/a-secret",
            "https://",
        ),
    ] {
        setup
            .settings
            .set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
        setup.settings.set(name, value);
        let output = setup.command(&["serve"]).output().expect("an end");
        setup.settings.leave(name);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(name), "{said}");
        assert!(said.contains(part) && !said.contains("a-secret"), "{said}");
    }
}

tests::both_ways!(
    one_trace_goes_from_a_mutation_to_the_push_and_the_webhook,
    what_is_not_sampled_is_not_sent,
);

tests::embedded!(
    what_was_slow_is_kept,
    a_collector_that_does_not_answer_changes_nothing,
    wrong_settings_are_refused,
);
