//! One socket, driven by one task: it reads messages, polls operations and writes frames in a single loop. Everything stops while too
//! many bytes wait to be written, so a client that does not read costs bounded memory and does not affect others. Ends with a close code,
//! or silently when the peer is gone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_graphql::ServerError;
use futures::FutureExt;
use futures::future::{BoxFuture, poll_fn};
use serde_json::{Map, Value};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Opened;
use super::close::{CLOSE_TIMEOUT, Close, finish};
use super::message::{self, Inbound};
use super::running::Running;
use super::wire::{Message, Wire};
use crate::app::App;
use crate::budget::{Holder, Spent};
use crate::credentials::{Credentials, payload_token};
use crate::dormant::Dormant;
use crate::errors::limit_exceeded;
use crate::operation::{Departure, Operations};
use crate::request_id::RequestId;

/// Bytes handed to the socket but not yet taken by the peer, beyond which nothing more is produced.
const MAX_UNFLUSHED: usize = 64 * 1024;
/// Messages and results handled in one turn before other tasks get theirs.
const TURN: usize = 128;
/// A peer that takes nothing at all for this long is gone.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

type Admission<C> = BoxFuture<'static, Result<C, ServerError>>;

enum Phase<C> {
    /// Before `connection_init`.
    Opening(Credentials),
    /// Between `connection_init` and `connection_ack`.
    Admitting(Admission<C>),
    Ready(C),
    /// A new token is being checked; nothing is read meanwhile, so that later messages are handled under it.
    Renewing(Admission<C>),
}

/// What the timer waits for.
enum Alarm {
    Init,
    PingDue,
    PongDue { pinged: Instant },
}

pub(super) enum Ending {
    Close(Close),
    /// The peer closed or vanished.
    Gone,
}

pub(super) struct Connection<O: Operations> {
    app: Arc<App<O>>,
    wire: Box<Wire>,
    opened: Box<Opened>,
    phase: Phase<O::Caller>,
    /// Resolves when the caller has to leave.
    stay: Dormant<Departure>,
    running: Running<O>,
    stalled_since: Option<Instant>,
    last_heard: Instant,
    timer: Pin<Box<Sleep>>,
    alarm: Alarm,
    stop: Dormant<()>,
    stopping: bool,
}

impl<O: Operations> Connection<O> {
    pub(super) fn new(app: Arc<App<O>>, wire: Box<Wire>, mut opened: Box<Opened>) -> Box<Self> {
        let now = Instant::now();
        Box::new(Self {
            phase: Phase::Opening(std::mem::take(&mut opened.credentials)),
            stay: Dormant::new(std::future::pending()),
            running: Running::new(),
            stalled_since: None,
            last_heard: now,
            timer: Box::pin(sleep_until(now + app.websocket.init_timeout)),
            alarm: Alarm::Init,
            stop: Dormant::new(app.shutdown.wait_jittered(app.websocket.drain_time)),
            stopping: false,
            wire,
            opened,
            app,
        })
    }

    /// Drives the socket to its end. Futures that seldom run are boxed, because every open socket has the size of this one.
    pub(super) async fn run(mut self: Box<Self>) {
        let ending = poll_fn(|cx| self.poll_turn(cx)).await;
        let code = match &ending {
            Ending::Close(close) => Some(close.code()),
            Ending::Gone => None,
        };
        let user = match &self.phase {
            Phase::Ready(caller) => self.app.operations.user(caller),
            _ => None,
        };
        self.opened.note_closed(code, user);
        // All operations are cancelled before the socket takes its time to close.
        drop(self.running);
        drop(self.phase);
        drop(self.stay);
        match ending {
            Ending::Close(close) => Box::pin(finish(&mut self.wire, close)).await,
            Ending::Gone => {
                // Sends the answer to the peer's close frame, if there is one to send.
                let flushing = poll_fn(|cx| self.wire.poll_flush(cx));
                let _ = Box::pin(tokio::time::timeout(CLOSE_TIMEOUT, flushing)).await;
            }
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        match self.turn(cx) {
            Ok(()) => Poll::Pending,
            Err(ending) => Poll::Ready(ending),
        }
    }

    /// Runs one turn; `Ok` when there is nothing to do until woken.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        self.poll_timer(cx)?;
        self.poll_stay(cx)?;
        if !self.stopping && self.stop.poll_unpin(cx).is_ready() {
            self.stopping = true;
        }
        let mut budget = TURN;
        loop {
            if !self.stopping {
                self.poll_inbound(cx, &mut budget)?;
                self.poll_admission(cx)?;
            }
            let drained = self.poll_running(cx, &mut budget);
            let flushed = self.poll_flush(cx)?;
            if self.stopping {
                // Results that were ready are handed over; waiting for more could take forever.
                return Err(Ending::Close(Close::going_away()));
            }
            if budget == 0 {
                cx.waker().wake_by_ref();
                return Ok(());
            }
            // A flush makes room again for results that were held back before it.
            if drained || !flushed {
                return Ok(());
            }
        }
    }

