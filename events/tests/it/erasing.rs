//! Erasures on a database that loses the last of what it had committed, and erasures that are asked for again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use events::{
    DatabaseTransaction, Eraser, ErasureConfig, ErasurePhase, ErasureWaits, Error, EventLog, Meta,
    NewEvent, PersonalData, ReadModel, StreamKey, Subject, Whose, read_erasures, request_erasure,
    work_on_erasure,
};
use futures::future::BoxFuture;
use sea_orm::ConnectionTrait;
use tests::eventually;
use tokio::sync::watch;
use uuid::Uuid;

use crate::world::{SOON, Way, World, both_ways};

const PERSONAL: &[PersonalData] = &[PersonalData {
    stream: "note",
    event_types: &["Noted"],
    whose: Whose::Stream,
    fields: &[("/text", |_| "gone".into())],
}];

/// Notes are personal. When it comes to the tables for the first time, statements may run.
struct Notes {
    world: Arc<World>,
    then: Option<String>,
    is_done: AtomicBool,
}

impl Eraser for Notes {
    fn subject(&self, id: Uuid) -> Subject {
        let actor = id.to_string();
        Subject { id, actor }
    }

    fn personal_data(&self) -> &'static [PersonalData] {
        PERSONAL
    }

    fn followers(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn read_models(&self) -> Vec<Arc<dyn ReadModel>> {
        if let Some(sql) = &self.then
            && !self.is_done.swap(true, Ordering::SeqCst)
        {
            let run = run(&self.world, sql);
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(run));
        }
        Vec::new()
    }

    fn erase_rows<'a>(
        &'a self,
        _: &'a DatabaseTransaction,
        _: &'a Subject,
    ) -> BoxFuture<'a, events::Result<u64>> {
        Box::pin(async { Ok(0) })
    }
}

