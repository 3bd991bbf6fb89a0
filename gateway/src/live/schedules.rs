//! A search for schedules in which a subscriber gets stuck, or receives too much, too little or what it may not see: the real groups and
//! subscribers over a made-up log and made-up rights. `shuttle` chooses at every step which task runs, and detects when none can.
//! Subscribers come, read slowly, lag, leave and resume; rights change at a commit, which is announced before or after its event arrives;
//! groups end, and leave results out; and there is a single connection to the database, so a task that keeps it without progress blocks everybody. `SCHEDULES`
//! says how many are tried; `make simulate` tries 100,000.

use std::sync::{
    Arc, Mutex, Weak,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::ServerError;
use async_stream::stream;
use events::{Cursor, Range};
use futures::StreamExt;
use shuttle::{
    Config, Runner,
    future::{block_on, spawn, yield_now},
    rand::{Rng, thread_rng},
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};
use tokio::sync::{Notify, Semaphore, watch};

use super::{
    ground::{Answer, Answers, Ground, Subscription},
    group::Groups,
    subscriber,
};
use crate::operation::Payload;

/// The number of events committed.
const EVENTS: u64 = 6;
const SUBSCRIBERS: u64 = 3;
const ROLES: u64 = 2;

struct World {
    groups: Groups<Self>,
    /// Whether the event at a position, from 1 on, changes everybody's role.
    turns: Vec<bool>,
    committed: watch::Sender<u64>,
    reached: watch::Sender<u64>,
    marks: Mutex<Vec<Weak<Mark>>>,
    connection: Semaphore,
    /// Whether results differ by user, and whether that was discovered.
    is_personal: bool,
    is_known: AtomicBool,
}

/// The mark of a changed grant, as in the real one.
#[derive(Default)]
struct Mark {
    is_stale: AtomicBool,
    changed: Notify,
}

/// A subscription of a user.
struct Asked {
    world: Arc<World>,
    key: (Option<u64>, u64),
    user: u64,
    role: u64,
    after: u64,
    mark: Arc<Mark>,
    withdraws: bool,
}

fn one_of(many: u32) -> bool {
    thread_rng().gen_ratio(1, many)
}

async fn now_or_later() {
    while one_of(2) {
        yield_now().await;
    }
}

impl World {
    fn role_at(&self, position: u64) -> u64 {
        let turns = self.turns[..position as usize].iter();
        turns.filter(|turns| **turns).count() as u64 % ROLES
    }

    /// Asks the database, which takes time; returns everybody's role.
    async fn ask(&self) -> u64 {
        let _connection = self.connection.acquire().await.expect("it is not closed");
        yield_now().await;
        self.role_at(*self.committed.borrow())
    }

    fn register(&self, mark: &Arc<Mark>) {
        let mut marks = self.marks.lock().expect("not poisoned");
        marks.push(Arc::downgrade(mark));
    }

    fn mark(&self) {
        for mark in self.marks.lock().expect("not poisoned").iter() {
            if let Some(mark) = mark.upgrade() {
                mark.is_stale.store(true, Ordering::SeqCst);
                mark.changed.notify_waiters();
            }
        }
    }

    async fn commit(self: Arc<Self>) {
        for position in 1..=EVENTS {
            now_or_later().await;
            self.committed.send_replace(position);
            if self.turns[position as usize - 1] {
                let world = self.clone();
                spawn(async move {
                    now_or_later().await;
                    world.mark();
                });
            }
        }
    }

    async fn arrive(self: Arc<Self>) {
        let mut committed = self.committed.subscribe();
        for position in 1..=EVENTS {
            let is_there = committed.wait_for(|committed| *committed >= position).await;
            drop(is_there.expect("the world is there"));
            now_or_later().await;
            if self.turns[position as usize - 1] {
                self.mark();
                now_or_later().await;
            }
            self.reached.send_replace(position);
        }
    }

    /// Follows everything from some place on, like a client that resumes where it is.
    async fn follow(self: Arc<Self>, user: u64) {
        let mut place = thread_rng().gen_range(0..=*self.reached.borrow());
        let withdraws = one_of(3);
        while place < EVENTS {
            now_or_later().await;
            let asked = Asked::new(&self, user, place, withdraws).await;
            let Ok(mut heard) = subscriber::open(self.clone(), asked).await else {
                continue;
            };
            while let Some(Payload::Next(text)) = heard.next().await {
                let text = std::str::from_utf8(&text).expect("text");
                let (position, role) = text.split_once(' ').expect("two numbers");
                let position: u64 = position.parse().expect("a position");
                assert_eq!(position, place + 1, "of user {user}");
                let roles = (position..=*self.committed.borrow()).map(|at| self.role_at(at));
                let roles: Vec<_> = roles.map(|role| role.to_string()).collect();
                assert!(roles.iter().any(|it| it == role), "{text} of {roles:?}");
                place = position;
                if place == EVENTS || one_of(8) {
                    break;
                }
                now_or_later().await;
            }
        }
    }
}

impl Asked {
    async fn new(world: &Arc<World>, user: u64, after: u64, withdraws: bool) -> Self {
        let mark = Arc::<Mark>::default();
        world.register(&mark);
        let role = world.ask().await;
        let mut asked = Self {
            world: world.clone(),
            key: (None, role),
            user,
            role,
            after,
            mark,
            withdraws,
        };
        asked.settle_scope(world);
        asked
    }
}

fn place(position: u64) -> Cursor {
    Cursor {
        epoch: 0,
        position,
        proof: None,
    }
}

fn answer(position: u64, role: u64) -> Answer {
    Answer::Next {
        order: position,
        cursor: place(position),
        payload: Payload::Next(format!("{position} {role}").into()),
        at: None,
        trace: None,
    }
}

impl Ground for World {
    const BUFFERED_FRAMES: usize = 2;
    // Members hear of an event one after the other, and of some only with the next.
    const SHARD_MEMBERS: usize = 1;

    type Members = ();
    type Key = (Option<u64>, u64);
    type Request = Asked;

    fn groups(&self) -> &Groups<Self> {
        &self.groups
    }

    fn reached(&self) -> Cursor {
        place(*self.reached.borrow())
    }

    fn spawn(work: impl Future<Output = ()> + Send + 'static) {
        drop(spawn(work));
    }
}

impl Subscription<World> for Asked {
    type Viewer = u64;

    fn key(&self) -> &(Option<u64>, u64) {
        &self.key
    }

    fn after(&self) -> Cursor {
        place(self.after)
    }

    fn enter(&self, (): &()) {}

    fn shared_answers(&self, world: &Arc<World>, after: Cursor, _: &Arc<()>) -> Answers {
        let (world, role, is_shared) = (world.clone(), self.role, self.key.0.is_none());
        let answers = stream! {
            let mut changes = world.reached.subscribe();
            for position in after.position + 1.. {
                let is_there = changes.wait_for(|reached| *reached >= position).await;
                drop(is_there.expect("the world is there"));
                if one_of(2) {
                    // It reads the log.
                    world.ask().await;
                }
                if is_shared && world.is_personal {
                    world.is_known.store(true, Ordering::SeqCst);
                    yield Answer::Personal;
                    return;
                }
                if one_of(12) {
                    yield Answer::Error(Vec::new());
                    return;
                }
                if one_of(6) {
                    // It has no room for one that lags.
                    yield Answer::Skipped { order: position };
                    continue;
                }
                yield answer(position, role);
            }
        };
        answers.boxed()
    }

    fn own_answers(&self, world: &Arc<World>, range: Range) -> Answers {
        let (world, role) = (world.clone(), self.role);
        let answers = stream! {
            // It looks up the rights that it requires.
            world.ask().await;
            let until = range.until.expect("an end");
            for position in range.after.position + 1..=until {
                // Some events are read together.
                if one_of(2) {
                    world.ask().await;
                }
                yield answer(position, role);
            }
        };
        answers.boxed()
    }

    fn settle_scope(&mut self, world: &World) {
        let is_known = world.is_known.load(Ordering::SeqCst);
        self.key = (is_known.then_some(self.user), self.role);
    }

    fn is_stale(&self) -> bool {
        self.mark.is_stale.load(Ordering::SeqCst)
    }

    fn stale(&self) -> impl Future<Output = ()> + Send + 'static {
        let mark = self.mark.clone();
        async move {
            loop {
                let changed = mark.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if mark.is_stale.load(Ordering::SeqCst) {
                    return;
                }
                changed.await;
            }
        }
    }

    fn recheck(&self) -> impl Future<Output = Result<u64, ServerError>> + Send + 'static {
        let (world, mark) = (self.world.clone(), self.mark.clone());
        async move {
            mark.is_stale.store(false, Ordering::SeqCst);
            Ok(world.ask().await)
        }
    }

    fn withdraws(&self) -> bool {
        self.withdraws
    }

    fn differs_for(&self, role: &u64) -> bool {
        self.role != *role
    }

    fn set_viewer(&mut self, role: u64, world: &World) {
        self.role = role;
        self.settle_scope(world);
    }
}

