//! Clients that are slow, in whatever they do, do not hold up a stop; and who asks twice does not wait at all.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::Setup;
use tests::http::{Connection, request};
use tests::waiting::SOON;

/// Sockets are closed at once here, so what is left is what clients do. It was 5 s and more, beside what a stop takes without them.
const LONGEST_STOP: Duration = Duration::from_secs(4);

async fn slow_clients_do_not_hold_up_a_stop(setup: Setup) {
    let mut alone = setup.gateway(&["--drain-time", "0s"]);
    let asked = Instant::now();
    tokio::task::block_in_place(|| alone.process.terminate(SOON));
    let plain = asked.elapsed();
    let mut gateway = setup.gateway(&["--drain-time", "0s"]);
    let open = async || {
        let connection = Connection::open(gateway.address).await;
        connection.expect("a connection")
    };
    let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let mut body = open().await;
    body.write(format!("{head}{{").as_bytes())
        .await
        .expect("a part");
    let mut half_a_head = open().await;
    half_a_head
        .write(&head.as_bytes()[..20])
        .await
        .expect("a part");
    let silent = open().await;
    let mut idle = open().await;
    let response = idle.send(&request("GET", "/health/live", &[])).await;
    assert_eq!(response.expect("an answer").status, 200);
    // It asks for much, again and again, and reads nothing.
    let mut reader = open().await;
    let page = request("GET", "/schema.graphql", &[]);
    let much: Vec<u8> = std::iter::repeat_n(page, 200).flatten().collect();
    reader.write(&much).await.expect("requests");

    let asked = Instant::now();
    gateway.process.signal(Signal::TERM);
    let refused = body.read_response().await.expect("it is told");
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("UNAVAILABLE"), "{}", refused.text());
    let ended = tokio::task::block_in_place(|| gateway.process.wait(SOON));
    let took = asked.elapsed();
    assert!(ended.success(), "it ended with {ended}");
    assert!(
        took < plain + LONGEST_STOP,
        "the stop took {took:?}, and {plain:?} without them"
    );
    drop((half_a_head, silent, idle, reader));
}

async fn a_second_signal_ends_it_at_once(setup: Setup) {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut gateway = setup.gateway(&["--drain-delay", "60s"]);
        gateway.process.signal(Signal::TERM);
        tests::eventually("it has heard", SOON, async || {
            gateway
                .process
                .log()
                .contains("not ready any more")
                .then_some(())
        })
        .await;
        gateway.process.signal(signal);
        let ended = tokio::task::block_in_place(|| gateway.process.wait(SOON));
        assert_eq!(ended.code(), Some(code), "it ended with {ended}");
    }
}

/// Somebody at a keyboard does not wait for load balancers.
async fn an_interrupt_has_no_delay(setup: Setup) {
    let mut gateway = setup.gateway(&["--drain-delay", "60s"]);
    gateway.process.signal(Signal::INT);
    let ended = tokio::task::block_in_place(|| gateway.process.wait(SOON));
    assert!(ended.success(), "it ended with {ended}");
}

tests::distributed!(
    slow_clients_do_not_hold_up_a_stop,
    a_second_signal_ends_it_at_once,
    an_interrupt_has_no_delay
);