async fn run(world: &World, sql: &str) {
    let done = world.database.writer().execute_unprepared(sql).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

struct Scene {
    world: Arc<World>,
    log: EventLog,
    subject: Uuid,
}

impl Scene {
    /// A subject has written notes.
    async fn begin(way: Way) -> Self {
        let world = Arc::new(World::new(way).await);
        let (log, subject) = (world.log().await, Uuid::now_v7());
        log.write(move |tx| {
            Box::pin(async move {
                for version in 0..3 {
                    let event = NewEvent {
                        event_type: "Noted",
                        schema_version: 1,
                        data: &serde_json::json!({ "text": "secret" }),
                        occurred_at: chrono::Utc::now(),
                    };
                    let stream = StreamKey {
                        kind: "note",
                        id: subject,
                    };
                    tx.append(stream, version, event, &Meta::default()).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await
        .expect("the notes");
        Self {
            world,
            log,
            subject,
        }
    }

    async fn request(&self) -> bool {
        let subject = self.subject;
        let requested = self
            .log
            .write(move |tx| Box::pin(request_erasure(tx, subject, "somebody")))
            .await;
        requested.expect("it is requested")
    }

    fn eraser(&self, then: Option<&str>) -> (Arc<dyn Eraser>, ErasureConfig) {
        let eraser = Notes {
            world: self.world.clone(),
            then: then.map(str::to_owned),
            is_done: AtomicBool::new(false),
        };
        let config = ErasureConfig {
            owner: "any".to_owned(),
            settle: Duration::from_millis(100),
            archive: None,
        };
        (Arc::new(eraser), config)
    }

    /// Works on the erasure until it has ended, whatever interrupts it.
    async fn erase(&self, then: Option<&str>) {
        let (eraser, config) = self.eraser(then);
        let (_stop, stopped) = watch::channel(false);
        let mut waits = ErasureWaits::default();
        eventually("the erasure ends", SOON, async || {
            let worked = work_on_erasure(&self.log, &eraser, &config, &mut waits, &stopped).await;
            worked.expect("the database answers");
            let found = read_erasures(&self.world.database, Some(self.subject), 1).await;
            found.expect("the erasure")[0].finished_at.map(drop)
        })
        .await;
    }

    /// Returns how many notes can be read.
    async fn secrets(&self) -> i64 {
        let text = match self.world.way {
            Way::Embedded => "data",
            Way::Distributed => "data::text",
        };
        let sql = format!("select count(*) as number from event where {text} like '%secret%'");
        self.world.number(&sql).await
    }
}

/// Puts back what the notes said.
fn unredact(way: Way) -> &'static str {
    match way {
        Way::Embedded => {
            "update event set data = replace(data, 'gone', 'secret') where stream = 'note'"
        }
        Way::Distributed => {
            "update event set data = replace(data::text, 'gone', 'secret')::json where stream = 'note'"
        }
    }
}

async fn an_erasure_does_not_go_on_from_what_the_database_has_lost(way: Way) {
    let scene = Scene::begin(way).await;
    assert_eq!(scene.secrets().await, 3);
    assert!(scene.request().await);
    assert!(!scene.request().await, "it is requested already");
    let lost = format!(
        "{}; update erasure set phase = 'log', place = 0, log_at = null",
        unredact(way)
    );
    scene.erase(Some(&lost)).await;
    assert_eq!(scene.secrets().await, 0);
}

async fn an_erasure_is_begun_again(way: Way) {
    let scene = Scene::begin(way).await;
    assert!(scene.request().await);
    scene.erase(None).await;
    assert_eq!(scene.secrets().await, 0);
    run(&scene.world, unredact(way)).await;
    assert_eq!(scene.secrets().await, 3);
    assert!(scene.request().await, "it has ended");
    scene.erase(None).await;
    assert_eq!(scene.secrets().await, 0);
    let recorded = "select count(*) as number from event where stream = 'erasure'";
    assert_eq!(
        scene.world.number(recorded).await,
        4,
        "each pass is recorded"
    );
}

/// The archive cannot be written. Each attempt is due at once here, as others may be who work on it.
async fn an_erasure_that_cannot_go_on_is_left_alone(way: Way) {
    let scene = Scene::begin(way).await;
    let archive = scene.world.directory.join("archive");
    std::fs::write(&archive, "no directory").expect("a file");
    assert!(scene.request().await);
    let eraser: Arc<dyn Eraser> = Arc::new(Notes {
        world: scene.world.clone(),
        then: None,
        is_done: AtomicBool::new(false),
    });
    let config = ErasureConfig {
        owner: "any".to_owned(),
        settle: Duration::ZERO,
        archive: Some(archive.clone()),
    };
    let (_stop, stopped) = watch::channel(false);
    let mut waits = ErasureWaits::default();
    let (due, pause) = match way {
        Way::Embedded => (
            "update erasure set leased_until = 0",
            "select cast(leased_until - unixepoch('subsec') as integer) as number from erasure",
        ),
        Way::Distributed => (
            "update erasure set leased_until = '-infinity'",
            "select extract(epoch from leased_until - now())::bigint as number from erasure",
        ),
    };
    let mut attempt = async || {
        run(&scene.world, due).await;
        let worked = work_on_erasure(&scene.log, &eraser, &config, &mut waits, &stopped).await;
        assert!(worked.expect("the database answers"), "there is one");
        scene.world.number(pause).await
    };
    for _ in 0..9 {
        attempt().await;
    }
    let patient = attempt().await;
    assert!((30..=60).contains(&patient), "{patient} s");
    std::fs::remove_file(&archive).expect("it is removed");
    eventually("the erasure ends", SOON, async || {
        attempt().await;
        let found = read_erasures(&scene.world.database, Some(scene.subject), 1).await;
        found.expect("the erasure")[0].finished_at.map(drop)
    })
    .await;
}

/// While somebody reads what is in SQLite's write-ahead log, it cannot be emptied. All writers wait for whoever tries.
#[test]
fn an_erasure_that_waits_for_a_reader_holds_nobody_up() {
    tests::setup::run(async || {
        let scene = Scene::begin(Way::Embedded).await;
        let reading = scene.world.database.reader.begin().await;
        let reading = reading.expect("a transaction");
        let notes = "select count(*) from event";
        let read = reading.execute_unprepared(notes).await;
        read.expect("a snapshot");
        assert!(scene.request().await);
        let (eraser, config) = scene.eraser(None);
        let (_stop, stopped) = watch::channel(false);
        let mut waits = ErasureWaits::default();
        let began = std::time::Instant::now();
        let worked = work_on_erasure(&scene.log, &eraser, &config, &mut waits, &stopped).await;
        assert!(worked.expect("the database answers"), "there is one");
        let held_up = began.elapsed();
        assert!(held_up < Duration::from_secs(5), "{held_up:?}");
        let found = read_erasures(&scene.world.database, Some(scene.subject), 1).await;
        let found = &found.expect("the erasure")[0];
        assert_eq!(found.phase, ErasurePhase::Streams, "it waits");
        reading.rollback().await.expect("it has read");
        scene.erase(None).await;
        assert_eq!(scene.secrets().await, 0);
    });
}

both_ways!(
    an_erasure_that_cannot_go_on_is_left_alone,
    an_erasure_does_not_go_on_from_what_the_database_has_lost,
    an_erasure_is_begun_again,
);
