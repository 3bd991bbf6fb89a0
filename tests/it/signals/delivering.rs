//! Webhooks: each signal that has ended is told to the receiver, signed, under one id however often it is tried; a receiver
//! that fails is asked again; redirects and private addresses are refused. What addresses may be called runs embedded.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::signals::{await_signal, submit};
use tests::waiting::SOON;
use tests::{Setup, clock, database, eventually};

use super::receiver::{Receiver, Reply, SECRET};

/// A path that must not be seen in logs.
const PATH: &str = "/hooks/secret-in-the-path";

fn configure(setup: &mut Setup, url: &str, allow_private: bool) {
    setup.settings.set("MILLRACE_WEBHOOK_URL", url);
    setup.settings.set("MILLRACE_WEBHOOK_SECRET", SECRET);
    let allow = if allow_private { "true" } else { "false" };
    setup.settings.set("MILLRACE_WEBHOOK_ALLOW_PRIVATE", allow);
}

async fn each_end_is_told_once_and_signed(mut setup: Setup) {
    let receiver = Receiver::start([]).await;
    configure(
        &mut setup,
        &format!("http://{}{PATH}", receiver.address),
        true,
    );
    setup.settings.set("RUST_LOG", "trace");
    let app = setup.start_many(1, 2, &[]);
    let client = app.client();
    let submissions = (0..6).map(|number| submit(client, "told", f64::from(number) + 0.1));
    let mut ended = Vec::new();
    for signal in futures::future::join_all(submissions).await {
        let is_delivered = |it: &serde_json::Value| it["deliveredAt"].is_string();
        ended.push(await_signal(client, &signal["id"], "it is delivered", is_delivered).await);
    }
    let messages = receiver.messages();
    assert_eq!(messages.len(), 6, "one for each");
    for message in &messages {
        assert_eq!(message.path, PATH);
        assert!(message.is_signed(), "{message:?}");
        assert_eq!(message.header("content-type"), "application/json");
        let body = message.body();
        assert_eq!(body["type"], "signal.completed");
        let told = &body["data"];
        let signal = ended
            .iter()
            .find(|it| it["number"] == told["number"])
            .expect("a signal");
        for field in ["source", "value", "status", "missing"] {
            assert_eq!(told[field], signal[field], "{field}");
        }
        assert_eq!(told["results"].as_array().map(Vec::len), Some(3));
    }
    let mut names: Vec<_> = messages
        .iter()
        .map(|it| it.header("webhook-id").to_owned())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 6, "each has its own id");
    for entry in std::fs::read_dir(&setup.directory)
        .expect("a directory")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".log") || name.ends_with(".out") {
            let log =
                String::from_utf8_lossy(&std::fs::read(entry.path()).expect("a log")).into_owned();
            for secret in [PATH, SECRET, &SECRET["whsec_".len()..]] {
                assert!(!log.contains(secret), "{secret} is in {name}");
            }
        }
    }
}

