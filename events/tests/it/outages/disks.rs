//! Full disks, read-only, missing and replaced files: outages that last, that readiness reports, and that end.

use events::Error;
use sea_orm::ConnectionTrait;
use tests::{disk::SmallDisk, eventually, guard, postgres::Postgres};

use super::{NOTHING, number, write};
use crate::world::{SOON, Way, World, connect, start_log};

#[test]
fn a_file_that_cannot_be_written_is_an_outage() {
    tests::setup::run(|| async {
        let world = World::new(Way::Embedded).await;
        let log = world.log().await;
        let writer = world.database.writer();
        let much = "insert into applied values (1, zeroblob(100000), 1)";
        // The limit is the present size. SQLite rolled back by itself, and the connection with this limit is closed.
        let set = writer.execute_unprepared("pragma max_page_count = 1").await;
        set.expect("it is set");
        let failed = write(&log, much).await.expect_err("there is no room");
        assert!(matches!(failed, Error::Unavailable(_)), "{failed:?}");
        assert_eq!(failed.code().as_deref(), Some("13"));
        write(&log, much).await.expect("it is written");
        write(&log, NOTHING).await.expect("it is written");
        // Another process has the file open read-only.
        let url = format!("{}?mode=ro", world.database_url);
        let unable = start_log(connect(&url).await, None, &world.prefix).await;
        for _ in 0..3 {
            let failed = write(&unable, NOTHING).await.expect_err("it is read-only");
            assert!(matches!(failed, Error::Unavailable(_)), "{failed:?}");
            assert_eq!(failed.code().as_deref(), Some("8"));
            assert!(unable.readiness().await.is_err(), "it lasts, and is said");
        }
        log.readiness().await.expect("the other is ready");
        let other = connect(&world.database_url).await;
        let sql = "select count(*) as number from event where stream = 'thing'";
        assert_eq!(number(&other, sql).await, 2);
    });
}

/// Runs where mounting is permitted; other causes of this code are tested above.
#[test]
fn a_server_whose_disk_is_full_is_an_outage_until_there_is_room() {
    tests::setup::run(|| async {
        // The server is the test's own, as it cannot live without its disk.
        let server = Postgres::start();
        let directory = guard::new_directory("full");
        let Some(disk) = SmallDisk::mount(directory.join("small"), 32) else {
            return;
        };
        server.give(&disk.path);
        let place = disk.path.display();
        let sql = format!("create tablespace small location '{place}'");
        server.execute("postgres", &sql);
        server.execute("postgres", "create database full_disk tablespace small");
        let url = server.url("full_disk");
        let world = World::at(Way::Distributed, url, None, directory).await;
        let log = world.log().await;
        let much = "insert into applied select 1, string_agg(md5(i::text), ''), 1
             from generate_series(1, 4000) as i";
        write(&log, much).await.expect("there is room");
        disk.fill();
        let mut answered = 1;
        for failures in 0..3 {
            let failed = loop {
                match write(&log, much).await {
                    Ok(()) => answered += 1,
                    Err(failed) => break failed,
                }
            };
            assert!(matches!(failed, Error::Unavailable(_)), "{failed:?}");
            assert_eq!(failed.code().as_deref(), Some("53100"));
            assert!(log.readiness().await.is_err(), "it is said, {failures}");
        }
        disk.free();
        eventually("it is ready", SOON, async || log.readiness().await.ok()).await;
        write(&log, much).await.expect("there is room again");
        let other = connect(&world.database_url).await;
        let sql = "select count(*) as number from event where stream = 'thing'";
        assert_eq!(number(&other, sql).await, answered + 1);
        eventually("all is numbered", SOON, async || {
            (log.tail().position() == answered as u64 + 1).then_some(())
        })
        .await;
        server.crash();
    });
}

/// Nobody would ever find data written to a file that has lost its name.
#[test]
fn a_file_that_is_gone_or_another_answers_nothing() {
    tests::setup::run(|| async {
        for (name, replaced) in [
            ("millrace.db", false),
            ("millrace.db", true),
            ("millrace.db-wal", false),
        ] {
            let world = World::new(Way::Embedded).await;
            let log = world.log().await;
            write(&log, NOTHING).await.expect("it is written");
            let file = world.directory.join(name);
            let aside = world.directory.join("aside");
            std::fs::rename(&file, &aside).expect("it is moved");
            if replaced {
                std::fs::copy(&aside, &file).expect("another one");
            }
            for _ in 0..3 {
                let failed = write(&log, NOTHING).await;
                assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
            }
            assert!(log.readiness().await.is_err());
            std::fs::rename(&aside, &file).expect("it is put back");
            write(&log, NOTHING).await.expect("it is written");
            log.readiness().await.expect("it is there again");
        }
    });
}
