//! What is recorded of a span, and of a trace in this process until the first of its spans ends. Then it is decided whether it is kept.
//! What ends later goes the same way.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;

use super::{Context, TRACER, is_slow, statement::TracedStatement};

/// The most spans of one recording, with its first and with those that come late; and of one that is only kept if it turns out slow or
/// failed.
const MOST_SPANS: usize = 512;
const MOST_UNSAMPLED: usize = 64;
const USUAL_SPANS: usize = 6;

/// What a span stands for, as OpenTelemetry has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something within the process.
    Internal,
    /// The answer to a request.
    Server,
    /// A request to another process that answers.
    Client,
    /// A message to others.
    Producer,
    /// The processing of a message.
    Consumer,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A text that others have, too.
    Shared(Arc<str>),
    /// A number.
    Number(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The span.
    pub context: Context,
    /// The span that it is a part of, or was caused by.
    pub parent: Option<u64>,
    /// Whether the parent is a span of another process, or of another time.
    pub is_parent_remote: bool,
    /// Its name; of few.
    pub name: Cow<'static, str>,
    /// What it stands for.
    pub kind: Kind,
    /// When it began.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// Names, as OpenTelemetry's conventions have them, and values.
    pub attributes: Vec<(&'static str, Value)>,
    /// Spans of other traces that it served, too.
    pub links: Vec<Context>,
    /// The kind of its failure, if it has failed.
    pub error: Option<Cow<'static, str>>,
}

/// A trace, in this process.
pub(super) struct Recording {
    pub(super) trace: u128,
    pub(super) flags: u8,
    /// Whether the trace has no parent elsewhere.
    pub(super) began_here: bool,
    /// How many spans were begun, or would have been if there had been room.
    begun: AtomicUsize,
    state: Mutex<State>,
}

/// A span that has ended, with what is still to be read of it if it is kept.
struct Held {
    span: Ended,
    statement: Option<TracedStatement>,
}

impl Held {
    fn told(self) -> Ended {
        let Self {
            mut span,
            statement,
        } = self;
        if let Some(statement) = statement {
            statement.tell(&mut span);
        }
        span
    }
}

#[derive(Default)]
struct State {
    spans: Vec<Held>,
    has_failed: bool,
    /// Whether it is kept, once that is decided.
    is_kept: Option<bool>,
}

impl Recording {
    /// Begins with the first span.
    pub(super) fn new(trace: u128, flags: u8, began_here: bool) -> Self {
        Self {
            trace,
            flags,
            began_here,
            begun: AtomicUsize::new(1),
            state: Mutex::default(),
        }
    }

    pub(super) fn is_sampled(&self) -> bool {
        self.context(0).is_sampled()
    }

    pub(super) fn context(&self, span: u64) -> Context {
        let Self { trace, flags, .. } = *self;
        Context { trace, span, flags }
    }

    /// Has the trace kept.
    pub(super) fn fail(&self) {
        self.state.lock().has_failed = true;
    }

    fn most(&self) -> usize {
        match self.is_sampled() {
            true => MOST_SPANS,
            false => MOST_UNSAMPLED,
        }
    }

    /// Counts a span that is to begin; returns whether there is room for it. What finds none is never built.
    pub(super) fn has_room(&self) -> bool {
        self.begun.fetch_add(1, Ordering::Relaxed) < self.most()
    }

    /// Takes a span. With the first one of the trace it is decided whether all are kept.
    pub(super) fn end(&self, mut span: Ended, statement: Option<TracedStatement>, is_first: bool) {
        let mut state = self.state.lock();
        let kept = match (state.is_kept, is_first) {
            (Some(is_kept), _) => is_kept.then(|| vec![Held { span, statement }]),
            (None, false) => return state.hold(Held { span, statement }),
            (None, true) => {
                let took = span.ended.duration_since(span.began);
                let is_kept = self.is_sampled() || state.has_failed || is_slow(took);
                state.is_kept = Some(is_kept);
                let begun = self.begun.load(Ordering::Relaxed);
                let left_out = begun.saturating_sub(self.most());
                if left_out > 0 {
                    let left_out = ("millrace.spans.left_out", left_out.into());
                    span.attributes.push(left_out);
                }
                let mut spans = std::mem::take(&mut state.spans);
                spans.push(Held { span, statement });
                is_kept.then_some(spans)
            }
        };
        drop(state);
        if let Some((tracer, spans)) = TRACER.get().zip(kept) {
            tracer
                .sink
                .take(spans.into_iter().map(Held::told).collect());
        }
    }
}

impl State {
    fn hold(&mut self, span: Held) {
        // Most requests have no more.
        if self.spans.is_empty() {
            self.spans.reserve(USUAL_SPANS);
        }
        self.spans.push(span);
    }
}
