//! Spans, and the present one of a task. One that is not recorded is empty, and whatever is done with it does nothing.

use std::{borrow::Cow, sync::Arc, time::Instant};

use futures::future::Either;
use tokio::task::futures::TaskLocalFuture;

use super::{
    Context, Ended, Kind, TRACER, Value, ids, is_on, record::Recording, statement::TracedStatement,
};
use crate::Event;

/// The most links of a span.
pub(super) const MOST_LINKS: usize = 64;

tokio::task_local! {
    static PLACE: Option<Place>;
}

/// A span that others may be parts of.
#[derive(Clone)]
pub struct Place {
    pub(super) recording: Arc<Recording>,
    pub(super) span: u64,
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
    /// The statement that it stands for. It is read only if the span is kept.
    statement: Option<TracedStatement>,
}

/// A future with a present span of its own, or with that of whoever polls it.
pub type Scoped<F> = Either<TaskLocalFuture<Option<Place>, F>, F>;

/// Begins a trace for what a client has sent. That of the client goes on if the sampler heeds it. Otherwise it is but a link: whoever knows
/// an id that is sampled could else have all that it sends recorded.
pub fn received(name: &'static str, kind: Kind, parent: Option<Context>) -> Span {
    let Some(tracer) = TRACER.get() else {
        return Span(None);
    };
    let heeded = tracer.sampler.heeded(parent);
    let mut span = root(name, kind, heeded);
    if let (Some(parent), None) = (parent, heeded) {
        span.link(parent);
    }
    span
}

/// Begins a trace, or continues that of a parent elsewhere. The sampler decides whether it is kept in any case.
pub(crate) fn root(name: &'static str, kind: Kind, parent: Option<Context>) -> Span {
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
    is_on() && with_present(is_sampled).unwrap_or(false)
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

/// Begins a part of a span of this process that may have ended.
pub fn below(name: &'static str, kind: Kind, place: Place) -> Span {
    Span::below(place, name.into(), kind)
}

/// Returns the present span.
pub fn present() -> Option<Place> {
    is_on().then(|| with_present(Place::clone)).flatten()
}

fn with_present<T>(read: impl FnOnce(&Place) -> T) -> Option<T> {
    let read = |place: &Option<Place>| place.as_ref().map(read);
    PLACE.try_with(read).ok().flatten()
}

/// Returns the context of the present span.
pub fn current() -> Option<Context> {
    is_on().then(|| with_present(Place::context)).flatten()
}

/// Returns whether there is a present span.
pub fn is_recording() -> bool {
    is_on() && with_present(|_| ()).is_some()
}

/// Has the trace of the present span kept, because of a failure that has no span of its own.
pub fn fail_present() {
    if is_on() {
        with_present(|place| place.recording.fail());
    }
}

/// Takes the present span along with a future that another task runs.
pub fn carried<F: Future>(future: F) -> Scoped<F> {
    in_place(present(), future)
}

/// Makes a span the present one of a future. Without one the future has none, whoever polls it: what it does is no part of theirs.
pub fn in_place<F: Future>(place: Option<Place>, future: F) -> Scoped<F> {
    match is_on() {
        true => Either::Left(PLACE.scope(place, future)),
        false => Either::Right(future),
    }
}

/// Returns the context of an event whose trace is sampled.
pub fn sampled(event: &Event) -> Option<Context> {
    Context::parse_sampled(event.meta.traceparent.as_deref()?)
}

impl Place {
    pub(super) fn context(&self) -> Context {
        self.recording.context(self.span)
    }

    /// Returns whether it may serve an event of this context. What continues a trace serves an event of that trace, so of a batch it serves
    /// none that has no context.
    pub(super) fn serves(&self, cause: Option<Context>) -> bool {
        match cause {
            Some(cause) => cause.trace == self.recording.trace,
            None => self.recording.began_here,
        }
    }
}

impl Span {
    pub(super) fn first(
        name: Cow<'static, str>,
        kind: Kind,
        trace: u128,
        parent: Option<Context>,
        is_sampled: bool,
    ) -> Self {
        let flags = Context::flags(parent.map_or(0, |parent| parent.flags), is_sampled);
        let place = Place {
            recording: Arc::new(Recording::new(trace, flags, parent.is_none())),
            span: ids::span(),
        };
        let parent = parent.map(|parent| parent.span);
        Self::open(place, parent, true, name, kind)
    }

    pub(super) fn below(place: Place, name: Cow<'static, str>, kind: Kind) -> Self {
        if !place.recording.has_room() {
            return Self(None);
        }
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
            statement: None,
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

    /// Returns its place, for what is done on its behalf in this process, be it later.
    pub fn place(&self) -> Option<Place> {
        Some(self.0.as_ref()?.place.clone())
    }

    /// Makes it the present span of a future. If it is empty, that of whoever polls the future remains.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        match self.place() {
            Some(place) => in_place(Some(place), future),
            None => Either::Right(future),
        }
    }

    /// Says which statement it stands for.
    pub(super) fn set_statement(&mut self, statement: TracedStatement) {
        if let Some(open) = &mut self.0 {
            open.statement = Some(statement);
        }
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
        let statement = self.statement.take();
        self.place.recording.end(ended, statement, self.is_first);
    }
}
