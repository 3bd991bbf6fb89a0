//! Wanted events are handled, once, by competing processes; also when slow, and when paused.

use std::{
    collections::BTreeSet,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use events::{HandlerConfig, pause, resume};
use sea_orm::ConnectionTrait;
use tests::{eventually, redis::Redis};

use crate::{
    jobs::{Todo, Worker, ask, quickly},
    world::{Running, SOON, Way, World, both_ways},
};

async fn each_wanted_event_is_handled_once(way: Way) {
    let world = World::new(way).await;
    let logs = world.logs(3).await;
    let mut running = Vec::new();
    let mut workers = Vec::new();
    for (number, log) in logs.iter().enumerate() {
        let owner = format!("owner-{number}");
        let (mut one, mut two) = (Worker::new("one", &owner), Worker::new("two!", &owner));
        one.concurrency = 4;
        two.event_type = "OtherAsked";
        running.push(Running::start(log, vec![one.arc(), two.arc()], &owner));
        workers.push(one);
    }
    let mut todos = vec![Todo::Succeed; 150];
    // This takes so long that one process is not done before the other has looked.
    todos.extend(vec![Todo::Sleep(100); 50]);
    ask(&logs[0], "JobAsked", todos).await;
    ask(&logs[0], "OtherAsked", vec![Todo::Succeed; 40]).await;
    ask(&logs[0], "NobodyAsked", vec![Todo::Succeed; 30]).await;
    world.await_deliveries("one", &[("done", 200)]).await;
    world.await_deliveries("two!", &[("done", 40)]).await;
    for running in running {
        running.stop().await;
    }
    let wanted = |event_type: &str| {
        format!(
            "select p.position as number from event e join event_position p on p.inserted = e.inserted
             where e.type = '{event_type}' order by 1"
        )
    };
    for (handler, event_type) in [("one", "JobAsked"), ("two!", "OtherAsked")] {
        let rows = world.rows(&wanted(event_type)).await;
        let wanted: Vec<i64> = rows
            .iter()
            .map(|row| row.try_get("", "number").expect("a position"))
            .collect();
        assert_eq!(
            world.effects(handler).await,
            wanted,
            "each once, and no other"
        );
    }
    assert_eq!(
        world
            .number("select count(*) as number from event where type = 'JobHandled'")
            .await,
        240
    );
    assert_eq!(
        world
            .number("select count(*) as number from delivery")
            .await,
        240
    );
    for worker in &workers {
        let most = worker.most_running.load(Ordering::SeqCst);
        assert!(most <= 4, "{most} at once, where 4 are allowed");
    }
    let took_part: BTreeSet<String> = world
        .rows("select distinct owner as owner from effect")
        .await
        .iter()
        .map(|row| row.try_get("", "owner").expect("an owner"))
        .collect();
    assert!(took_part.len() > 1, "only {took_part:?} took part");
}

/// A delivery that may have ended its process runs alone. But it does not wait long for others to end, which would keep more from
/// beginning, and it does not keep them waiting for long.
async fn what_runs_alone_stops_nobody_for_long(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let of = |name, event_type| Worker {
        event_type,
        policy: quickly(5),
        ..Worker::new(name, "any")
    };
    let (long, suspect) = (of("long", "JobAsked"), of("suspect", "OtherAsked"));
    let quick = of("quick", "QuickAsked");
    let config = HandlerConfig {
        owner: "any".to_owned(),
        lease: Duration::from_secs(20),
        drain: SOON,
        alone: Duration::from_millis(200),
    };
    let writer = world.database.writer();
    pause(writer, "suspect", "somebody").await.expect("a pause");
    let handlers = vec![long.arc(), suspect.arc(), quick.arc()];
    let running = Running::with(&log, handlers, config);
    ask(&log, "OtherAsked", vec![Todo::Sleep(3_000)]).await;
    world.await_deliveries("suspect", &[("waiting", 1)]).await;
    let left_behind = match way {
        Way::Embedded => "0",
        Way::Distributed => "now() - interval '1 second'",
    };
    let sql = format!(
        "update delivery set state = 'running', attempts = 2, owner = 'gone', token = 2, leased_until = {left_behind}
         where handler = 'suspect'"
    );
    writer.execute_unprepared(&sql).await.expect("an update");
    let is_running = async |worker: &Worker| {
        eventually("it runs", SOON, async || {
            (worker.running.load(Ordering::SeqCst) == 1).then_some(())
        })
        .await;
    };
    ask(&log, "JobAsked", vec![Todo::Sleep(3_000)]).await;
    is_running(&long).await;
    resume(writer, "suspect").await.expect("it goes on");
    for (number, slow) in [&long, &suspect].into_iter().enumerate() {
        is_running(slow).await;
        for round in 1..=3 {
            ask(&log, "QuickAsked", vec![Todo::Succeed]).await;
            let done = 3 * number as i64 + round;
            world.await_deliveries("quick", &[("done", done)]).await;
        }
        assert_eq!(slow.running.load(Ordering::SeqCst), 1, "{}", slow.name);
    }
    world.await_deliveries("suspect", &[("done", 1)]).await;
    assert_eq!(suspect.attempt_numbers(), [3]);
    running.stop().await;
}

async fn what_takes_longer_than_a_lease_is_run_once(way: Way) {
    let world = World::new(way).await;
    let logs = world.logs(2).await;
    let worker = Worker::new("slow", "any");
    let mut running = Vec::new();
    for (number, log) in logs.iter().enumerate() {
        let config = HandlerConfig {
            owner: format!("owner-{number}"),
            // One that a process keeps which is a second late.
            lease: Duration::from_secs(3),
            drain: SOON,
            alone: Duration::from_secs(10),
        };
        running.push(Running::with(log, vec![worker.arc()], config));
    }
    ask(&logs[0], "JobAsked", vec![Todo::Sleep(6_000); 3]).await;
    world.await_deliveries("slow", &[("done", 3)]).await;
    for running in running {
        running.stop().await;
    }
    assert_eq!(worker.attempt_numbers(), [1, 1, 1]);
    assert_eq!(world.effects("slow").await.len(), 3);
}

async fn what_is_paused_waits(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let (held, free) = (Worker::new("held", "any"), Worker::new("free!", "any"));
    let writer = world.database.writer();
    assert!(pause(writer, "held", "somebody").await.expect("a pause"));
    assert!(
        !pause(writer, "held", "another")
            .await
            .expect("no second pause")
    );
    let running = Running::start(&log, vec![held.arc(), free.arc()], "any");
    ask(&log, "JobAsked", vec![Todo::Succeed; 5]).await;
    world.await_deliveries("free!", &[("done", 5)]).await;
    world.await_deliveries("held", &[("waiting", 5)]).await;
    // This is longer than a process remembers pauses, and than any interval at which it looks.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.effects("held").await, Vec::<i64>::new());
    let pauses = events::read_pauses(&world.database.reader)
        .await
        .expect("pauses");
    assert_eq!(
        (pauses[0].name.as_str(), pauses[0].actor.as_str()),
        ("held", "somebody")
    );
    assert!(resume(writer, "held").await.expect("it goes on"));
    world.await_deliveries("held", &[("done", 5)]).await;
    running.stop().await;
    assert_eq!(held.attempt_numbers(), [1; 5]);
}

/// Redis tells a free process; the table alone would take up to a poll interval for each.
async fn hints_bring_it_soon(way: Way) {
    let world = World::new(way).await;
    let logs = world.logs(2).await;
    let running: Vec<_> = (0..2)
        .map(|number| {
            let owner = format!("owner-{number}");
            Running::start(
                &logs[number],
                vec![Worker::new("soon", &owner).arc()],
                &owner,
            )
        })
        .collect();
    let (mut asked, mut times) = (Vec::new(), Vec::new());
    for number in 1..=15 {
        let began = Instant::now();
        ask(&logs[0], "JobAsked", vec![Todo::Succeed]).await;
        asked.push(began.elapsed());
        world.await_deliveries("soon", &[("done", number)]).await;
        times.push(began.elapsed());
    }
    for running in running {
        running.stop().await;
    }
    asked.sort();
    times.sort();
    // A machine on which asking takes long has more time.
    let most = Duration::from_millis(400).max(15 * asked[7]);
    assert!(times[7] < most, "median of {times:?}, of {most:?}");
}

both_ways!(
    each_wanted_event_is_handled_once,
    what_runs_alone_stops_nobody_for_long,
    what_takes_longer_than_a_lease_is_run_once,
    what_is_paused_waits,
    hints_bring_it_soon,
);

/// Redis is emptied and restarted repeatedly: this only costs latency, and it is used again afterwards.
async fn redis_is_expendable() {
    let redis = Redis::start();
    let world = World::on(Way::Distributed, Some(redis.url())).await;
    let logs = world.logs(2).await;
    let running: Vec<_> = (0..2)
        .map(|number| {
            let owner = format!("owner-{number}");
            let mut worker = Worker::new("hardy", &owner);
            worker.policy = quickly(20);
            Running::start(&logs[number], vec![worker.arc()], &owner)
        })
        .collect();
    for round in 0..8 {
        let todos = (0..40).map(|number| match number % 4 {
            0 => Todo::FailFirst(2),
            1 => Todo::Sleep(5),
            _ => Todo::Succeed,
        });
        ask(&logs[0], "JobAsked", todos.collect()).await;
        match round {
            3 => {
                redis.kill();
                ask(&logs[0], "JobAsked", vec![Todo::Succeed; 40]).await;
                redis.restart();
            }
            _ => redis.flush_all(),
        }
    }
    world
        .await_deliveries("hardy", &[("done", 360), ("dead", 0)])
        .await;
    let effects = world.effects("hardy").await;
    let distinct: BTreeSet<_> = effects.iter().collect();
    assert_eq!((effects.len(), distinct.len()), (360, 360));
    // The group exists again, and its entries are acknowledged and removed.
    eventually("hints come over Redis again, and go", SOON, async || {
        ask(&logs[0], "JobAsked", vec![Todo::Succeed]).await;
        let client = redis::Client::open(redis.url()).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{}:*:jobs:hardy", world.prefix))
            .query_async(&mut connection)
            .await
            .ok()?;
        let key = keys.first()?;
        let groups: redis::streams::StreamInfoGroupsReply = redis::cmd("XINFO")
            .arg("GROUPS")
            .arg(key)
            .query_async(&mut connection)
            .await
            .ok()?;
        let number = async |command: &str| -> Option<i64> {
            let mut connection = connection.clone();
            let mut command = redis::cmd(command);
            command.arg(key).query_async(&mut connection).await.ok()
        };
        let length = number("XLEN").await?;
        // Nobody would remove it when its epoch is over.
        let is_to_expire = number("TTL").await? > 0;
        let group = groups.groups.first()?;
        (group.consumers >= 2 && group.pending == 0 && length == 0 && is_to_expire).then_some(())
    })
    .await;
    for running in running {
        running.stop().await;
    }
}

#[test]
fn redis_is_expendable_distributed() {
    tests::setup::run(redis_is_expendable);
}
