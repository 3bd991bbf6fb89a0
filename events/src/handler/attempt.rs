//! One attempt: runs the handler and records the outcome, which is the effect together with `done`, a later attempt, a dead
//! letter, or nothing at all. It waits for a database that is away: nothing is lost but time.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Attempt, Effect, Handler, HandlerError,
    breaker::Heard,
    deliveries::{self, Claimed},
    dependency,
    worker::{DATABASE, GIVEN_BACK, Worker},
};
use crate::{
    Error, Event, Result,
    backoff::Backoff,
    letters::panic_message,
    metrics::{METRICS, labels},
    trace::{self, Kind},
};

/// The longest pause between two tries to record the outcome of an attempt.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// The error recorded for a delivery whose last attempt ended with its process.
const LEFT_BEHIND: &str = "the process that handled it ended before it had finished";

/// How an attempt ended.
enum Ending {
    Done,
    /// Another process took the delivery over, or has decided it.
    Superseded,
    Failed(HandlerError),
}

/// Runs a claim to its end, and reports the state of the handler's dependency.
pub(super) async fn run(
    worker: &Worker,
    handler: &Arc<dyn Handler>,
    claim: &Claimed,
    event: Option<&Arc<Event>>,
) -> Heard {
    let limit = handler.policy().limit.max(1);
    let Some(event) = event else {
        let error = HandlerError::Final(Error::Pruned.to_string());
        record(worker, handler, claim, &pruned(claim), &error).await;
        return Heard::Nothing;
    };
    if claim.attempts > limit {
        let said = claim
            .error
            .iter()
            .map(|error| format!("\nbefore that: {error}"));
        let error: String = std::iter::once(LEFT_BEHIND.to_owned())
            .chain(said)
            .collect();
        record(worker, handler, claim, event, &HandlerError::Final(error)).await;
        return Heard::Nothing;
    }
    let attempt = Attempt {
        number: claim.attempts,
        is_last: claim.attempts == limit,
    };
    let up_at = worker.breakers.up_at(dependency(&**handler));
    let mut span = span_of(claim, event);
    let began = Instant::now();
    let handled = span.scope(handle(handler, event, attempt)).await;
    let labels = labels([("handler", claim.handler)]);
    let durations = METRICS.attempt_durations.get_or_create_owned(&labels);
    durations.observe(began.elapsed());
    let (heard, ending) = match handled {
        Ok(effect) => {
            worker.is_there(claim);
            let taking = span.scope(take_effect(worker, claim, effect));
            (Heard::Up, taking.await)
        }
        Err(error) => {
            let (heard, error) = judge(worker, claim, up_at, error);
            (heard, Ending::Failed(error))
        }
    };
    if let Ending::Failed(error) = &ending {
        span.fail(error.kind());
    }
    drop(span);
    match ending {
        Ending::Done => count(claim, "done"),
        Ending::Superseded => count(claim, "superseded"),
        Ending::Failed(error) => record(worker, handler, claim, event, &error).await,
    }
    heard
}

/// Says what a failure is, and what it says of the dependency. One that is away for this delivery alone is not away.
fn judge(
    worker: &Worker,
    claim: &Claimed,
    up_at: Option<Instant>,
    error: HandlerError,
) -> (Heard, HandlerError) {
    match error {
        HandlerError::Unavailable(text) if worker.is_away_for_one(claim, up_at) => {
            (Heard::Nothing, HandlerError::Retry(text))
        }
        HandlerError::Unavailable(text) => {
            (Heard::Down(text.clone()), HandlerError::Unavailable(text))
        }
        HandlerError::DatabaseUnavailable(_) => (Heard::Nothing, error),
        HandlerError::Retry(_) | HandlerError::Final(_) => {
            worker.is_there(claim);
            (Heard::Up, error)
        }
    }
}

/// Begins the span of an attempt. Attempts are few, so that of an event whose trace is not sampled is kept if it is slow or fails.
fn span_of(claim: &Claimed, event: &Event) -> trace::Span {
    if !trace::is_on() {
        return trace::Span::default();
    }
    let parent = event.meta.traceparent.as_deref();
    let parent = parent.and_then(trace::Context::parse);
    let mut span = trace::root("handle", Kind::Consumer, parent);
    span.set("millrace.handler", claim.handler);
    span.set_with("millrace.event.type", || event.event_type.clone());
    span.set("millrace.attempt", u64::from(claim.attempts));
    span
}

async fn handle(
    handler: &Arc<dyn Handler>,
    event: &Arc<Event>,
    attempt: Attempt,
) -> Result<Effect, HandlerError> {
    // The call itself may panic, not only the future that it returns.
    let handling = AssertUnwindSafe(async { handler.handle(event, attempt).await }).catch_unwind();
    let limit = handler.time_limit();
    match timeout(limit, handling).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => {
            let message = panic_message(&*panic);
            Err(HandlerError::Retry(Error::Panicked(message).to_string()))
        }
        Err(_) => Err(HandlerError::Retry(format!(
            "it did not finish within {limit:?}"
        ))),
    }
}

