//! What executes the query of a group: once, and again when an event has touched what was read, or a watcher needs a newer answer. There is one
//! execution at a time, which nothing but its time limit stops half-way, as it might hold a connection. What it waits for is argued in `queries`.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use entities::Entities;
use events::{Backoff, Cursor, CursorError, Event, EventSource, FeedError, Range};
use futures::StreamExt;
use schema::{Dependencies, codes};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::answer::{Answer, Made};
use super::execution::{Done, Executed, Query};
use super::group::{Group, State};
use super::turns::Own;
use crate::budget::{Share, Spent};
use crate::errors::{Code, typed, with};
use crate::live::{Shared, caller::claimant, own::broken_off, request::GroupKey};
use crate::metrics::METRICS;

/// The shortest time between two executions, when a watcher needs a newer answer than there is; and the pauses while there is none.
const LEAST_PAUSE: Duration = Duration::from_millis(20);
const UNMET: Backoff = Backoff::new(LEAST_PAUSE, Duration::from_secs(1));
/// The pauses while a read model that was read does not go on.
const BEHIND: Backoff = Backoff::new(LEAST_PAUSE, Duration::from_secs(5));
/// How long an answer waits for the read models to show the event that caused it.
const FOLLOWERS: Duration = Duration::from_secs(5);
/// How often in a row an answer is thrown away because something was committed while it was computed. The next is sent, and says so.
const MOST_OVERTAKEN: u32 = 3;
/// How long an answer that is there waits for the look at the log that tells.
const LOOK: Duration = Duration::from_millis(250);
/// The pauses while it cannot be executed, and how long that may last.
const RETRY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a group, and announces its end, even after a panic.
pub(super) struct Driver {
    shared: Arc<Shared>,
    key: GroupKey,
    group: Arc<Group>,
    query: Query,
    turns: Own,
    last: Option<Arc<Answer>>,
    /// What is kept of the last answer, by whoever began the group.
    kept: Share,
    /// The number of the last execution, and how long it took.
    number: u64,
    took: Duration,
    /// How often in a row an answer was not what somebody needs.
    unmet: Backoff,
    /// How often in a row an answer did not show all that was known when it began, because a read model was behind.
    behind: Backoff,
    /// How often in a row an answer was thrown away because it was overtaken.
    overtaken: u32,
}

/// What a wait for the next execution ended with.
enum Next {
    Execute,
    /// Nobody watches any more.
    Leave,
    End(Vec<ServerError>),
}

/// What an answer shows, as its statements were executed one after the other.
enum Shows {
    /// What was so at its cursor: nothing that touches it was committed until the last of them.
    OneMoment,
    /// This event was committed before the last of them. Some of the answer may be from before, and some from after.
    Overtaken(Arc<Event>),
    /// The log could not be looked at in time.
    Unknown,
}

/// What was heard of the log.
enum Heard {
    Touched(Arc<Event>),
    /// No event up to the end touches it.
    Nothing,
    /// Events are missing, so any may have touched it.
    Missed,
    Failed,
    Lost(CursorError),
}

impl Driver {
    /// Runs a new group until nobody watches it any more.
    pub(super) fn start(shared: Arc<Shared>, key: GroupKey, group: Arc<Group>, query: Query) {
        let turns = shared.queries.turns.of(claimant(&query.caller));
        let driver = Self {
            kept: shared.holdings.of_answers(&query.caller),
            shared,
            key,
            group,
            query,
            turns,
            last: None,
            number: 0,
            took: Duration::ZERO,
            unmet: UNMET,
            behind: BEHIND,
            overtaken: 0,
        };
        tokio::spawn(driver.run());
    }