    fn poll_stay(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        match self.stay.poll_unpin(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(Departure::Forbidden) => Err(Ending::Close(Close::forbidden())),
            Poll::Ready(Departure::Disconnected) => Err(Ending::Close(Close::disconnected())),
        }
    }

    fn has_room(&self) -> bool {
        self.wire.unsent() < MAX_UNFLUSHED
    }

    fn poll_inbound(&mut self, cx: &mut Context<'_>, budget: &mut usize) -> Result<(), Ending> {
        while self.has_room() && *budget > 0 && !matches!(self.phase, Phase::Renewing(_)) {
            let Poll::Ready(received) = self.wire.poll_message(cx) else {
                let unfinished = &mut self.opened.unfinished;
                let checked = unfinished.poll(cx, self.wire.unfinished());
                checked.map_err(Ending::Close)?;
                break;
            };
            *budget -= 1;
            self.last_heard = Instant::now();
            let message = match received {
                Some(Ok(message)) => message,
                None => return Err(Ending::Gone),
                Some(Err(error)) => {
                    let close = Close::of_read_error(&error, self.app.websocket.max_message_bytes);
                    return Err(close.map_or(Ending::Gone, Ending::Close));
                }
            };
            let unfinished = &mut self.opened.unfinished;
            let noted = unfinished.note(&message, self.wire.unfinished());
            noted.map_err(Ending::Close)?;
            match message {
                Message::Text(text) => self.on_text(&text)?,
                Message::Binary => {
                    let reason = format_args!("Invalid message: binary frames are not supported");
                    return Err(Ending::Close(Close::invalid(reason)));
                }
                Message::Ping(_) | Message::Pong => {}
                Message::Close(_) => return Err(Ending::Gone),
            }
        }
        Ok(())
    }

    fn on_text(&mut self, text: &str) -> Result<(), Ending> {
        match message::parse(text).map_err(Ending::Close)? {
            Inbound::Init(payload) => self.on_init(payload),
            Inbound::Ping(payload) => self.on_ping(payload),
            Inbound::Pong => Ok(()),
            Inbound::Subscribe { id, params } => {
                let Phase::Ready(caller) = &self.phase else {
                    return Err(Ending::Close(Close::unauthorized()));
                };
                let encoded = message::encode_id(&id);
                if self.running.contains(&encoded) {
                    return Err(Ending::Close(Close::duplicate(&id)));
                }
                let maximum = self.app.websocket.max_operations;
                if self.running.len() >= maximum {
                    let message = format!("A socket may have {maximum} operations at once");
                    let error = limit_exceeded("operations", maximum, message);
                    self.refuse_operation(&encoded, error);
                } else if let Err(spent) = self.opened.owed.check() {
                    self.refuse_operation(&encoded, spent.into_error());
                } else {
                    self.running.start(&self.app, caller, &encoded, *params);
                }
                Ok(())
            }
            Inbound::Complete { id } => {
                self.running.cancel(&message::encode_id(&id));
                Ok(())
            }
        }
    }

    fn on_init(&mut self, payload: Option<Map<String, Value>>) -> Result<(), Ending> {
        let Phase::Opening(credentials) = &self.phase else {
            return Err(Ending::Close(Close::repeated_init()));
        };
        let credentials = credentials.clone().with_payload(payload.as_ref());
        let (app, id) = (self.app.clone(), self.opened.id.clone());
        self.phase = Phase::Admitting(Box::pin(async move { app.admit(credentials, &id).await }));
        Ok(())
    }

    /// Handles a ping. It may carry a new token, which is not sent back.
    fn on_ping(&mut self, payload: Option<Map<String, Value>>) -> Result<(), Ending> {
        if let Phase::Ready(caller) = &self.phase
            && let Some(token) = payload_token(payload.as_ref())
        {
            let renewal = self.app.operations.renew(caller, token);
            self.phase = Phase::Renewing(Box::pin(renewal));
            return Ok(());
        }
        self.send_text(&message::pong(payload.as_ref()));
        Ok(())
    }

