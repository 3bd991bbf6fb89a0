//! Archiving and pruning while the log changes its history.

use std::{cell::Cell, path::PathBuf, time::Duration};

use events::{
    ArchiveConfig, ArchiveError, ArchivedStretch, EventLog, HeldBy, Keeps, PruneConfig,
    PruneReport, archive, archived_stretch, prune,
};
use sea_orm::ConnectionTrait;
use tests::eventually;
use tokio::{runtime::Handle, sync::watch, task::block_in_place};

use crate::{
    losses::{await_position, write},
    world::{SOON, Way, World, both_ways},
};

const NOTHING_IS_KEPT: Keeps = Keeps {
    whole: &[],
    ends: &[],
    last: &[],
};

/// Archives of one world.
struct Scene {
    world: World,
    log: EventLog,
    directory: PathBuf,
}

impl Scene {
    async fn begin(way: Way) -> Self {
        let world = World::new(way).await;
        let log = world.log().await;
        let directory = world.directory.join("archive");
        Self {
            world,
            log,
            directory,
        }
    }

    async fn begin_epoch(&self) {
        let before = self.log.tail().cursor().epoch;
        let begun = self.log.write(|tx| Box::pin(tx.begin_epoch())).await;
        begun.expect("an epoch");
        eventually("it is heard of", SOON, async || {
            (self.log.tail().cursor().epoch != before).then_some(())
        })
        .await;
    }

    async fn archive(&self, then: impl Fn()) -> Result<ArchivedStretch, ArchiveError> {
        let config = ArchiveConfig {
            older_than: Duration::ZERO,
            directory: self.directory.clone(),
        };
        let (_stop, stopped) = watch::channel(false);
        let database = &self.world.database;
        archive(database, &config, |_| then(), &stopped).await?;
        archived_stretch(database, self.directory.clone()).await
    }

    async fn prune(&self, archived: ArchivedStretch) -> PruneReport {
        let config = PruneConfig {
            older_than: Duration::ZERO,
            keeps: NOTHING_IS_KEPT,
            ended_for: Duration::ZERO,
            followers: Vec::new(),
            archived: Some(archived),
        };
        let (_stop, stopped) = watch::channel(false);
        let pruned = prune(&self.world.database, &config, |_| {}, &stopped).await;
        pruned.expect("the database answers")
    }
}

/// A log that was restored has other events at the positions that are in the archive.
async fn nothing_is_pruned_for_the_archive_of_an_epoch_that_has_ended(way: Way) {
    let scene = Scene::begin(way).await;
    write(&scene.log, 5).await;
    await_position(&scene.log, 5).await;
    let archived = scene.archive(|| {}).await.expect("an archive");
    assert_eq!((archived.first, archived.last), (1, 5));
    scene.begin_epoch().await;
    let pruned = scene.prune(archived).await;
    assert_eq!((pruned.position, pruned.held_by), (0, HeldBy::Archive));
    let archived = scene.archive(|| {}).await.expect("another archive");
    assert_eq!(scene.prune(archived).await.position, 5);
}

/// More events than a file of the archive has.
const EVENTS: u64 = 20_005;

async fn the_archive_of_an_epoch_has_no_events_of_another(way: Way) {
    let scene = Scene::begin(way).await;
    let columns =
        "event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at";
    let sql = match way {
        Way::Distributed => format!(
            "insert into event ({columns})
             select gen_random_uuid(), 3, 'other', gen_random_uuid(), 1, 'Other', 1, '{{}}', '{{\"actor\":\"test\"}}', now()
             from generate_series(1, {EVENTS})"
        ),
        Way::Embedded => format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < {EVENTS})
             insert into event ({columns}, previous)
             select randomblob(16), 3, 'other', randomblob(16), 1, 'Other', 1, '{{}}', '{{\"actor\":\"test\"}}',
                    '2026-01-01T00:00:00+00:00', i - 1 from n"
        ),
    };
    let filled = scene.world.database.writer().execute_unprepared(&sql).await;
    filled.expect("the events");
    await_position(&scene.log, EVENTS).await;
    let is_first = Cell::new(true);
    let after_the_first_file = || {
        if is_first.replace(false) {
            block_in_place(|| Handle::current().block_on(scene.begin_epoch()));
        }
    };
    let archived = scene.archive(after_the_first_file).await;
    assert!(matches!(archived, Err(ArchiveError::Ended)), "{archived:?}");
    let archived = scene.archive(|| {}).await.expect("another archive");
    assert_eq!((archived.first, archived.last), (1, EVENTS));
}

both_ways!(
    nothing_is_pruned_for_the_archive_of_an_epoch_that_has_ended,
    the_archive_of_an_epoch_has_no_events_of_another,
);
