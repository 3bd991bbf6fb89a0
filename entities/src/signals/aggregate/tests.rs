//! For any commands in any order, however often and at any times, the signal ends once, as a simple model says; and the result
//! depends only on which processors answered before the deadline, not on their order.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::signals::{Direction, LevelFinding, SignalId, StatisticsFinding, TrendFinding};

const DEADLINE_MS: i64 = 1_000;

fn time(ms: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
}

fn submitted() -> Signal {
    Signal {
        id: SignalId::default(),
        source: "sensor".to_owned(),
        number: 1,
        value: 1.5,
        status: SignalStatus::Pending,
        results: Vec::new(),
        missing: Vec::new(),
        version: 1,
        submitted_by: "somebody".to_owned(),
        submitted_at: time(0),
        deadline_at: time(DEADLINE_MS),
        completed_at: None,
        notification: None,
        delivered_at: None,
    }
}

/// Returns a processor's finding; `attempt` makes repeats differ, as if a processor were not repeatable.
fn finding(processor: Processor, attempt: i64) -> Finding {
    match processor {
        Processor::Statistics => Finding::Statistics(StatisticsFinding {
            count: attempt,
            mean: None,
            deviation: None,
            z_score: None,
            is_anomaly: false,
        }),
        Processor::Trend => Finding::Trend(TrendFinding {
            count: attempt,
            slope: None,
            fit: None,
            direction: Direction::Flat,
        }),
        Processor::Levels => Finding::Levels(LevelFinding {
            level: format!("level {attempt}"),
            previous_level: None,
            is_change: false,
        }),
    }
}

fn commands() -> impl Strategy<Value = SignalCommand> {
    let answer = (prop::sample::select(&Processor::ALL[..]), 0_i64..3);
    prop_oneof![
        2 => Just(SignalCommand::Start),
        6 => answer.prop_map(|(processor, attempt)| SignalCommand::Record(finding(processor, attempt))),
        3 => Just(SignalCommand::Complete),
        2 => Just(SignalCommand::Expire),
        1 => Just(SignalCommand::Notify { text: "told".to_owned() }),
        1 => Just(SignalCommand::ConfirmDelivery),
    ]
}

/// Generates commands with their times, which never go back.
fn schedule() -> impl Strategy<Value = Vec<(SignalCommand, i64)>> {
    let step = (commands(), 0_i64..250);
    prop::collection::vec(step, 0..25).prop_map(|steps| {
        let mut at = 0;
        let timed = steps.into_iter().map(|(command, pause)| {
            at += pause;
            (command, at)
        });
        timed.collect()
    })
}

fn run(steps: &[(SignalCommand, i64)]) -> (Signal, Vec<(SignalFact, i64)>) {
    let (mut signal, mut facts) = (submitted(), Vec::new());
    for (command, ms) in steps {
        for fact in decide(&signal, command, time(*ms)) {
            apply(&mut signal, &fact, time(*ms));
            facts.push((fact, *ms));
        }
    }
    (signal, facts)
}

/// A model as simple as possible: which processors answered first and when, and when the signal ended with which missing.
#[derive(Default)]
struct Model {
    answers: BTreeMap<Processor, (Finding, bool)>,
    end: Option<(i64, Vec<Processor>)>,
}