    async fn run(mut self) {
        let (mut retries, mut working) = (RETRY, Instant::now());
        loop {
            let began = Instant::now();
            let next = match self.execute().await {
                Executed::Done(mut done) if self.is_usable(&done) => {
                    let dependencies = std::mem::take(&mut done.dependencies);
                    let shows = self.look(&done, &dependencies).await;
                    // Nobody waits for a first answer, nor for ever where events come faster than answers.
                    let may_repeat = self.last.is_some() && self.overtaken < MOST_OVERTAKEN;
                    if let Shows::Overtaken(event) = &shows
                        && may_repeat
                    {
                        self.overtaken += 1;
                        METRICS.live_overtaken.inc();
                        if dependencies.has_read_models() {
                            self.await_followers(event).await;
                        }
                        continue;
                    }
                    self.overtaken = 0;
                    let is_mixed = !matches!(shows, Shows::OneMoment);
                    let last = match self.publish(*done, is_mixed) {
                        Ok(last) => last,
                        Err(spent) => {
                            return self.end(State::Error(vec![spent.into_error()]));
                        }
                    };
                    count(&mut self.unmet, self.group.is_met_by(&last));
                    count(&mut self.behind, last.cursor.position >= last.position);
                    let next = self.next(began, &last, &dependencies).await;
                    // It may have rested for hours: what fails from now on has not failed for long.
                    (retries, working) = (RETRY, Instant::now());
                    next
                }
                Executed::Done(done) if self.is_of_another_log(&done) => {
                    Next::End(vec![lost(CursorError::Foreign)])
                }
                Executed::Done(_) => {
                    let message = "What was read is older than what was shown; try again";
                    let errors = vec![typed(Code::Unavailable, message)];
                    self.retry(errors, &mut retries, working).await
                }
                Executed::Unavailable(errors) => self.retry(errors, &mut retries, working).await,
                Executed::Refused(errors) => Next::End(errors),
                Executed::Personal => {
                    self.key.remember_as_personal(&self.shared.personal);
                    return self.end(State::Personal);
                }
            };
            match next {
                Next::Execute => {}
                Next::Leave => return,
                Next::End(errors) => return self.end(State::Error(errors)),
            }
        }
    }

    async fn execute(&mut self) -> Executed {
        let _turn = self.turns.take().await;
        let began = Instant::now();
        self.number = self.group.begin();
        let executed = self.query.execute(&self.shared, self.key.scope()).await;
        self.took = began.elapsed();
        if !matches!(executed, Executed::Done(_)) {
            METRICS.live_failed.inc();
        }
        executed
    }

    fn is_usable(&self, done: &Done) -> bool {
        self.last.as_ref().is_none_or(|last| {
            let (last, now) = (last.cursor, done.cursor);
            !done.is_stale && now.epoch == last.epoch && now.position >= last.position
        })
    }

    fn is_of_another_log(&self, done: &Done) -> bool {
        let last = self.last.as_ref();
        last.is_some_and(|last| last.cursor.epoch != done.cursor.epoch)
    }

    /// Shows an answer to all watchers, if it may be kept.
    fn publish(&mut self, done: Done, is_mixed: bool) -> Result<Arc<Answer>, Spent> {
        let (last, limits) = (self.last.as_deref(), &self.shared.limits);
        let made = Made {
            number: self.number,
            is_mixed,
        };
        let answer = Answer::new(done, made, last, self.query.terms.patch, limits);
        let answer = Arc::new(answer);
        self.kept.try_set(answer.weight())?;
        let is_same = last.is_some_and(|last| Arc::ptr_eq(&last.content, &answer.content));
        match (is_mixed, is_same) {
            (true, _) => METRICS.live_mixed.inc(),
            (false, true) => METRICS.live_unchanged.inc(),
            (false, false) => METRICS.live_changed.inc(),
        };
        self.last = Some(answer.clone());
        self.group.state.send_replace(State::Answer(answer.clone()));
        Ok(answer)
    }

