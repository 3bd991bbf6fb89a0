//! A reader that hardly reads costs the gateway little, slows nobody, and misses nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tests::customers;
use tests::socket::Socket;
use tests::{Setup, eventually, extent, ids};

const MOST_GROWTH: u64 = 64 << 20;
const PAUSE: Duration = Duration::from_secs(1);

async fn slow_reader_gets_everything(setup: Setup) {
    // More than any queue holds.
    let events = extent::of(10_000, 20_000);
    // A ping may wait behind megabytes in the kernel's buffers, longer than a client has time to answer. On a slow machine the reader takes
    // less than who is not cut off has to.
    let flags = ["--ping-interval", "10m", "--send-timeout", "10m"];
    let app = setup.start_many(1, 1, &flags);
    let gateway = &app.gateways[0];
    let after = gateway.client.head().await;

    // The gateway at work, before anybody is slow: what it then grows by is the slow reader's.
    let mut quick = gateway.client.socket().await;
    quick
        .subscribe("1", customers::CHANGES, json!({ "after": after }))
        .await;
    write(&gateway.client, 0, 2_000).await;
    let mut heard = read(&mut quick, 2_000).await;
    let before = gateway.process.resident_bytes();

    let mut slow = Socket::upgrade_narrow(gateway.address, 8 * 1024).await;
    slow.initialise_as(gateway.client.token())
        .await
        .expect("an acknowledgement");
    slow.subscribe("1", customers::CHANGES, json!({ "after": after }))
        .await;
    let mut late = read(&mut slow, 1).await;

    let reader = tokio::spawn(async move { read(&mut quick, events - 2_000).await });
    // It reads now and then: who reads nothing for long is cut off, and rightly so.
    let writing = AtomicBool::new(true);
    let write_all = async {
        write(&gateway.client, 2_000, events).await;
        writing.store(false, Ordering::Relaxed);
    };
    let read_little = async {
        while writing.load(Ordering::Relaxed) {
            late.extend(read(&mut slow, 20).await);
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::join!(write_all, read_little);
    assert!(late.len() < events / 2, "it is slow: {}", late.len());
    heard.extend(reader.await.expect("the quick reader"));
    let growth = gateway.process.resident_bytes().saturating_sub(before);
    assert!(
        growth < MOST_GROWTH,
        "the gateway grew by {} MiB",
        growth >> 20
    );

    let rest = events - late.len();
    late.extend(read(&mut slow, rest).await);
    let written = positions(&setup).await;
    assert_eq!(written.len(), events);
    assert!(heard == written, "the quick reader: each once, in order");
    assert!(late == written, "the slow reader: each once, in order");
    // It is live again.
    write(&gateway.client, events, events + 1).await;
    late.extend(read(&mut slow, 1).await);
    assert!(late == positions(&setup).await, "and the one after");
    eventually(
        "the gateway is still small",
        tests::waiting::SOON,
        async || {
            (gateway.process.resident_bytes().saturating_sub(before) < MOST_GROWTH).then_some(())
        },
    )
    .await;
}

/// The positions of the next changes.
async fn read(socket: &mut Socket, count: usize) -> Vec<u64> {
    let mut positions = Vec::with_capacity(count);
    for _ in 0..count {
        positions.push(position(&socket.change("1").await));
    }
    positions
}

/// The positions of all events of customers: those of who came and went are between them.
async fn positions(setup: &Setup) -> Vec<u64> {
    let database = setup.database().await;
    eventually("all have positions", tests::waiting::SOON, async || {
        let log = tests::database::log(&database).await;
        let customers = log.iter().filter(|entry| entry.stream == "customer");
        customers.map(|entry| entry.position).collect()
    })
    .await
}

fn position(change: &serde_json::Value) -> u64 {
    ids::position(
        change["cursor"]
            .as_str()
            .unwrap_or_else(|| panic!("no cursor: {change}")),
    )
}

/// Creates customers from eight clients.
async fn write(client: &tests::graphql::Client, from: usize, to: usize) {
    let numbers: Vec<usize> = (from..to).collect();
    let row = |number: &usize| json!({ "name": format!("C {number}"), "email": format!("c{number}@example.com") });
    let requests: Vec<Vec<_>> = numbers
        .chunks(50)
        .map(|it| it.iter().map(row).collect())
        .collect();
    let share = requests.len().div_ceil(8).max(1);
    let tasks: Vec<_> = requests
        .chunks(share)
        .map(|share| {
            let (client, share) = (client.clone(), share.to_vec());
            tokio::spawn(async move {
                for rows in share {
                    customers::create_many(&client, rows).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a writer");
    }
}

tests::both_ways!(slow_reader_gets_everything);
