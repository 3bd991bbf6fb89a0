//! Spans, and the present one of a task. One that is not recorded is empty, and whatever is done with it does nothing.

use std::{borrow::Cow, sync::Arc, time::Instant};

use futures::future::Either;
use tokio::task::futures::TaskLocalFuture;

use super::{Context, Ended, Kind, TRACER, Value, ids, is_on, record::Recording};
use crate::Event;

/// The most traces that a batch of events has spans in. Further ones are links.
const MOST_SERVED: usize = 16;
/// The most links of a span.
const MOST_LINKS: usize = 64;

tokio::task_local! {
    static PLACE: Place;
}

/// A span that others may be parts of.
#[derive(Clone)]
pub struct Place {
    recording: Arc<Recording>,
    span: u64,
}

/// A span. It ends when it is dropped.
#[derive(Default)]
#[must_use = "a span ends when it is dropped"]
pub struct Span(Option<Box<Open>>);

struct Open {
    place: Place,
    parent: Option<u64>,
    is_parent_remote: bool,
    /// Whether it is the first of its trace in this process.
    is_first: bool,
    name: Cow<'static, str>,
    kind: Kind,
    began: Instant,
    attributes: Vec<(&'static str, Value)>,
    links: Vec<Context>,
    error: Option<Cow<'static, str>>,
}

/// A future with its present span, or without one.
pub type Scoped<F> = Either<TaskLocalFuture<Place, F>, F>;

/// Begins a trace, or continues that of a parent elsewhere. The sampler decides whether it is kept in any case.
pub fn root(name: &'static str, kind: Kind, parent: Option<Context>) -> Span {
    let Some(tracer) = TRACER.get() else {
        return Span(None);
    };
    let trace = parent.map_or_else(ids::trace, |parent| parent.trace);
    let is_sampled = tracer.sampler.samples(trace, parent);
    Span::first(name.into(), kind, trace, parent, is_sampled)
}

/// Begins a part of the present span; an empty one if there is none.
pub fn child(name: impl Into<Cow<'static, str>>, kind: Kind) -> Span {
    match present() {
        Some(place) => Span::below(place, name.into(), kind),
        None => Span(None),
    }
}

/// Begins a part of the present span that is worth its cost only in a trace that is sampled.
pub fn detail(name: &'static str) -> Span {
    match is_detailed() {
        true => child(name, Kind::Internal),
        false => Span(None),
    }
}

/// Returns whether there is a present span, in a trace that is sampled.
pub fn is_detailed() -> bool {
    let is_sampled = |place: &Place| place.recording.is_sampled();
    is_on() && PLACE.try_with(is_sampled).unwrap_or(false)
}

/// Begins a span for an event whose trace is sampled; an empty one for any other.
pub fn of_event(name: impl Into<Cow<'static, str>>, kind: Kind, event: &Event) -> Span {
    match is_on().then(|| sampled(event)).flatten() {
        Some(context) => Span::first(name.into(), kind, context.trace, Some(context), true),
        None => Span(None),
    }
}

/// Begins a span for what a span elsewhere has caused, which is sampled.
pub fn after(name: &'static str, kind: Kind, cause: Context) -> Span {
    match is_on() {
        true => Span::first(name.into(), kind, cause.trace, Some(cause), true),
        false => Span(None),
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

/// Returns the present span.
pub fn present() -> Option<Place> {
    is_on().then(|| PLACE.try_with(Place::clone).ok()).flatten()
}

/// Returns the context of the present span.
pub fn current() -> Option<Context> {
    let read = || PLACE.try_with(Place::context).ok();
    is_on().then(read).flatten()
}

/// Returns whether there is a present span.
pub fn is_recording() -> bool {
    is_on() && PLACE.try_with(|_| ()).is_ok()
}

/// Takes the present span along with a future that another task runs.
pub fn carried<F: Future>(future: F) -> Scoped<F> {
    in_place(present(), future)
}

/// Makes a span the present one of a future.
pub fn in_place<F: Future>(place: Option<Place>, future: F) -> Scoped<F> {
    match place {
        Some(place) => Either::Left(PLACE.scope(place, future)),
        None => Either::Right(future),
    }
}

/// Returns the context of an event whose trace is sampled.
pub fn sampled(event: &Event) -> Option<Context> {
    Context::parse_sampled(event.meta.traceparent.as_deref()?)
}

impl Place {
    fn context(&self) -> Context {
        self.recording.context(self.span)
    }
}

impl Span {
    fn first(
        name: Cow<'static, str>,
        kind: Kind,
        trace: u128,
        parent: Option<Context>,
        is_sampled: bool,
    ) -> Self {
        let flags = Context::flags(parent.map_or(0, |parent| parent.flags), is_sampled);
        let place = Place {
            recording: Arc::new(Recording::new(trace, flags)),
            span: ids::span(),
        };
        let parent = parent.map(|parent| parent.span);
        Self::open(place, parent, true, name, kind)
    }

    fn below(place: Place, name: Cow<'static, str>, kind: Kind) -> Self {
        let parent = Some(place.span);
        let place = Place {
            span: ids::span(),
            ..place
        };
        Self::open(place, parent, false, name, kind)
    }

    fn open(
        place: Place,
        parent: Option<u64>,
        is_first: bool,
        name: Cow<'static, str>,
        kind: Kind,
    ) -> Self {
        Self(Some(Box::new(Open {
            place,
            parent,
            is_parent_remote: is_first && parent.is_some(),
            is_first,
            name,
            kind,
            began: Instant::now(),
            attributes: Vec::new(),
            links: Vec::new(),
            error: None,
        })))
    }

    /// Returns whether it is recorded.
    pub fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(open) = &mut self.0 {
            open.name = name.into();
        }
    }

    /// Returns its context, for those that continue it elsewhere.
    pub fn context(&self) -> Option<Context> {
        Some(self.0.as_ref()?.place.context())
    }

    /// Makes it the present span of a future.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        in_place(self.0.as_ref().map(|open| open.place.clone()), future)
    }

    /// Says that it has begun earlier.
    pub fn since(&mut self, began: Instant) {
        if let Some(open) = &mut self.0 {
            open.began = began;
        }
    }

    /// Adds an attribute.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.0 {
            open.attributes.push((name, value.into()));
        }
    }

    /// Adds an attribute whose value is worth computing only if it is recorded.
    pub fn set_with<V: Into<Value>>(&mut self, name: &'static str, value: impl FnOnce() -> V) {
        if self.is_recorded() {
            self.set(name, value());
        }
    }

    /// Adds another span that it serves.
    pub fn link(&mut self, context: Context) {
        if let Some(open) = &mut self.0
            && open.links.len() < MOST_LINKS
        {
            open.links.push(context);
        }
    }

    /// Says that it has failed, in a way that others may expect: it is no reason to keep the trace.
    pub fn set_error(&mut self, what: impl Into<Cow<'static, str>>) {
        if let Some(open) = &mut self.0 {
            open.error = Some(what.into());
        }
    }

    /// Says that it has failed, so that the trace is kept.
    pub fn fail(&mut self, what: impl Into<Cow<'static, str>>) {
        if let Some(open) = &mut self.0 {
            open.error = Some(what.into());
            open.place.recording.fail();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let ended = Ended {
            context: self.place.context(),
            parent: self.parent,
            is_parent_remote: self.is_parent_remote,
            name: std::mem::take(&mut self.name),
            kind: self.kind,
            began: self.began,
            ended: Instant::now(),
            attributes: std::mem::take(&mut self.attributes),
            links: std::mem::take(&mut self.links),
            error: self.error.take(),
        };
        self.place.recording.end(ended, self.is_first);
    }
}

/// The spans of what is done at once for several. What it does is a part of the first, and the others have a link to that.
#[derive(Default)]
#[must_use = "spans end when they are dropped"]
pub struct Serving(Vec<Span>);

impl Serving {
    fn push(&mut self, mut span: Span) {
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