    fn poll_admission(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        let (admission, is_first) = match &mut self.phase {
            Phase::Admitting(admission) => (admission, true),
            Phase::Renewing(admission) => (admission, false),
            Phase::Opening(_) | Phase::Ready(_) => return Ok(()),
        };
        let Poll::Ready(admitted) = admission.as_mut().poll(cx) else {
            return Ok(());
        };
        let caller = admitted.map_err(|error| Ending::Close(Close::of_refusal(&error)))?;
        self.count(&caller)?;
        let stay = Dormant::new(self.app.operations.stay(&caller));
        // Departures announced before the new future begins to listen are heard by the previous one.
        self.poll_stay(cx)?;
        self.stay = stay;
        self.phase = Phase::Ready(caller);
        // The new future must be polled, and pending input must be read.
        cx.waker().wake_by_ref();
        if is_first {
            self.set_alarm(Alarm::PingDue, self.app.websocket.ping_interval, cx);
            self.send_text(&message::connection_ack(self.app.operations.present()));
        } else {
            self.send_text(&message::pong(None));
        }
        Ok(())
    }

    /// Counts the socket as one of its user's, who may have become known only now.
    fn count(&mut self, caller: &O::Caller) -> Result<(), Ending> {
        let user = self.app.operations.user(caller).map(Holder::User);
        let mut place = self.app.sockets.share([user, None]);
        // The place is given back before another is taken, as it may be the user's last.
        self.opened.place = None;
        let taken = place.grow(1).map_err(Spent::into_error);
        taken.map_err(|error| Ending::Close(Close::of_refusal(&error)))?;
        self.opened.place = Some(place);
        Ok(())
    }

    fn refuse_operation(&mut self, encoded_id: &str, error: ServerError) {
        let refused = self.app.refused(vec![error], &RequestId::generate());
        self.send_text(&message::error(encoded_id, &refused.errors));
    }

    /// Writes results while there is room; returns true when no operation has anything to send.
    fn poll_running(&mut self, cx: &mut Context<'_>, budget: &mut usize) -> bool {
        while self.has_room() && *budget > 0 {
            match self.running.poll_step(cx) {
                Poll::Pending | Poll::Ready(None) => return true,
                Poll::Ready(Some(stepped)) => {
                    *budget -= 1;
                    stepped.send(&mut self.wire);
                }
            }
        }
        false
    }

    /// `has_room` is asked before anything is produced, so nothing is asked here.
    fn send_text(&mut self, text: &str) {
        self.wire.text(&[text.as_bytes()]);
    }

    /// Returns true when nothing waits to be written.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Result<bool, Ending> {
        if self.wire.unsent() == 0 {
            self.stalled_since = None;
            return Ok(true);
        }
        match self.wire.poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.opened.owed.set(0);
                if self.stalled_since.take().is_some() {
                    // A peer that takes data, even slowly, shows as much life as one that sends a pong.
                    self.last_heard = Instant::now();
                }
                Ok(true)
            }
            Poll::Ready(Err(_)) => Err(Ending::Gone),
            Poll::Pending => {
                self.opened.owed.set(self.wire.unsent());
                self.stalled_since.get_or_insert_with(Instant::now);
                Ok(false)
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let settings = &self.app.websocket;
            let (ping_interval, pong_timeout) = (settings.ping_interval, settings.pong_timeout);
            if self
                .stalled_since
                .is_some_and(|since| now - since >= STALL_TIMEOUT)
            {
                return Err(Ending::Gone);
            }
            match self.alarm {
                Alarm::Init if matches!(self.phase, Phase::Opening(_)) => {
                    return Err(Ending::Close(Close::init_timeout()));
                }
                // The admission in progress has its own time limit; this one looks again later.
                Alarm::Init => self.set_alarm(Alarm::Init, ping_interval, cx),
                Alarm::PongDue { pinged }
                    if self.last_heard < pinged && self.wire.unsent() == 0 =>
                {
                    return Err(Ending::Close(Close::silent()));
                }
                Alarm::PongDue { .. } => {
                    self.set_alarm(
                        Alarm::PingDue,
                        ping_interval.saturating_sub(pong_timeout),
                        cx,
                    );
                }
                // A ping behind unwritten data would prove nothing.
                Alarm::PingDue if self.wire.unsent() > 0 => {
                    self.set_alarm(Alarm::PingDue, pong_timeout, cx);
                }
                Alarm::PingDue => {
                    // Any client's library answers frames; messages show that the client itself is alive.
                    self.wire.ping();
                    self.send_text(message::PING);
                    self.set_alarm(Alarm::PongDue { pinged: now }, pong_timeout, cx);
                }
            }
        }
        Ok(())
    }

    fn set_alarm(&mut self, alarm: Alarm, after: Duration, cx: &mut Context<'_>) {
        self.alarm = alarm;
        self.timer
            .as_mut()
            .reset(Instant::now() + after.max(Duration::from_millis(1)));
        // A reset timer must be polled again before it wakes anyone.
        cx.waker().wake_by_ref();
    }
}
