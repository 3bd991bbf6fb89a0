//! What is recorded, kept and handed on. The sink is of the process, so one test goes through it all.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::*;
use crate::kit::event;

#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<Vec<Ended>>>>);

impl Sink for Taken {
    fn take(&self, spans: Vec<Ended>) {
        self.0.lock().push(spans);
    }
}

impl Taken {
    /// Returns the spans that were taken in the meantime, by trace.
    fn now(&self) -> Vec<Vec<Ended>> {
        std::mem::take(&mut self.0.lock())
    }
}

fn parent(flags: u8) -> Context {
    Context {
        trace: 7,
        span: 9,
        flags,
    }
}

fn caused_by(context: Context) -> Event {
    let mut event = event(1, "customer", 1);
    event.meta.traceparent = Some(context.to_string());
    event
}

#[tokio::test]
async fn what_is_sampled_slow_or_failed_is_kept() {
    assert!(!root("off", Kind::Server, None).is_recorded());
    let taken = Taken::default();
    begin(Sampler::new(true, 0.0), Box::new(taken.clone()));

    // A trace that the parent has sampled is kept whole, in order, with what its tasks do.
    let span = root("first", Kind::Server, Some(parent(1)));
    let inside = async {
        let mut part = child("part", Kind::Internal);
        part.set("count", 3_usize);
        let of_task = carried(async { drop(child("of a task", Kind::Client)) });
        part.scope(async { tokio::spawn(of_task).await }).await
    };
    span.scope(inside).await.expect("a task");
    let context = span.context().expect("a context");
    drop(span);
    let kept = taken.now();
    let [spans] = kept.as_slice() else {
        panic!("one trace: {kept:?}");
    };
    let names: Vec<_> = spans.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["of a task", "part", "first"]);
    assert!(
        spans
            .iter()
            .all(|it| it.context.trace == 7 && it.context.is_sampled())
    );
    assert_eq!(
        (spans[2].parent, spans[2].is_parent_remote),
        (Some(9), true)
    );
    // The future was made before the part was the present span.
    assert_eq!([spans[0].parent, spans[1].parent], [Some(context.span); 2]);
    assert_eq!(spans[1].attributes, [("count", Value::Number(3))]);

    // What is not sampled is kept if it fails, but not for a failure that is expected.
    let mut expected = root("refused", Kind::Server, Some(parent(0)));
    expected.set_error("taken");
    drop(expected);
    assert!(taken.now().is_empty());
    let failed = root("failed", Kind::Server, None);
    let mut part = failed.scope(async { child("part", Kind::Internal) }).await;
    part.fail("INTERNAL");
    drop(failed);
    let [spans] = &taken.now()[..] else {
        panic!("the failed one")
    };
    assert_eq!(spans.len(), 1, "the part has not ended: {spans:?}");
    assert!(!spans[0].context.is_sampled());
    drop(part);
    let late = taken.now();
    assert_eq!(
        &*late[0][0].name, "part",
        "what ends later goes the same way"
    );

    // Or if it is slow.
    keep_over(Duration::from_millis(1));
    let slow = root("slow", Kind::Server, None);
    tokio::time::sleep(Duration::from_millis(5)).await;
    drop(slow);
    assert_eq!(taken.now().len(), 1);
    keep_over(Duration::ZERO);

    // A trace holds a bounded number of spans.
    let span = root("many", Kind::Server, Some(parent(1)));
    span.scope(async { (0..2_000).for_each(|_| drop(child("one", Kind::Internal))) })
        .await;
    drop(span);
    let many = taken.now().remove(0);
    assert_eq!(many.len(), 512, "with the first");
    let left_out = ("millrace.spans.left_out", Value::Number(1_489));
    assert_eq!(many[511].attributes, [left_out]);

    // Events whose trace is not sampled cost nothing, and a batch serves a bounded number of traces.
    assert!(!of_event("none", Kind::Consumer, &event(1, "customer", 1)).is_recorded());
    assert!(!of_event("none", Kind::Consumer, &caused_by(parent(0))).is_recorded());
    let events: Vec<Event> = (0..100_u64)
        .map(|number| {
            caused_by(Context {
                span: 1 + number / 2,
                ..parent(u8::from(number < 80))
            })
        })
        .collect();
    drop(of_events("batch", Kind::Consumer, &events));
    let batch = taken.now();
    assert_eq!(batch.len(), 16);
    assert_eq!(batch[0][0].links.len(), 40 - 16);
    assert_eq!(batch[1][0].links, [batch[0][0].context]);

    // What is done for several is a part of each, and of those that are sampled at first.
    let (one, other, third) = (
        root("one", Kind::Server, None),
        root("other", Kind::Server, Some(parent(1))),
        root(
            "third",
            Kind::Server,
            Some(Context {
                trace: 8,
                ..parent(1)
            }),
        ),
    );
    let mut places = Vec::new();
    for span in [&one, &other, &third, &other] {
        places.extend(span.scope(async { present() }).await);
    }
    drop(serving("group", Kind::Internal, places));
    drop((one, other, third));
    let groups: Vec<_> = taken.now().into_iter().map(|mut it| it.remove(0)).collect();
    let traces: Vec<_> = groups
        .iter()
        .map(|it| (&*it.name, it.context.trace))
        .collect();
    assert_eq!(traces, [("group", 7), ("group", 8)]);
    let links: Vec<_> = groups.iter().map(|it| it.links.clone()).collect();
    assert_eq!(links, [vec![], vec![groups[0].context]]);

    // What an event causes follows the present span, if that serves the event.
    let served = of_event("serve", Kind::Consumer, &caused_by(parent(1)));
    let next = served.scope(async { context_after(&caused_by(parent(1))) });
    assert_eq!(next.await, served.context().map(|it| it.to_string()));
    let foreign = Context {
        trace: 8,
        ..parent(1)
    };
    let next = served.scope(async { context_after(&caused_by(foreign)) });
    assert_eq!(next.await, Some(foreign.to_string()));
    assert_eq!(
        context_after(&caused_by(parent(0))),
        Some(parent(0).to_string())
    );

    what_comes_late_is_bounded_too(&taken);
    what_has_no_span_can_fail_a_trace(&taken).await;
    what_has_no_place_is_no_part_of_others().await;
    an_event_without_a_trace_gets_none_of_others().await;
    what_a_client_sends_continues_its_trace(&taken);
}

