//! Connections to Postgres that go silent: new ones replace them, and a process without any reports that it is not ready.

use std::time::{Duration, Instant};

use events::{Error, EventLog};
use tests::{
    eventually,
    postgres::Postgres,
    rig::proxy::{Proxy, Silence},
};

use super::{NOTHING, number, write};
use crate::world::{SOON, Way, World, connect_patiently, start_log};

/// How long the tests wait for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts a log whose connections to Postgres all go through a proxy.
async fn behind_a_proxy() -> (World, Proxy, EventLog) {
    let world = World::new(Way::Distributed).await;
    let proxy = Proxy::start(Postgres::shared().port()).await;
    let port = format!(":{}/", Postgres::shared().port());
    let url = world
        .database_url
        .replace(&port, &format!(":{}/", proxy.port));
    let database = connect_patiently(&url, PATIENCE).await;
    let log = start_log(database, None, &world.prefix).await;
    (world, proxy, log)
}

/// Every existing connection goes silent, for good; new ones work.
#[test]
fn connections_that_go_silent_are_replaced() {
    tests::setup::run(|| async {
        let (world, proxy, log) = behind_a_proxy().await;
        for silence in [Silence::Answers, Silence::Requests, Silence::Both] {
            // Several connections are busy, and several idle.
            let some = || futures::future::join_all((0..8).map(|_| write(&log, NOTHING)));
            for answer in some().await {
                answer.expect("it is written");
            }
            proxy.silence_all(silence);
            let began = Instant::now();
            let answers = some().await;
            for answer in &answers {
                if let Err(error) = answer {
                    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
                }
            }
            eventually("the log moves again", SOON, async || {
                write(&log, NOTHING).await.ok()?;
                log.is_current(Duration::from_secs(1)).then_some(())
            })
            .await;
            log.readiness().await.expect("it is ready again");
            assert!(
                began.elapsed() < Duration::from_secs(90),
                "{:?}",
                began.elapsed()
            );
        }
        let all = "select count(*) as number from event where stream = 'thing'";
        let sequenced = "select position as number from log_head";
        eventually("everything is numbered and seen", SOON, async || {
            let events = number(&world.database, all).await;
            (number(&world.database, sequenced).await == events
                && log.tail().position() == events as u64)
                .then_some(())
        })
        .await;
    });
}

/// With all connections silent and no new ones, nothing is decided from memory, and the process reports it.
#[test]
fn a_process_that_cannot_look_is_not_ready() {
    tests::setup::run(|| async {
        let (_world, proxy, log) = behind_a_proxy().await;
        log.readiness().await.expect("it is ready");
        proxy.freeze();
        let began = Instant::now();
        assert!(log.readiness().await.is_err());
        assert!(began.elapsed() < 4 * PATIENCE, "it is said soon");
        eventually("it is not current", SOON, async || {
            (!log.is_current(PATIENCE)).then_some(())
        })
        .await;
        proxy.thaw();
        eventually("it is ready again", SOON, async || {
            log.readiness().await.ok()
        })
        .await;
    });
}
