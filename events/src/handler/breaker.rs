//! Circuit breakers, one for each dependency and process. After several failures in a row a breaker lets nothing through; some
//! time later it lets one delivery through as a probe, whose outcome closes the breaker or keeps it open for longer. It is a pure
//! state machine over times passed to it; `report.rs` writes what operators see of it.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{
    control::BreakerState,
    metrics::{METRICS, labels},
};

/// The number of failures in a row that opens a breaker.
const FAILURE_LIMIT: u32 = 3;
/// How long a breaker stays open, at first and at most after failed probes.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long a probe may take to report before another one is made.
const PROBE_PATIENCE: Duration = Duration::from_secs(60);

/// What may be claimed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    All,
    /// One delivery, whose outcome the breaker must hear.
    Probe,
    /// Nothing for this long.
    Nothing(Duration),
}

/// What an attempt reports about its dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Up,
    Down(String),
    /// Nothing, or there was no attempt.
    Nothing,
}

#[derive(Debug, Clone)]
pub(super) struct Breaker {
    state: BreakerState,
    /// When the breaker entered this state.
    since: Instant,
    failures: u32,
    error: Option<String>,
    /// When it was last heard that the dependency is there.
    up_at: Option<Instant>,
    pause: Duration,
    /// When open: the time of the next probe. When half open: the time at which the probe is given up.
    until: Instant,
    is_probing: bool,
}

impl Breaker {
    fn new(now: Instant) -> Self {
        Self {
            state: BreakerState::Closed,
            since: now,
            failures: 0,
            error: None,
            up_at: None,
            pause: FIRST_PAUSE,
            until: now,
            is_probing: false,
        }
    }

    fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            BreakerState::Closed => Admission::All,
            BreakerState::Open if now < self.until => Admission::Nothing(self.until - now),
            BreakerState::HalfOpen if self.is_probing && now < self.until => {
                Admission::Nothing(FIRST_PAUSE.min(self.until - now))
            }
            BreakerState::Open | BreakerState::HalfOpen => {
                self.enter(BreakerState::HalfOpen, now);
                self.is_probing = true;
                self.until = now + PROBE_PATIENCE;
                Admission::Probe
            }
        }
    }

    fn hear(&mut self, heard: &Heard, now: Instant) {
        match (heard, self.state) {
            // An attempt that began before the breaker opened proves nothing.
            (Heard::Up, BreakerState::Open) => {}
            (Heard::Up, _) => {
                self.failures = 0;
                self.up_at = Some(now);
                self.pause = FIRST_PAUSE;
                self.enter(BreakerState::Closed, now);
            }
            (Heard::Down(error), state) => {
                self.error = Some(error.clone());
                self.failures = self.failures.saturating_add(1);
                let opens = match state {
                    BreakerState::Closed => self.failures >= FAILURE_LIMIT,
                    BreakerState::HalfOpen => {
                        self.pause = LONGEST_PAUSE.min(self.pause * 2);
                        true
                    }
                    BreakerState::Open => false,
                };
                if opens {
                    self.enter(BreakerState::Open, now);
                    self.until = now + self.pause;
                }
            }
            (Heard::Nothing, _) => self.is_probing = false,
        }
    }

    fn enter(&mut self, state: BreakerState, now: Instant) {
        self.is_probing = false;
        if self.state != state {
            self.state = state;
            self.since = now;
        }
    }
}

fn measure(dependency: &str, state: BreakerState) {
    let state = match state {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    };
    let labels = labels([("dependency", dependency)]);
    METRICS.breakers.get_or_create(&labels).set(state);
}

/// The state of one breaker, as operators are told.
pub(super) struct Told {
    pub(super) dependency: &'static str,
    pub(super) state: BreakerState,
    pub(super) since: Duration,
    pub(super) failures: u32,
    pub(super) error: Option<String>,
}

/// The breakers of a process.
pub(super) struct Breakers {
    breakers: Mutex<HashMap<&'static str, Breaker>>,
    /// Notified when a breaker has changed its state.
    pub(super) changed: Notify,
}

impl Breakers {
    pub(super) fn new(dependencies: impl Iterator<Item = &'static str>) -> Self {
        let now = Instant::now();
        let breakers = dependencies.map(|name| {
            measure(name, BreakerState::Closed);
            (name, Breaker::new(now))
        });
        Self {
            breakers: Mutex::new(breakers.collect()),
            changed: Notify::new(),
        }
    }

    fn with<T>(
        &self,
        dependency: &'static str,
        work: impl FnOnce(&mut Breaker, Instant) -> T,
    ) -> T {
        let now = Instant::now();
        let mut breakers = self.breakers.lock();
        let breaker = breakers
            .entry(dependency)
            .or_insert_with(|| Breaker::new(now));
        let before = breaker.state;
        let result = work(breaker, now);
        if breaker.state != before {
            let (state, error) = (breaker.state.name(), breaker.error.as_deref());
            tracing::info!(dependency, state, error, "a breaker changed its state");
            measure(dependency, breaker.state);
            self.changed.notify_one();
        }
        result
    }

    pub(super) fn admit(&self, dependency: &'static str) -> Admission {
        self.with(dependency, Breaker::admit)
    }

    pub(super) fn hear(&self, dependency: &'static str, heard: &Heard) {
        self.with(dependency, |breaker, now| breaker.hear(heard, now));
    }

    /// Returns when it was last heard that the dependency is there.
    pub(super) fn up_at(&self, dependency: &'static str) -> Option<Instant> {
        self.with(dependency, |breaker, _| breaker.up_at)
    }

    pub(super) fn tell(&self) -> Vec<Told> {
        let now = Instant::now();
        let breakers = self.breakers.lock();
        let told = breakers.iter().map(|(dependency, breaker)| Told {
            dependency,
            state: breaker.state,
            since: now.duration_since(breaker.since),
            failures: breaker.failures,
            error: breaker.error.clone(),
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Heard {
        Heard::Down("refused".to_owned())
    }

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(now);
        for _ in 0..FAILURE_LIMIT {
            assert_eq!(breaker.admit(now), Admission::All);
            breaker.hear(&down(), now);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        for _ in 0..10 {
            breaker.hear(&down(), now);
            breaker.hear(&down(), now);
            breaker.hear(&Heard::Up, now);
        }
        assert_eq!(breaker.admit(now), Admission::All);
        let mut breaker = opened(now);
        assert_eq!(breaker.admit(now), Admission::Nothing(FIRST_PAUSE));
        breaker.hear(&Heard::Up, now);
        assert_eq!(breaker.state, BreakerState::Open, "it was begun before");
    }

    #[test]
    fn one_probe_at_a_time_decides() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_PAUSE;
        assert_eq!(breaker.admit(later), Admission::Probe);
        assert!(matches!(breaker.admit(later), Admission::Nothing(_)));
        breaker.hear(&down(), later);
        assert_eq!(breaker.admit(later), Admission::Nothing(FIRST_PAUSE * 2));
        let later = later + FIRST_PAUSE * 2;
        assert_eq!(breaker.admit(later), Admission::Probe);
        breaker.hear(&Heard::Nothing, later);
        assert_eq!(breaker.admit(later), Admission::Probe, "nothing was due");
        breaker.hear(&Heard::Up, later);
        assert_eq!(breaker.admit(later), Admission::All);
        assert_eq!(breaker.pause, FIRST_PAUSE);
    }

    #[test]
    fn a_probe_that_is_never_heard_of_is_given_up() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_PAUSE;
        assert_eq!(breaker.admit(later), Admission::Probe);
        assert_eq!(breaker.admit(later + PROBE_PATIENCE), Admission::Probe);
    }
}
