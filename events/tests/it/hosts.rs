//! Several Postgres hosts, of which one is the primary: it is found whatever the others are, and followed when another is promoted.
//! An old primary is left, and not used again, whatever it believes.

use std::time::{Duration, Instant};

use events::{Database, DatabaseConfig, EventLog};
use sea_orm::{ConnectionTrait, Statement};
use tests::{
    eventually,
    postgres::{Postgres, free_port, url_of},
};

use crate::{
    losses::write,
    world::{SOON, Way, World, connect, connect_patiently, start_log},
};

pub(crate) const NAME: &str = "several";

/// A primary with the product's tables, and its standby.
pub(crate) async fn pair() -> (World, Postgres, Postgres) {
    let primary = Postgres::start();
    let url = primary.empty_database(NAME);
    let directory = tests::guard::new_directory("hosts");
    let world = World::at(Way::Distributed, url, None, directory).await;
    let standby = primary.standby();
    standby.await_all_of(&primary);
    (world, primary, standby)
}

/// Returns the port of the server that answers a query.
async fn port_of(database: &Database) -> Option<u16> {
    let sql = "select current_setting('port')::int as port";
    let statement = Statement::from_string(database.backend(), sql);
    let row = database.reader.query_one_raw(statement).await.ok()??;
    let port: i32 = row.try_get("", "port").expect("a port");
    u16::try_from(port).ok()
}

fn events_of(server: &Postgres) -> u64 {
    let number = server.execute(NAME, "select count(*) from event");
    number.parse().expect("a number")
}

/// Writes something, or changes nothing where that is refused.
async fn touch(log: &EventLog) -> Result<(), events::Error> {
    log.write(|tx| {
        Box::pin(async move {
            let statement = "delete from applied where number < 0";
            tx.execute_unprepared(statement).await?;
            Ok(())
        })
    })
    .await
}

/// Waits until all connections of a log lead to where it can write.
async fn await_written(log: &EventLog) {
    eventually("it can be written", SOON, async || {
        for _ in 0..10 {
            touch(log).await.ok()?;
        }
        Some(())
    })
    .await;
}

/// The others are silent, away, without a name, or a standby.
#[test]
fn the_primary_is_found_behind_all_others() {
    tests::setup::run(|| async {
        let (world, primary, standby) = pair().await;
        // Nobody takes its connections.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let silent = listener.local_addr().expect("its number").port();
        let servers = format!(
            "127.0.0.1:{silent},nowhere.invalid,127.0.0.1:{},127.0.0.1:{},127.0.0.1:{}",
            free_port(),
            standby.port(),
            primary.port()
        );
        for attributes in ["", "?target_session_attrs=read-write"] {
            let url = format!("postgres://postgres@{servers}/{NAME}{attributes}");
            let database = connect(&url).await;
            assert_eq!(port_of(&database).await, Some(primary.port()));
        }
        // With one host, the parameter asks for the same.
        let one = |server: &Postgres| format!("{}?target_session_attrs=primary", server.url(NAME));
        assert_eq!(
            port_of(&connect(&one(&primary)).await).await,
            Some(primary.port())
        );
        for url in [one(&standby), servers_without(&servers, primary.port())] {
            let config = DatabaseConfig {
                url,
                max_connections: 2,
                acquire_timeout: Duration::from_secs(4),
                patience: DatabaseConfig::PATIENCE,
            };
            let refused = Database::connect(&config).await;
            let refused = refused.expect_err("there is no primary").to_string();
            assert!(
                refused.contains(&format!("127.0.0.1:{} is a standby", standby.port())),
                "{refused}"
            );
        }
        drop((world, listener));
    });
}

fn servers_without(servers: &str, port: u16) -> String {
    let kept = servers.replace(&format!(",127.0.0.1:{port}"), "");
    format!("postgres://postgres@{kept}/{NAME}")
}

/// A primary that was fenced is alive and answers; those who write and those who only read leave it. When it accepts writes again,
/// nobody goes back.
#[test]
fn a_fenced_primary_is_left_for_good() {
    tests::setup::run(|| async {
        let (world, old, new) = pair().await;
        let url = url_of(&[&old, &new], NAME);
        let log = start_log(connect(&url).await, None, &world.prefix).await;
        let reader = connect(&url).await;
        write(&log, 3).await;
        assert_eq!(port_of(&reader).await, Some(old.port()));
        old.fence(true);
        eventually("writes are refused", SOON, async || touch(&log).await.err()).await;
        new.await_all_of(&old);
        new.promote();
        await_written(&log).await;
        write(&log, 3).await;
        eventually("the reader is there, too", SOON, async || {
            (port_of(&reader).await == Some(new.port())).then_some(())
        })
        .await;
        old.fence(false);
        let before = events_of(&old);
        for _ in 0..3 {
            new.end_connections();
            await_written(&log).await;
            write(&log, 3).await;
            eventually("it reads", SOON, async || port_of(&reader).await).await;
            assert_eq!(port_of(&reader).await, Some(new.port()));
        }
        // Not even when it is the only one.
        new.crash();
        assert_eq!(port_of(&reader).await, None);
        new.restart();
        await_written(&log).await;
        eventually("it reads", SOON, async || port_of(&reader).await).await;
        assert_eq!(port_of(&reader).await, Some(new.port()));
        assert_eq!(events_of(&old), before, "nothing is written there");
        // Who starts now sees both, and takes the newer one.
        let fresh = connect(&url).await;
        assert_eq!(port_of(&fresh).await, Some(new.port()));
    });
}

/// The limit on statements does not end the wait of a commit for its standby, and nobody takes the silence for success.
#[test]
fn a_commit_that_reached_no_standby_is_not_answered() {
    tests::setup::run(|| async {
        let (world, primary, standby) = pair().await;
        primary.wait_for_standby();
        let patience = Duration::from_secs(4);
        let database = connect_patiently(&url_of(&[&primary, &standby], NAME), patience).await;
        let log = start_log(database, None, &world.prefix).await;
        let insert = "insert into applied values (1, 'x', 1)";
        let written = async || {
            let writing = log.write(move |tx| {
                Box::pin(async move {
                    tx.execute_unprepared(insert).await?;
                    Ok::<_, events::Error>(())
                })
            });
            writing.await
        };
        written().await.expect("the standby has it");
        standby.crash();
        let began = Instant::now();
        let refused = written().await.expect_err("nobody else has it");
        assert!(
            matches!(refused, events::Error::Unavailable(_)),
            "{refused:?}"
        );
        assert!(began.elapsed() < 2 * patience, "it is said in time");
        standby.restart();
        eventually("it is written", SOON, async || written().await.ok()).await;
    });
}