/// An execution that is pushed to a thousand subscribers.
fn what_comes_late_is_bounded_too(taken: &Taken) {
    taken.now();
    let executed = after("execute subscription", Kind::Consumer, parent(1));
    let place = executed.place().expect("a place");
    drop(executed);
    assert_eq!(taken.now().len(), 1);
    let pushes = (0..1_000).map(|_| below("push", Kind::Producer, place.clone()));
    let recorded = pushes.filter(Span::is_recorded).count();
    assert_eq!(recorded, 511, "there was one span before");
    let late: Vec<Ended> = taken.now().into_iter().flatten().collect();
    assert_eq!(late.len(), 511);
    let is_push = |it: &Ended| it.name == "push" && it.parent == Some(place.span);
    assert!(late.iter().all(|it| is_push(it) && it.context.trace == 7));
}

async fn what_has_no_span_can_fail_a_trace(taken: &Taken) {
    fail_present();
    let refused = root("refused", Kind::Server, None);
    // What is worth its cost only in a sampled trace has no span in this one.
    let refusing = async {
        assert!(!detail("plan").is_recorded());
        fail_present();
    };
    refused.scope(refusing).await;
    drop(refused);
    assert_eq!(taken.now().len(), 1);
}

async fn what_has_no_place_is_no_part_of_others() {
    let first = root("first", Kind::Server, None);
    let hidden = async { present().is_none() && !is_recording() && current().is_none() };
    let within = async {
        assert!(in_place(None, hidden).await);
        // An empty span changes nothing.
        assert!(Span::default().scope(async { is_recording() }).await);
        is_recording()
    };
    assert!(first.scope(within).await);
}

async fn an_event_without_a_trace_gets_none_of_others() {
    let unknown = event(1, "customer", 1);
    let of_batch = of_events("follow", Kind::Consumer, &[caused_by(parent(1))]);
    let next = of_batch.scope(async { context_after(&unknown) });
    assert_eq!(next.await, None);
    // The attempt of a handler serves this one event.
    let attempt = root("handle", Kind::Consumer, None);
    let next = attempt.scope(async { context_after(&unknown) });
    assert_eq!(next.await, attempt.context().map(|it| it.to_string()));
}

fn what_a_client_sends_continues_its_trace(taken: &Taken) {
    taken.now();
    drop(received("request", Kind::Server, Some(parent(1))));
    let spans = taken.now().remove(0);
    assert_eq!((spans[0].context.trace, spans[0].parent), (7, Some(9)));
    assert_eq!(spans[0].links, []);
}
