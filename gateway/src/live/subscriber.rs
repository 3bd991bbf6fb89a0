//! One subscriber: a place in the order of events, moved by reading the log or by frames of its group.
//!
//! Why every event is delivered once and in order: the subscriber listens to its group first and gets a place `until`;
//! it reads the log from its own place up to `until`; later events are among the frames it hears. A frame at or before
//! its place is a repeat and dropped. If it falls behind the group's buffer, the same steps begin again at its place.
//! Its grant is looked at before every delivery: what came after a change of its rights waits until they are checked.

use std::sync::Arc;

use async_graphql::{Response, ServerError};
use events::{EventSource, Horizon, Range};
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

use super::{
    Shared,
    caller::refused,
    group::{Frame, Group, Groups, into_payload},
    request::{Execution, SubscriptionRequest},
};
use crate::{document::FieldOrder, operation::Payload};

struct Subscriber {
    shared: Arc<Shared>,
    request: SubscriptionRequest,
    group: Arc<Group>,
    frames: Receiver<Frame>,
    /// The order of what was delivered last.
    place: u64,
    /// Frames up to here are not heard: what they show was withdrawn, and read again.
    withdrawn: u64,
    /// Set while it reads the log by itself.
    own: Option<Own>,
    /// The first result, which showed that the request is valid and allowed.
    first: Option<Payload>,
}

struct Own {
    answers: BoxStream<'static, Response>,
    source: EventSource,
    horizon: Horizon,
    order: Option<Arc<FieldOrder>>,
}

/// Starts a subscription. The first step of its own execution shows whether the request is valid and allowed.
pub(super) async fn open(
    shared: Arc<Shared>,
    request: SubscriptionRequest,
) -> Result<BoxStream<'static, Payload>, Vec<ServerError>> {
    let (group, frames, until) = join(&shared, &request);
    let place = request.after;
    let mut subscriber = Subscriber {
        own: Some(start(&shared, &request, place, until)),
        shared,
        request,
        group,
        frames,
        place,
        withdrawn: 0,
        first: None,
    };
    match subscriber.next_own().await {
        Some(Payload::Error(errors)) => return Err(errors),
        first => subscriber.first = first,
    }
    Ok(futures::stream::unfold(subscriber, Subscriber::step).boxed())
}

/// The group of `request`, what it says from now on, and a place such that every later event is said.
fn join(shared: &Arc<Shared>, request: &SubscriptionRequest) -> (Arc<Group>, Receiver<Frame>, u64) {
    loop {
        let group = Groups::join(shared, request);
        if let Some((frames, until)) = group.listen() {
            return (group, frames, until);
        }
    }
}

fn start(shared: &Shared, request: &SubscriptionRequest, after: u64, until: u64) -> Own {
    let range = Range {
        after,
        until: Some(until),
    };
    let Execution {
        request,
        source,
        order,
        horizon,
        ..
    } = request.own_execution(&shared.log, range);
    Own {
        answers: shared.schema.execute_stream(request),
        source,
        horizon,
        order,
    }
}

impl Subscriber {
    async fn step(mut self) -> Option<(Payload, Self)> {
        'taking: loop {
            // The first result moved the place when the subscription was opened.
            let before = match self.first {
                Some(_) => self.request.after,
                None => self.place,
            };
            // A frame that waits needs no look at the clock and no registration for changes.
            let next = match self.next_at_hand() {
                Some(next) => next,
                None => {
                    let grant = self.request.grant.clone();
                    tokio::select! {
                        biased;
                        () = grant.stale() => None,
                        next = self.next() => Some(next),
                    }
                }
            };
            while self.request.grant.is_stale() {
                // Boxed, as every open subscription keeps the size of this.
                match Box::pin(self.recheck(before)).await {
                    Ok(false) => {}
                    // What was taken was computed under other rights: it is taken again from the place before it.
                    Ok(true) => continue 'taking,
                    Err(error) => return Some((Payload::Error(vec![error]), self)),
                }
            }
            if let Some(next) = next {
                return Some((next, self));
            }
        }
    }

    /// Checks the grant; true when what was computed before may not be shown, and is computed again.
    async fn recheck(&mut self, before: u64) -> Result<bool, ServerError> {
        let viewer = self.request.grant.recheck().await.map_err(refused)?;
        let withdraws = self.request.grant.withdraws();
        if !withdraws && !self.request.differs_for(&viewer) {
            return Ok(false);
        }
        self.request.set_viewer(viewer, &self.shared);
        self.place = before;
        let until = self.rejoin();
        if withdraws {
            // The group may have computed, or be about to, what came before the change. Everything up to the head is
            // read under the rights of now instead; the cursor waits until the head is past the event of the change.
            let head = self.shared.log.tail().cursor().position.max(until);
            self.withdrawn = self.withdrawn.max(head);
            self.own = Some(start(&self.shared, &self.request, before, head));
        }
        Ok(true)
    }

    /// A frame that can be delivered without waiting.
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

    /// The next payload. Nothing is awaited between taking it and moving the place, so this may be cancelled.
    async fn next(&mut self) -> Payload {
        loop {
            if self.own.is_some() {
                match self.next_own().await {
                    Some(payload) => return payload,
                    None => self.own = None,
                }
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

    /// What a frame of the group means to this subscriber; repeats mean nothing.
    fn hear(&mut self, frame: Frame) -> Option<Payload> {
        match frame {
            Frame::Next { order, .. } if order <= self.place.max(self.withdrawn) => None,
            Frame::Next { order, payload } => {
                self.place = order;
                Some(payload)
            }
            Frame::Error(errors) => Some(Payload::Error(errors)),
            Frame::Personal => {
                self.request.settle_scope(&self.shared);
                self.rejoin();
                None
            }
        }
    }

    /// The group has gone on without this subscriber.
    fn catch_up(&mut self) {
        match self.group.listen() {
            Some((frames, until)) => {
                self.frames = frames;
                self.own = Some(start(&self.shared, &self.request, self.place, until));
            }
            None => {
                self.rejoin();
            }
        }
    }

    /// Joins the group of the request as it is now, and reads up to the place that is returned.
    fn rejoin(&mut self) -> u64 {
        let (group, frames, until) = join(&self.shared, &self.request);
        self.group = group;
        self.frames = frames;
        self.own = Some(start(&self.shared, &self.request, self.place, until));
        until
    }

    /// The next answer of the subscriber's own execution.
    async fn next_own(&mut self) -> Option<Payload> {
        let own = self.own.as_mut()?;
        let mut answer = own.answers.next().await?;
        if let Some(order) = &own.order {
            order.arrange(&mut answer.data);
        }
        self.place = own.source.order();
        let epoch = self.shared.log.tail().cursor().epoch;
        Some(into_payload(
            answer,
            epoch,
            (&own.source, &own.horizon),
            &self.shared.limits,
        ))
    }
}
