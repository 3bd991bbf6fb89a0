//! Holds watchers to the log: what an answer says was so at its cursor, and what a watcher has when nothing more happens is the answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;
use serde_json::Value;
use tests::database::{LogEntry, log_after};
use tests::waiting::SOON;

use super::model::Model;
use super::watchers::{State, Watcher};

/// The log since a while ago, and the models at both ends.
#[derive(Default)]
pub struct Trail {
    from: Model,
    events: Vec<LogEntry>,
    pub now: Model,
    /// The position at which the watchers were last held to it.
    settled: u64,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub answers: usize,
    pub patches: usize,
    /// Answers that say that they may be of two moments.
    pub mixed: usize,
}

impl Trail {
    /// Reads what has happened.
    pub async fn read(&mut self, database: &DatabaseConnection) {
        for event in log_after(database, self.now.position).await {
            self.now.apply(&event);
            self.events.push(event);
        }
    }

    /// Waits until all watchers have the answer, and holds everything that they were sent until then to the log.
    pub async fn settle(&mut self, database: &DatabaseConnection, watchers: &[Watcher]) {
        let started = Instant::now();
        let mut sent = BTreeMap::<u64, Vec<(usize, State)>>::new();
        loop {
            let mut shown = Vec::new();
            for (number, watcher) in watchers.iter().enumerate() {
                let document = &watcher.query.document;
                assert!(
                    !watcher.task.is_finished(),
                    "the watcher of {document} failed"
                );
                let mut told = watcher.told.lock();
                for state in told.states.drain(..) {
                    sent.entry(state.position)
                        .or_default()
                        .push((number, state));
                }
                shown.push(told.now.data.clone());
            }
            self.read(database).await;
            let wrong = watchers.iter().zip(&shown).find(|(watcher, shown)| {
                watcher.query.answer(&self.now, &watcher.viewer) != **shown
            });
            let Some((watcher, shown)) = wrong else {
                break;
            };
            if started.elapsed() > SOON {
                let answer = watcher.query.answer(&self.now, &watcher.viewer);
                let document = &watcher.query.document;
                panic!(
                    "{document} of {:?} should be {answer}, and is {shown}",
                    watcher.viewer
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.check(sent, watchers);
        self.forget();
    }

    /// Holds what was sent to the state at its position.
    fn check(&mut self, sent: BTreeMap<u64, Vec<(usize, State)>>, watchers: &[Watcher]) {
        let mut model = self.from.clone();
        let mut events = self.events.iter();
        for (position, states) in sent {
            while model.position < position {
                model.apply(events.next().expect("the log goes on to each cursor"));
            }
            for (number, state) in states {
                self.counts.answers += 1;
                self.counts.patches += usize::from(state.is_patch);
                self.counts.mixed += usize::from(state.is_mixed);
                if state.is_mixed || state.is_repeated && position < self.from.position {
                    continue;
                }
                assert_eq!(model.position, position, "nothing goes back so far");
                let watcher = &watchers[number];
                let answer = watcher.query.answer(&model, &watcher.viewer);
                if answer != state.data {
                    self.explain(watcher, &state, &answer);
                }
            }
        }
    }

    /// Fails with what was sent, what was so, and when it would have been right.
    fn explain(&self, watcher: &Watcher, state: &State, answer: &Value) -> ! {
        let mut model = self.from.clone();
        let mut right = Vec::new();
        let mut nearby = Vec::new();
        for event in &self.events {
            model.apply(event);
            if watcher.query.answer(&model, &watcher.viewer) == state.data {
                right.push(model.position);
            }
            if model.position.abs_diff(state.position) < 8 {
                nearby.push(format!("{} {} {}", model.position, event.kind, event.id));
            }
        }
        panic!(
            "{} of {:?}\nat {} was {answer}\nand was told  {}\nwhich was so at {right:?}\n{}",
            watcher.query.document,
            watcher.viewer,
            state.position,
            state.data,
            nearby.join("\n"),
        );
    }

    /// Forgets what was before the watchers were held to it the last time but one: nothing that comes is older.
    fn forget(&mut self) {
        let events = std::mem::take(&mut self.events).into_iter();
        for event in events {
            match event.position <= Some(self.settled) {
                true => self.from.apply(&event),
                false => self.events.push(event),
            }
        }
        self.settled = self.now.position;
    }
}