async fn take_effect(worker: &Worker, claim: &Claimed, effect: Effect) -> Ending {
    let (effect, fence) = (Arc::new(effect), claim.clone());
    let written = worker
        .log
        .write(move |tx| {
            let (effect, fence) = (effect.clone(), fence.clone());
            Box::pin(async move {
                deliveries::finish(tx, &fence).await?;
                effect(tx).await
            })
        })
        .await;
    match written {
        Ok(()) => Ending::Done,
        Err(Error::Superseded { .. }) => {
            let (handler, position) = (claim.handler, claim.position);
            tracing::info!(
                handler,
                position,
                "a delivery was taken over or decided by another process"
            );
            Ending::Superseded
        }
        // The effect may have been committed: then the row is no longer `running`, and stays as it is.
        Err(error) => Ending::Failed(error.into()),
    }
}

/// Records how an attempt failed, however long the database is away.
async fn record(
    worker: &Worker,
    handler: &Arc<dyn Handler>,
    claim: &Claimed,
    event: &Event,
    error: &HandlerError,
) {
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    loop {
        match try_record(worker, handler, claim, event, error).await {
            Ok(()) => return,
            Err(failure) => {
                let failures = backoff.fail();
                if matches!(failure, Error::Unavailable(_)) {
                    worker
                        .breakers
                        .hear(DATABASE, &Heard::Down(failure.to_string()));
                }
                if backoff.is_telling() {
                    let (handler, position) = (claim.handler, claim.position);
                    tracing::warn!(%failure, handler, position, failures, "a failed attempt was not recorded yet");
                }
                sleep(backoff.pause()).await;
            }
        }
    }
}

async fn try_record(
    worker: &Worker,
    handler: &Arc<dyn Handler>,
    claim: &Claimed,
    event: &Event,
    error: &HandlerError,
) -> Result<()> {
    let database = worker.log.database();
    let policy = handler.policy();
    let (name, position, attempt) = (claim.handler, claim.position, claim.attempts);
    match error {
        HandlerError::Unavailable(text) | HandlerError::DatabaseUnavailable(text) => {
            let is_ours = deliveries::give_back(database, claim, Some(text)).await?;
            count(claim, if is_ours { "unavailable" } else { "superseded" });
            if is_ours {
                worker.remind(name, position, GIVEN_BACK);
            }
        }
        HandlerError::Retry(text) if attempt < policy.limit => {
            let delay = policy.delay(attempt, random());
            tracing::debug!(
                handler = name,
                position,
                attempt,
                ?delay,
                error = text,
                "an attempt failed"
            );
            match deliveries::retry(database, claim, text, delay).await? {
                true => {
                    count(claim, "retried");
                    worker.remind(name, position, delay);
                }
                false => count(claim, "superseded"),
            }
        }
        HandlerError::Retry(text) | HandlerError::Final(text) => {
            let attempts = attempt.min(policy.limit.max(1));
            let (buried, claim) = (claim, claim.clone());
            let (event, text, database) = (event.clone(), text.clone(), database.clone());
            // This runs in a task of its own, because a transaction must not be cancelled.
            let burying = tokio::spawn(deliveries::bury(database, claim, event, text, attempts));
            let is_dead = burying
                .await
                .unwrap_or_else(|error| Err(Error::Task(error.to_string())))?;
            if is_dead {
                count(buried, "dead");
                tracing::warn!(handler = name, position, attempts, "a delivery is dead");
            } else {
                count(buried, "superseded");
            }
        }
    }
    Ok(())
}

/// Counts an attempt by how it ended.
fn count(claim: &Claimed, outcome: &str) {
    let labels = labels([("handler", claim.handler), ("outcome", outcome)]);
    METRICS.attempts.get_or_create(&labels).inc();
}

/// Returns a number in 0..1. The low half of a v7 id is random.
fn random() -> f64 {
    f64::from(uuid::Uuid::now_v7().as_u128() as u32) / (f64::from(u32::MAX) + 1.0)
}

/// Reconstructs, from the claim, what is known of an event that the log no longer has.
fn pruned(claim: &Claimed) -> Event {
    Event {
        position: claim.position,
        previous: 0,
        follows: None,
        event_id: uuid::Uuid::nil(),
        part: 0,
        stream: String::new(),
        stream_id: uuid::Uuid::nil(),
        version: 0,
        event_type: String::new(),
        schema_version: 0,
        data: Box::<serde_json::value::RawValue>::default(),
        meta: crate::Meta::default(),
        occurred_at: chrono::DateTime::UNIX_EPOCH,
    }
}