/// The trace that a client names is in every event that the request leads to, in the log's line, and in the webhook.
async fn the_trace_of_a_request_goes_on(mut setup: Setup) {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let receiver = Receiver::start([]).await;
    configure(&mut setup, &format!("http://{}/", receiver.address), true);
    setup.settings.set("RUST_LOG", "info");
    let app = setup.start();
    let client = app.client();
    let document = "mutation Traced($input: SubmitSignalInput!) { submitSignal(input: $input) { signal { id } } }";
    let variables = |value: f64| json!({ "input": { "source": "traced", "value": value } });
    let headers = [("traceparent", TRACE)];
    let answer = client.run_with(document, variables(1.0), &headers).await;
    let id = answer.data()["submitSignal"]["signal"]["id"].clone();
    let is_delivered = |it: &Value| it["deliveredAt"].is_string();
    await_signal(client, &id, "it is delivered", is_delivered).await;
    assert_eq!(receiver.messages()[0].header("traceparent"), TRACE);

    // On a socket there are no headers of a request.
    let mut socket = client.socket().await;
    let extensions = json!({ "traceparent": TRACE });
    let payload =
        json!({ "query": document, "variables": variables(2.0), "extensions": extensions });
    let message = json!({ "type": "subscribe", "id": "1", "payload": payload });
    socket.send(message).await;
    let id = socket.payload("1").await["data"]["submitSignal"]["signal"]["id"].clone();
    await_signal(client, &id, "it is delivered", is_delivered).await;
    let headers = [("traceparent", "not a context")];
    client
        .run_with(document, variables(3.0), &headers)
        .await
        .data();

    let database = setup.database().await;
    let sql = match database::is_postgres(&database) {
        true => {
            "select coalesce(meta->>'traceparent', '') as text from event where stream = 'signal' and type = 'SignalSubmitted' order by inserted"
        }
        false => {
            "select coalesce(json_extract(meta, '$.traceparent'), '') as text from event where stream = 'signal' and type = 'SignalSubmitted' order by inserted"
        }
    };
    let traces = database::texts(&database, sql).await;
    assert_eq!(traces, [TRACE, TRACE, ""]);
    let log = app.gateways[0].process.log();
    assert!(
        log.contains("trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\""),
        "{log}"
    );
}

/// A worker whose clock is an hour ahead signs with the right time: a receiver would refuse it otherwise.
async fn the_time_is_the_databases(mut setup: Setup) {
    let receiver = Receiver::start([]).await;
    configure(&mut setup, &format!("http://{}/", receiver.address), true);
    let app = setup.start_many(1, 0, &[]);
    let library = clock::library().expect("a library").display().to_string();
    setup.settings.set("LD_PRELOAD", &library);
    setup.settings.set("CLOCK_OFFSET_S", "3600");
    let _workers = setup.workers(&[]);
    let client = app.client();
    let id = submit(client, "timely", 1.0).await["id"].clone();
    let is_delivered = |it: &serde_json::Value| it["deliveredAt"].is_string();
    await_signal(client, &id, "it is delivered", is_delivered).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("now");
    let sent_at = receiver.messages()[0]
        .header("webhook-timestamp")
        .to_owned();
    let sent_at: u64 = sent_at.parse().expect("seconds");
    assert!(now.as_secs().abs_diff(sent_at) < 60, "{sent_at} at {now:?}");
}

/// The clock of an embedded gateway is set back an hour while a retry waits: it comes as soon as without.
async fn a_clock_that_is_set_back_delays_nothing(mut setup: Setup) {
    let receiver = Receiver::start([Reply::Status(500), Reply::Status(500)]).await;
    configure(&mut setup, &format!("http://{}/", receiver.address), true);
    let offset = setup.directory.join("offset");
    std::fs::write(&offset, "0").expect("a file");
    let library = clock::library().expect("a library").display().to_string();
    setup.settings.set("LD_PRELOAD", &library);
    setup
        .settings
        .set("CLOCK_OFFSET_FILE", &offset.display().to_string());
    let app = setup.start();
    let client = app.client();
    let id = submit(client, "retried", 1.0).await["id"].clone();
    eventually("it failed once", SOON, async || {
        (!receiver.messages().is_empty()).then_some(())
    })
    .await;
    std::fs::write(&offset, "-3600").expect("a file");
    await_signal(client, &id, "it is delivered", |it| {
        it["deliveredAt"].is_string()
    })
    .await;
    assert_eq!(receiver.messages().len(), 3);
}

