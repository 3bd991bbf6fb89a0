//! Real processes that are killed. The test program starts itself again as `child`, which runs handlers, or a follower, until it is
//! told to stop, is killed, or kills itself because one of them does.

use std::{
    collections::BTreeSet,
    io::Write,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use events::{Handler, HandlerConfig, RetryPolicy};
use tests::{process::Process, setup};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use crate::{
    failing::letters,
    followers::has_passed,
    jobs::{Todo, Worker, ask, quickly},
    model::{Applied, Following, NAME, append, versions},
    world::{Running, SOON, Way, World, both_ways, connect, start_log},
};

const DATABASE: &str = "CHILD_DATABASE";
const REDIS: &str = "CHILD_REDIS";
const PREFIX: &str = "CHILD_PREFIX";
const FOLLOWS: &str = "CHILD_FOLLOWS";
const LEASE: Duration = Duration::from_millis(900);

/// The children of a world.
struct Children<'a> {
    world: &'a World,
    processes: Vec<Process>,
    started: usize,
    are_following: bool,
}

impl<'a> Children<'a> {
    fn start(world: &'a World, wanted: usize) -> Self {
        Self::of(world, wanted, false)
    }

    fn of(world: &'a World, wanted: usize, are_following: bool) -> Self {
        let wanted = if world.way == Way::Embedded {
            1
        } else {
            wanted
        };
        let mut children = Self {
            world,
            processes: Vec::new(),
            started: 0,
            are_following,
        };
        for _ in 0..wanted {
            let child = children.one();
            children.processes.push(child);
        }
        children
    }

    fn one(&mut self) -> Process {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args([
                "--exact",
                "processes::a_child_ends_when_it_is_told",
                "--nocapture",
            ])
            .env(DATABASE, &self.world.database_url)
            .env(PREFIX, &self.world.prefix);
        if let Some(url) = &self.world.redis_url {
            command.env(REDIS, url);
        }
        if self.are_following {
            command.env(FOLLOWS, "1");
        }
        self.started += 1;
        let name = format!("child-{}", self.started);
        let mut process = Process::spawn(&name, &self.world.directory, &mut command, "KILL");
        process.await_line("RUNNING", SOON);
        process
    }

    fn restart_dead(&mut self) {
        for index in 0..self.processes.len() {
            if !self.processes[index].is_running() {
                self.processes[index] = self.one();
            }
        }
    }
}

/// Returns both handlers of a child. The one that kills shares the process with an innocent one.
fn handlers(owner: &str) -> Vec<Arc<dyn Handler>> {
    let policy = RetryPolicy {
        limit: 10,
        ..quickly(10)
    };
    let hardy = Worker {
        policy,
        ..Worker::new("hardy", owner)
    };
    let deadly = Worker {
        event_type: "OtherAsked",
        policy: quickly(4),
        ..Worker::new("deadly", owner)
    };
    vec![hardy.arc(), deadly.arc()]
}

async fn run_child(url: String) {
    let mut told = signal(SignalKind::terminate()).expect("a signal");
    let redis = std::env::var(REDIS).ok();
    let prefix = std::env::var(PREFIX).expect("a prefix");
    let log = start_log(connect(&url).await, redis, &prefix).await;
    let owner = Uuid::now_v7().to_string();
    if std::env::var(FOLLOWS).is_ok() {
        let following = Following::with(&log, Applied::default().arc(), &owner, LEASE / 2);
        println!("\nRUNNING");
        std::io::stdout().flush().expect("it is read");
        told.recv().await;
        return following.stop().await;
    }
    let config = HandlerConfig {
        owner: owner.clone(),
        lease: LEASE,
        drain: SOON,
        alone: SOON,
    };
    let running = Running::with(&log, handlers(&owner), config);
    println!("\nRUNNING");
    std::io::stdout().flush().expect("it is read");
    told.recv().await;
    running.stop().await;
    println!("\nSTOPPED");
}

