//! One subscriber: a place in the order of events, moved by reading the log or by frames of its group.
//!
//! Why every event is delivered once and in order: the subscriber first listens to its group and gets a place `until`; it reads the log
//! from its own place up to `until`; later events are among the frames it receives. A frame at or before its place is a repeat and
//! dropped. If it falls behind the group's buffer, or a frame is left out of that, the same steps begin again at its
//! place. Its grant is checked before every delivery:
//! events after a change of its rights wait until these are checked.

use std::sync::Arc;

use async_graphql::ServerError;
use events::{
    Cursor, Range,
    metrics::since,
    trace::{self, Kind, Span},
};
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::{
    broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    oneshot,
};

use super::{
    ground::{Answer, Ground, Subscription},
    group::{Group, Groups},
    own::{Own, broken_off},
};
use crate::{dormant::Dormant, metrics::METRICS, operation::Payload};

/// Why it always makes progress, beyond the module's argument: it waits for one thing at a time (its group, its own reading, a check of
/// its rights, or a change of them), and is not polled at all while its client has no room. Work that it is not waiting for at the moment
/// would stand still if it depended on being polled here, and could meanwhile hold what others need: a load that all who miss the same
/// row wait for, or a connection to the database. So each such piece of work runs in a task of its own, and only the ends of channels are
/// here. Each task ends with a message, or by dropping its end of the channel, and both are noticed; a change of rights is a mark that
/// stays until it is looked at, so it need not be received.
struct Subscriber<G: Ground> {
    ground: Arc<G>,
    request: G::Request,
    group: Arc<Group<G>>,
    frames: Receiver<Answer>,
    /// The place of the last delivery.
    place: Place,
    /// Frames up to here are ignored: their results were withdrawn, and read again.
    withdrawn: u64,
    /// Set while it reads the log by itself.
    own: Option<Own>,
    /// Resolves when the grant is to be checked. It is there while the next result is waited for, and once it has been.
    stale: Option<Dormant<()>>,
    /// The first result, which showed that the request is valid and allowed.
    first: Option<Payload>,
    /// The span of the last push, if its event's trace is sampled.
    pushing: Span,
}

/// A place in the order of the group, and in the log.
#[derive(Clone, Copy)]
struct Place {
    order: u64,
    cursor: Cursor,
}

impl Place {
    fn at(cursor: Cursor) -> Self {
        Self {
            order: cursor.position,
            cursor,
        }
    }
}

/// Starts a subscription. The first step of its own execution shows whether the request is valid and allowed.
pub(super) async fn open<G: Ground>(
    ground: Arc<G>,
    request: G::Request,
) -> Result<BoxStream<'static, Payload>, Vec<ServerError>> {
    let (group, frames, until) = join(&ground, &request);
    let place = Place::at(request.after());
    // Each step moves it, and every open subscription has the size of a step.
    let mut subscriber = Box::new(Subscriber {
        own: start(&ground, &request, place, until),
        ground,
        request,
        group,
        frames,
        place,
        withdrawn: 0,
        stale: None,
        first: None,
        pushing: Span::default(),
    });
    match subscriber.next_own().await {
        Some(Payload::Error(errors)) => return Err(errors),
        first => subscriber.first = first,
    }
    Ok(futures::stream::unfold(subscriber, Subscriber::step).boxed())
}

/// Joins the group of `request`; returns its frames from now on, and a place such that every later event is among them.
fn join<G: Ground>(
    ground: &Arc<G>,
    request: &G::Request,
) -> (Arc<Group<G>>, Receiver<Answer>, u64) {
    loop {
        let group = Groups::join(ground, request);
        if let Some((frames, until)) = group.listen() {
            return (group, frames, until);
        }
    }
}

fn start<G: Ground>(
    ground: &Arc<G>,
    request: &G::Request,
    after: Place,
    until: u64,
) -> Option<Own> {
    let range = Range {
        after: after.cursor,
        until: Some(until),
    };
    Some(Own::start(ground, request, range))
}