async fn failures_and_silence_are_retried_under_the_same_id(mut setup: Setup) {
    let replies = [
        Reply::Status(500),
        Reply::Silence(Duration::from_secs(6)),
        Reply::Status(429),
    ];
    let receiver = Receiver::start(replies).await;
    configure(&mut setup, &format!("http://{}/", receiver.address), true);
    setup.settings.set("MILLRACE_WEBHOOK_TIMEOUT", "2s");
    let app = setup.start();
    let client = app.client();
    let id = submit(client, "retried", 1.0).await["id"].clone();
    await_signal(client, &id, "it is delivered", |it| {
        it["deliveredAt"].is_string()
    })
    .await;
    let messages = receiver.messages();
    assert_eq!(messages.len(), 4);
    for message in &messages {
        assert!(message.is_signed());
        assert_eq!(
            message.header("webhook-id"),
            messages[0].header("webhook-id")
        );
        assert_eq!(message.text, messages[0].text, "the same to the byte");
    }
    let database = setup.database().await;
    let attempts =
        "select cast(attempts as bigint) as number from delivery where handler = 'signal_webhook'";
    let spent = database::number(&database, attempts).await;
    assert_eq!(spent, 2, "silence and 429 cost none");
}

/// A receiver that is not there costs no attempts, and hears of everything when it comes.
async fn an_outage_of_the_receiver_spends_no_attempts(mut setup: Setup) {
    let replies = (0..6).map(|_| Reply::Status(503));
    let receiver = Receiver::start(replies).await;
    configure(&mut setup, &format!("http://{}/", receiver.address), true);
    let app = setup.start();
    let client = app.client();
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(submit(client, "away", f64::from(number)).await["id"].clone());
    }
    let is_delivered = |it: &serde_json::Value| it["deliveredAt"].is_string();
    for id in &ids {
        eventually("it is delivered", SOON * 2, async || {
            is_delivered(&tests::signals::find(client, id).await).then_some(())
        })
        .await;
    }
    let database = setup.database().await;
    let spent = "select count(*) as number from delivery where handler = 'signal_webhook' and attempts <> 1";
    assert_eq!(
        database::number(&database, spent).await,
        0,
        "refusals as unavailable do not count"
    );
    let dead = "select count(*) as number from dead_letter";
    assert_eq!(database::number(&database, dead).await, 0);
}

/// The error that the delivery was given up with.
async fn given_up(setup: &Setup) -> String {
    let database = setup.database().await;
    let text = "select error as text from dead_letter where consumer = 'signal_webhook'";
    eventually("the delivery is given up", SOON, async || {
        database::texts(&database, text).await.pop()
    })
    .await
}

async fn redirects_are_refused(mut setup: Setup) {
    let elsewhere = Receiver::start([]).await;
    let redirect = Reply::Redirect(format!("http://{}/", elsewhere.address));
    let receiver = Receiver::start([redirect]).await;
    configure(&mut setup, &format!("http://{}/", receiver.address), true);
    let app = setup.start();
    submit(app.client(), "redirected", 1.0).await;
    let error = given_up(&setup).await;
    assert!(error.contains("redirects are not followed"), "{error}");
    assert_eq!(receiver.messages().len(), 1);
    assert_eq!(elsewhere.messages().len(), 0);
}

async fn private_addresses_are_refused_unless_allowed(mut setup: Setup) {
    let receiver = Receiver::start([]).await;
    // By name: who configured it may not know what it stands for.
    let url = format!("http://localhost:{}/", receiver.address.port());
    configure(&mut setup, &url, false);
    let app = setup.start();
    let id = submit(app.client(), "private", 1.0).await["id"].clone();
    let error = given_up(&setup).await;
    assert!(
        error.contains("127.0.0.1") && error.contains("not a public one"),
        "{error}"
    );
    assert_eq!(receiver.messages().len(), 0, "nobody was connected to");
    let signal = await_signal(app.client(), &id, "it ends", |it| {
        it["notification"].is_object()
    })
    .await;
    assert_eq!(
        signal["status"], "COMPLETED",
        "the signal does not depend on it"
    );
    assert!(signal["deliveredAt"].is_null());
}

tests::both_ways!(
    an_outage_of_the_receiver_spends_no_attempts,
    each_end_is_told_once_and_signed,
    the_trace_of_a_request_goes_on,
    failures_and_silence_are_retried_under_the_same_id
);
tests::embedded!(
    a_clock_that_is_set_back_delays_nothing,
    private_addresses_are_refused_unless_allowed,
    redirects_are_refused
);

tests::distributed!(the_time_is_the_databases);