async fn all_hear_everything() {
    let world = Arc::new(World {
        groups: Groups::default(),
        turns: (0..EVENTS).map(|_| one_of(2)).collect(),
        committed: watch::Sender::new(0),
        reached: watch::Sender::new(0),
        marks: Mutex::default(),
        connection: Semaphore::new(1),
        is_personal: one_of(4),
        is_known: AtomicBool::new(false),
    });
    let mut tasks = vec![spawn(world.clone().commit()), spawn(world.clone().arrive())];
    tasks.extend((0..SUBSCRIBERS).map(|user| spawn(world.clone().follow(user))));
    for task in tasks {
        task.await.expect("it ends");
    }
}

/// Deep enough for a debug build.
const STACK_BYTES: usize = 1 << 20;

fn search(scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    Runner::new(scheduler, config).run(|| block_on(all_hear_everything()));
}

fn schedules() -> usize {
    let given = std::env::var("SCHEDULES").ok();
    given.map_or(1_000, |text| text.parse().expect("a number"))
}

const SEED: u64 = 12;

#[test]
fn no_subscriber_stands_still_in_schedules_by_chance() {
    search(RandomScheduler::new_from_seed(SEED, schedules()));
}

#[test]
fn no_subscriber_stands_still_in_schedules_by_priority() {
    search(PctScheduler::new_from_seed(SEED, 3, schedules()));
}