    /// Waits until the answer may have become another one, or somebody needs a newer one.
    async fn next(&self, began: Instant, last: &Answer, dependencies: &Dependencies) -> Next {
        let group = &self.group;
        loop {
            let heard = tokio::select! {
                () = group.state.closed() => match self.leave() {
                    true => return Next::Leave,
                    false => continue,
                },
                () = group.needed(last) => {
                    sleep_until(began + self.unmet.pause()).await;
                    return Next::Execute;
                }
                heard = self.hear(last.cursor, None, dependencies) => heard,
            };
            // It rests for as long as it works, at least.
            let throttle = self.query.terms.throttle.max(self.took * 2);
            match heard {
                Heard::Touched(event) => {
                    let is_behind = event.position <= last.position;
                    let throttle = match is_behind {
                        true => throttle.max(self.behind.pause()),
                        false => throttle,
                    };
                    tokio::select! {
                        () = group.needed(last) => sleep_until(began + self.unmet.pause()).await,
                        () = sleep_until(began + throttle) => {
                            if dependencies.has_read_models() {
                                self.await_followers(&event).await;
                            }
                        }
                    }
                }
                Heard::Missed => sleep_until(began + throttle).await,
                Heard::Nothing | Heard::Failed => sleep(RETRY.pause()).await,
                // The cursor could not be proven when it was made. A new execution makes another one.
                Heard::Lost(_) if last.cursor.proof.is_none() => {
                    sleep_until(began + throttle).await
                }
                Heard::Lost(cause) => return Next::End(vec![lost(cause)]),
            }
            return Next::Execute;
        }
    }

    /// Looks whether an event that touches the answer was committed until it was there.
    async fn look(&self, done: &Done, dependencies: &Dependencies) -> Shows {
        let looking = async {
            let place = self.shared.log.place_after_all().await;
            if place.epoch != done.cursor.epoch {
                return Shows::Unknown;
            }
            if place.position <= done.cursor.position {
                return Shows::OneMoment;
            }
            let until = Some(place.position);
            match self.hear(done.cursor, until, dependencies).await {
                Heard::Touched(event) => Shows::Overtaken(event),
                Heard::Nothing => Shows::OneMoment,
                Heard::Missed | Heard::Failed | Heard::Lost(_) => Shows::Unknown,
            }
        };
        timeout(LOOK, looking).await.unwrap_or(Shows::Unknown)
    }

    /// Waits for the next event after this place that touches the answer, up to a position if there is one.
    async fn hear(&self, after: Cursor, until: Option<u64>, dependencies: &Dependencies) -> Heard {
        let source = EventSource::new(self.shared.log.clone(), Range { after, until });
        let mut events = source.follow(dependencies.topics());
        while let Some(event) = events.next().await {
            match event {
                Ok(event) if dependencies.is_touched_by(&event) => return Heard::Touched(event),
                Ok(_) => {}
                Err(FeedError::Cursor(CursorError::Expired)) => return Heard::Missed,
                Err(FeedError::Cursor(cause)) => return Heard::Lost(cause),
                Err(FeedError::Log(error)) => {
                    tracing::warn!(%error, "a live query could not follow the log");
                    return Heard::Failed;
                }
            }
        }
        Heard::Nothing
    }

    /// Waits until the read models show this event. If they do not in time, the answer is what they show; its cursor says so.
    async fn await_followers(&self, event: &Event) {
        let followers = Entities::read_models_of(&event.stream);
        let log = &self.shared.log;
        let passing = log.await_passed(&followers, event.position, FOLLOWERS);
        if let Err(error) = passing.await {
            tracing::warn!(%error, "waiting for the read models of a live query failed");
        }
    }

    /// Decides what to do when it could not be executed. A first answer is not waited for, as it is not for a query.
    async fn retry(
        &self,
        errors: Vec<ServerError>,
        retries: &mut Backoff,
        working: Instant,
    ) -> Next {
        if self.last.is_none() || working.elapsed() > PATIENCE {
            return Next::End(errors);
        }
        retries.fail();
        sleep(retries.pause()).await;
        match self.group.state.receiver_count() == 0 && self.leave() {
            true => Next::Leave,
            false => Next::Execute,
        }
    }

    fn leave(&self) -> bool {
        self.shared.queries.leave(&self.key, &self.group)
    }

    fn end(&self, last: State) {
        self.shared.queries.end(&self.key, &self.group, last);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end(State::Error(vec![broken_off()]));
        }
    }
}

/// Counts failures in a row.
fn count(failures: &mut Backoff, has_succeeded: bool) {
    if has_succeeded {
        failures.reset();
    } else {
        failures.fail();
    }
}

fn lost(cause: CursorError) -> ServerError {
    let error = ServerError::new(cause.to_string(), None);
    with(error, "code", codes::CURSOR_INVALID)
}