/// This test is also the child process that the other tests start.
#[test]
fn a_child_ends_when_it_is_told() {
    if let Ok(url) = std::env::var(DATABASE) {
        return runtime().block_on(run_child(url));
    }
    setup::run(async || {
        let world = World::new(Way::Embedded).await;
        let mut children = Children::start(&world, 1);
        let mut child = children.processes.remove(0);
        assert!(child.terminate(SOON).success());
        assert!(child.output().contains("STOPPED"), "{}", child.output());
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn children_that_are_killed_lose_and_double_nothing(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let mut children = Children::start(&world, 3);
    let seed = Uuid::now_v7().as_u128() as u64;
    println!("seed {seed}");
    let mut random = seed;
    let mut asked = 0;
    for round in 0..10_u64 {
        let todos = (0..30).map(|number| match number % 5 {
            0 => Todo::FailFirst(1),
            1 => Todo::Sleep(150),
            _ => Todo::Sleep(5),
        });
        asked += ask(&log, "JobAsked", todos.collect()).await.len();
        // Some are killed in the middle, some have just begun.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(round);
        tokio::time::sleep(Duration::from_millis(100 + (random >> 40) % 700)).await;
        let victim = (random >> 20) as usize % children.processes.len();
        children.processes[victim].kill();
        children.restart_dead();
    }
    let asked = i64::try_from(asked).expect("few");
    world
        .await_deliveries("hardy", &[("done", asked), ("dead", 0)])
        .await;
    let effects = world.effects("hardy").await;
    let distinct: BTreeSet<_> = effects.iter().collect();
    assert_eq!(
        (effects.len() as i64, distinct.len() as i64),
        (asked, asked)
    );
    for mut child in children.processes {
        assert!(child.terminate(SOON).success(), "{}", child.log());
    }
}

/// One event ends every process that handles it. It becomes a dead letter, and takes nothing else with it.
async fn what_kills_its_process_dies_alone(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let mut children = Children::start(&world, 2);
    let mut others = vec![Todo::Sleep(30); 40];
    others.extend(vec![Todo::Succeed; 40]);
    ask(&log, "JobAsked", others).await;
    let mut deadly = vec![Todo::Sleep(20); 10];
    deadly.insert(5, Todo::Kill);
    let deadly = ask(&log, "OtherAsked", deadly).await;
    let began = Instant::now();
    loop {
        children.restart_dead();
        let done = world.deliveries("hardy", "done").await;
        let (others, dead) = (
            world.deliveries("deadly", "done").await,
            world.deliveries("deadly", "dead").await,
        );
        if (done, others, dead) == (80, 10, 1) {
            break;
        }
        assert!(
            began.elapsed() < 2 * SOON,
            "{done} and {others} done, {dead} dead"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let letters = letters(&log).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!((letters[0].stream_id, letters[0].attempts), (deadly[5], 4));
    let error = letters[0].error.as_deref().expect("an error");
    assert!(
        error.starts_with("the process that handled it ended"),
        "{error}"
    );
    assert!(
        children.started > 4,
        "only {} were started",
        children.started
    );
    for handler in ["hardy", "deadly"] {
        let effects = world.effects(handler).await;
        let distinct: BTreeSet<_> = effects.iter().collect();
        assert_eq!(
            effects.len(),
            distinct.len(),
            "{handler} had an effect twice"
        );
    }
    for mut child in children.processes {
        assert!(child.terminate(SOON).success(), "{}", child.log());
    }
}

/// One event ends every process that applies it. It is set aside, and later events of its stream wait; all others continue.
async fn what_kills_its_follower_is_set_aside(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let streams: Vec<Uuid> = (0..8).map(|_| Uuid::now_v7()).collect();
    for version in 1..=4 {
        for (number, id) in streams.iter().enumerate() {
            let todo = match (number, version) {
                (3, 2) => Todo::Kill,
                _ => Todo::Succeed,
            };
            append(&log, *id, version, todo).await;
        }
    }
    let mut children = Children::of(&world, 2, true);
    let began = Instant::now();
    while !has_passed(&world, NAME).await {
        children.restart_dead();
        assert!(began.elapsed() < 2 * SOON, "{} started", children.started);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (number, id) in streams.iter().enumerate() {
        let wanted: &[i64] = if number == 3 { &[1] } else { &[1, 2, 3, 4] };
        assert_eq!(versions(&world, *id).await, wanted, "of stream {number}");
    }
    let mut letters = letters(&log).await;
    letters.sort_by_key(|letter| letter.position);
    let told: Vec<_> = letters
        .iter()
        .map(|it| (it.stream_id, it.version, it.attempts, it.is_parked))
        .collect();
    let deadly = streams[3];
    assert_eq!(
        told,
        [
            (deadly, 2, 7, false),
            (deadly, 3, 0, true),
            (deadly, 4, 0, true)
        ]
    );
    let error = letters[0].error.as_deref().expect("an error");
    assert!(error.starts_with("the process that applied it"), "{error}");
    for mut child in children.processes {
        assert!(child.terminate(SOON).success(), "{}", child.log());
    }
}

both_ways!(
    what_kills_its_follower_is_set_aside,
    children_that_are_killed_lose_and_double_nothing,
    what_kills_its_process_dies_alone,
);
