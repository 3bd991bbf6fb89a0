//! Spans of what is done at once for several traces: for a batch of events, or for the members of a group. The number of traces that have
//! a span of it is bounded.

use std::{borrow::Cow, time::Instant};

use futures::future::Either;

use super::{Context, Kind, Place, Scoped, Span, Value, is_on, sampled, span::MOST_LINKS};
use crate::Event;

/// The most traces that a batch of events has spans in. Further ones are links.
const MOST_SERVED: usize = 16;

/// The spans of what is done at once for several. What it does is a part of the first, and the others have a link to that.
#[derive(Default)]
#[must_use = "spans end when they are dropped"]
pub struct Serving(Vec<Span>);

impl Serving {
    fn push(&mut self, mut span: Span) {
        // Its trace is full. The first one is to be the place of what is done.
        if !span.is_recorded() {
            return;
        }
        if let Some(first) = self.0.first().and_then(Span::context) {
            span.link(first);
        }
        self.0.push(span);
    }

    fn link(&mut self, context: Context) {
        if let Some(first) = self.0.first_mut() {
            first.link(context);
        }
    }

    /// Returns whether there are any.
    pub fn is_recorded(&self) -> bool {
        !self.0.is_empty()
    }

    /// Makes the first one the present span of a future.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        match self.0.first() {
            Some(first) => first.scope(future),
            None => Either::Right(future),
        }
    }

    /// Says that they have begun earlier.
    pub fn since(&mut self, began: Instant) {
        self.0.iter_mut().for_each(|span| span.since(began));
    }

    /// Adds an attribute to each.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if self.is_recorded() {
            let value = value.into();
            self.0
                .iter_mut()
                .for_each(|span| span.set(name, value.clone()));
        }
    }

    /// Says that they have failed.
    pub fn fail(&mut self, what: impl Into<Cow<'static, str>>) {
        let what = what.into();
        self.0.iter_mut().for_each(|span| span.fail(what.clone()));
    }
}

/// Begins spans for a batch of events: one in each trace that is sampled, up to a bound, with links for the rest.
pub fn of_events<'a>(
    name: &'static str,
    kind: Kind,
    events: impl IntoIterator<Item = &'a Event>,
) -> Serving {
    let mut serving = Serving::default();
    if !is_on() {
        return serving;
    }
    let (mut known, mut count) = (Vec::<Context>::new(), 0_usize);
    for event in events {
        count += 1;
        let is_room = known.len() < MOST_SERVED + MOST_LINKS;
        let Some(context) = sampled(event).filter(|it| is_room && !known.contains(it)) else {
            continue;
        };
        known.push(context);
        if known.len() <= MOST_SERVED {
            let parent = Some(context);
            serving.push(Span::first(name.into(), kind, context.trace, parent, true));
        } else {
            serving.link(context);
        }
    }
    serving.set("messaging.batch.message_count", count);
    serving
}

/// Begins spans for what is done at once on behalf of others: a part of each of theirs, up to a bound, with links for the rest.
pub fn serving(name: &'static str, kind: Kind, mut places: Vec<Place>) -> Serving {
    if places.is_empty() {
        return Serving::default();
    }
    // Those that are sampled come first. One request may have asked many times.
    places.sort_by_key(|it| (!it.recording.is_sampled(), it.recording.trace, it.span));
    places.dedup_by_key(|it| (it.recording.trace, it.span));
    let mut serving = Serving::default();
    for (number, place) in places.into_iter().enumerate() {
        match number < MOST_SERVED {
            true => serving.push(Span::below(place, name.into(), kind)),
            false => serving.link(place.context()),
        }
    }
    serving
}