impl<G: Ground> Subscriber<G> {
    async fn step(mut self: Box<Self>) -> Option<(Payload, Box<Self>)> {
        self.pushing = Span::default();
        'taking: loop {
            // The first result moved the place when the subscription was opened.
            let before = match self.first {
                Some(_) => Place::at(self.request.after()),
                None => self.place,
            };
            // A frame that is already there needs no look at the clock and no registration for changes.
            let next = match self.next_at_hand() {
                Some(next) => next,
                None => {
                    let stale = self.stale.take();
                    let mut stale = stale.unwrap_or_else(|| Dormant::new(self.request.stale()));
                    let next = tokio::select! {
                        biased;
                        () = &mut stale => None,
                        next = self.next() => Some(next),
                    };
                    self.stale = next.is_some().then_some(stale);
                    next
                }
            };
            while self.request.is_stale() {
                // The future is boxed, because every open subscription has the size of this one.
                match Box::pin(self.recheck(before)).await {
                    Ok(false) => {}
                    // The result was computed under other rights: it is taken again from the place before it.
                    Ok(true) => continue 'taking,
                    Err(error) => return Some((Payload::Error(vec![error]), self)),
                }
            }
            if let Some(next) = next {
                METRICS.deliveries.inc();
                return Some((next, self));
            }
        }
    }

    /// Checks the grant; returns true when results computed before must be withdrawn, and computed again.
    async fn recheck(&mut self, before: Place) -> Result<bool, ServerError> {
        let (checking, (tell, checked)) = (self.request.recheck(), oneshot::channel());
        G::spawn(async move {
            // Nobody may be waiting any more.
            let _ = tell.send(checking.await);
        });
        let viewer = checked.await.map_err(|_| broken_off())??;
        let withdraws = self.request.withdraws();
        if !withdraws && !self.request.differs_for(&viewer) {
            return Ok(false);
        }
        self.request.set_viewer(viewer, &self.ground);
        self.place = before;
        let until = self.rejoin();
        if withdraws {
            // The group may have computed, or be about to compute, events before the change. Everything up to the head is read under the
            // current rights instead; the cursor waits until the head is past the event of the change.
            let head = self.ground.reached().position.max(until);
            self.withdrawn = self.withdrawn.max(head);
            self.own = start(&self.ground, &self.request, before, head);
        }
        Ok(true)
    }

    /// Returns a frame that can be delivered without waiting.
    fn next_at_hand(&mut self) -> Option<Option<Payload>> {
        if let Some(first) = self.first.take() {
            return Some(Some(first));
        }
        if self.own.is_some() {
            return None;
        }
        match self.frames.try_recv() {
            Ok(frame) => Some(self.hear(frame)),
            Err(TryRecvError::Lagged(_)) => {
                self.catch_up();
                None
            }
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }

    /// Returns the next payload. Nothing is awaited between taking it and moving the place, so this may be cancelled.
    async fn next(&mut self) -> Payload {
        loop {
            if let Some(payload) = self.next_own().await {
                return payload;
            }
            match self.frames.recv().await {
                Ok(frame) => {
                    if let Some(payload) = self.hear(frame) {
                        return payload;
                    }
                }
                Err(RecvError::Lagged(_)) => self.catch_up(),
                // The group's sender lives as long as this subscriber's handle on it.
                Err(RecvError::Closed) => {
                    self.rejoin();
                }
            }
        }
    }

    /// Interprets a frame of the group for this subscriber; repeats are ignored.
    fn hear(&mut self, frame: Answer) -> Option<Payload> {
        match frame {
            Answer::Next { order, .. } | Answer::Skipped { order }
                if order <= self.place.order.max(self.withdrawn) =>
            {
                None
            }
            Answer::Skipped { .. } => {
                self.catch_up();
                None
            }
            Answer::Next {
                order,
                cursor,
                payload,
                at,
                trace,
            } => {
                self.place = Place { order, cursor };
                self.begin_push(trace);
                if let Some(at) = at {
                    METRICS.commit_to_socket.observe(since(at));
                }
                Some(payload)
            }
            Answer::Error(errors) => Some(Payload::Error(errors)),
            Answer::Personal => {
                self.request.settle_scope(&self.ground);
                self.rejoin();
                None
            }
        }
    }

    /// Begins the span of a push, which ends when the transport wants the next one.
    fn begin_push(&mut self, executed: Option<trace::Place>) {
        if let Some(executed) = executed {
            self.pushing = trace::below("push", Kind::Producer, executed);
            self.pushing.set("graphql.operation.type", "subscription");
        }
    }

    /// Catches up after the group has gone on without this subscriber.
    fn catch_up(&mut self) {
        METRICS.catch_ups.inc();
        match self.group.listen() {
            Some((frames, until)) => {
                self.frames = frames;
                self.own = start(&self.ground, &self.request, self.place, until);
            }
            None => {
                self.rejoin();
            }
        }
    }

    /// Joins the group of the request in its current state, and reads up to the returned place.
    fn rejoin(&mut self) -> u64 {
        let (group, frames, until) = join(&self.ground, &self.request);
        self.group = group;
        self.frames = frames;
        self.own = start(&self.ground, &self.request, self.place, until);
        until
    }

    /// Returns the next answer of the subscriber's own execution, if there is one.
    async fn next_own(&mut self) -> Option<Payload> {
        match self.own.as_mut()?.next().await {
            Ok(Some(Answer::Next {
                order,
                cursor,
                payload,
                trace,
                ..
            })) => {
                self.place = Place { order, cursor };
                self.begin_push(trace);
                Some(payload)
            }
            Ok(Some(Answer::Error(errors))) => Some(Payload::Error(errors)),
            // An execution of its own is not shared.
            Ok(Some(Answer::Personal | Answer::Skipped { .. }) | None) => {
                self.own = None;
                None
            }
            Err(error) => Some(Payload::Error(vec![error])),
        }
    }
}