impl Model {
    fn run(&mut self, command: &SignalCommand, ms: i64) {
        let awaited = |answers: &BTreeMap<Processor, _>| -> Vec<Processor> {
            let all = Processor::ALL.into_iter();
            all.filter(|it| !answers.contains_key(it)).collect()
        };
        if self.end.is_none() && ms >= DEADLINE_MS {
            self.end = Some((ms, awaited(&self.answers)));
        }
        match command {
            SignalCommand::Record(finding) => {
                let is_late = self.end.is_some();
                let first = self.answers.entry(finding.processor());
                first.or_insert_with(|| (finding.clone(), is_late));
            }
            SignalCommand::Complete if self.end.is_none() && awaited(&self.answers).is_empty() => {
                self.end = Some((ms, Vec::new()));
            }
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn it_ends_once_as_the_model_says(steps in schedule()) {
        let (signal, facts) = run(&steps);
        let mut model = Model::default();
        for (command, ms) in &steps {
            model.run(command, *ms);
        }
        prop_assert_eq!(signal.version, 1 + facts.len() as i64);
        let ends: Vec<_> = facts.iter().filter(|(fact, _)| matches!(fact, SignalFact::Completed { .. })).collect();
        prop_assert_eq!(ends.len(), usize::from(model.end.is_some()));
        match &model.end {
            None => {
                prop_assert!(!signal.status.is_final() && signal.missing.is_empty());
                prop_assert_eq!(signal.completed_at, None);
            }
            Some((ms, missing)) => {
                let status = if missing.is_empty() { SignalStatus::Completed } else { SignalStatus::Partial };
                prop_assert_eq!(signal.status, status);
                prop_assert_eq!(&signal.missing, missing);
                prop_assert_eq!(signal.completed_at, Some(time(*ms)));
            }
        }
        let results: BTreeMap<_, _> = signal.results.iter()
            .map(|result| (result.finding.processor(), (result.finding.clone(), result.is_late)))
            .collect();
        prop_assert_eq!(results.len(), signal.results.len(), "no processor is there twice");
        prop_assert_eq!(results, model.answers);
    }

    #[test]
    fn after_its_end_only_late_answers_and_news_of_it_are_noted(steps in schedule()) {
        let (mut signal, mut ended) = (submitted(), None::<Signal>);
        for (command, ms) in &steps {
            for fact in decide(&signal, command, time(*ms)) {
                apply(&mut signal, &fact, time(*ms));
                if let Some(ended) = &ended {
                    let is_note = matches!(
                        fact,
                        SignalFact::LateResultRecorded(_) | SignalFact::Notified { .. } | SignalFact::WebhookDelivered
                    );
                    prop_assert!(is_note, "{fact:?} after the end");
                    prop_assert_eq!(signal.status, ended.status);
                    prop_assert_eq!(&signal.missing, &ended.missing);
                    prop_assert_eq!(signal.completed_at, ended.completed_at);
                    let counted = |it: &Signal| it.results.iter().filter(|result| !result.is_late).count();
                    prop_assert_eq!(counted(&signal), counted(ended));
                } else if signal.status.is_final() {
                    ended = Some(signal.clone());
                }
            }
        }
    }

    /// All answers come in two orders, each once or more, some of them too late: both runs end alike.
    #[test]
    fn the_order_of_answers_does_not_matter(
        in_time in prop::collection::btree_set(prop::sample::select(&Processor::ALL[..]), 0..=3),
        one in shuffled(),
        other in shuffled(),
    ) {
        let ends = [one, other].map(|order| {
            let is_early = |command: &SignalCommand| match command {
                SignalCommand::Record(finding) => in_time.contains(&finding.processor()),
                _ => true,
            };
            let (early, late): (Vec<_>, Vec<_>) = order.into_iter().partition(is_early);
            let early = early.into_iter().map(|command| (command, 1));
            // The aggregator runs again after each answer, and the watcher of deadlines runs in the end.
            let watched = [(SignalCommand::Complete, 2), (SignalCommand::Expire, DEADLINE_MS)];
            let late = late.into_iter().map(|command| (command, DEADLINE_MS + 1));
            let steps: Vec<_> = early.chain(watched).chain(late).collect();
            let (signal, _) = run(&steps);
            let results: Vec<_> = signal.results.into_iter().map(|it| (it.finding, it.is_late)).collect();
            (signal.status, signal.missing, results)
        });
        let missing: Vec<_> = Processor::ALL.into_iter().filter(|it| !in_time.contains(it)).collect();
        prop_assert_eq!(&ends[0].1, &missing, "exactly those who did not answer in time");
        prop_assert_eq!(&ends[0], &ends[1]);
    }
}

/// Generates the commands of the handlers for one signal, some of them twice, in any order.
fn shuffled() -> impl Strategy<Value = Vec<SignalCommand>> {
    let record = |processor| SignalCommand::Record(finding(processor, 0));
    let mut all = vec![SignalCommand::Start];
    for processor in Processor::ALL {
        all.extend([record(processor), SignalCommand::Complete]);
    }
    let repeats = prop::sample::subsequence(all.clone(), 0..=all.len());
    repeats
        .prop_map(move |repeats| [all.clone(), repeats].concat())
        .prop_shuffle()
}
