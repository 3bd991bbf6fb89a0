//! One subscriber: a place in the order of events, moved by reading the log or by frames of its group.
//!
//! Why every event is delivered once and in order: the subscriber listens to its group first and gets a place `until`;
//! it reads the log from its own place up to `until`; later events are among the frames it hears. A frame at or before
//! its place is a repeat and dropped. If it falls behind the group's buffer, the same steps begin again at its place.
//! Nothing is queued for it: the stream is polled when its socket has room, and holds one item at most.

use std::sync::Arc;

use async_graphql::{Response, ServerError};
use events::{EventSource, Range};
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    Shared,
    group::{Frame, Group, Groups, into_payload},
    request::SubscriptionRequest,
};
use crate::{
    errors::{Code, typed},
    operation::Payload,
};

struct Subscriber {
    shared: Arc<Shared>,
    request: SubscriptionRequest,
    group: Arc<Group>,
    frames: Receiver<Frame>,
    /// The order of what was delivered last.
    place: u64,
    /// Set while it reads the log by itself.
    own: Option<Own>,
}

struct Own {
    answers: BoxStream<'static, Response>,
    source: EventSource,
}

/// Starts a subscription. The first step of its own execution shows whether the request is valid and allowed.
pub(super) async fn open(
    shared: Arc<Shared>,
    request: SubscriptionRequest,
) -> Result<BoxStream<'static, Payload>, Vec<ServerError>> {
    let group = Groups::join(&shared, &request);
    let (frames, until) = group.listen();
    let mut own = start(&shared, &request, request.after, until);
    let first = own.answers.next().await;
    let mut subscriber = Subscriber {
        place: request.after,
        shared,
        request,
        group,
        frames,
        own: None,
    };
    let first = match first {
        None => None,
        Some(answer) => {
            let payload = subscriber.take(answer, &own.source);
            if let Payload::Error(errors) = payload {
                return Err(errors);
            }
            subscriber.own = Some(own);
            Some(payload)
        }
    };
    let later = futures::stream::unfold(subscriber, Subscriber::step);
    Ok(futures::stream::iter(first).chain(later).boxed())
}

fn start(shared: &Shared, request: &SubscriptionRequest, after: u64, until: u64) -> Own {
    let range = Range {
        after,
        until: Some(until),
    };
    let (execution, source) = request.execution(&shared.log, range);
    Own {
        answers: shared.schema.execute_stream(execution),
        source,
    }
}

impl Subscriber {
    async fn step(mut self) -> Option<(Payload, Self)> {
        loop {
            if let Some(own) = &mut self.own {
                match own.answers.next().await {
                    Some(answer) => {
                        let source = own.source.clone();
                        return Some((self.take(answer, &source), self));
                    }
                    None => self.own = None,
                }
            }
            match self.frames.recv().await {
                Ok(frame)
                    if frame.order <= self.place && matches!(frame.payload, Payload::Next(_)) => {}
                Ok(frame) => {
                    self.place = frame.order;
                    return Some((frame.payload, self));
                }
                Err(RecvError::Lagged(_)) => {
                    let (frames, until) = self.group.listen();
                    self.frames = frames;
                    self.own = Some(start(&self.shared, &self.request, self.place, until));
                }
                Err(RecvError::Closed) => {
                    // The group's sender lives as long as this subscriber's handle on it.
                    let ended = typed(Code::Unavailable, "The subscription ended; subscribe again");
                    return Some((Payload::Error(vec![ended]), self));
                }
            }
        }
    }

    /// An answer of the subscriber's own execution.
    fn take(&mut self, answer: Response, source: &EventSource) -> Payload {
        self.place = source.order();
        let epoch = self.shared.log.tail().cursor().epoch;
        into_payload(answer, epoch, source, &self.shared.limits)
    }
}
