//! The handlers that move a signal on: each reacts to an event of the stream, and tries a command in the transaction that marks
//! its delivery as done. They may run in any process, in any order, late, or twice: the state machine accepts what still
//! applies.
//!
//! submitted → orchestrator → started → the processors → results → aggregator → completed → notifier, webhook.

use std::{sync::Arc, time::Duration};

use ::events::{
    Attempt, Effect, Event, EventLog, Handler, HandlerError, Handling, Meta, RetryPolicy, effect,
    no_effect,
};

use super::{
    Processor, STREAM, SignalCommand, SignalEvent, SignalEventKind, SignalId, SignalWork, Webhook,
    WebhookDelivery, WebhookFailure,
    advancing::{advance_in_tx, caused_by, database_now},
    notice,
    processors::ProcessorHandler,
};

/// Returns the handlers of signals, one for each name.
pub fn handlers(log: &EventLog, work: &SignalWork) -> Vec<Arc<dyn Handler>> {
    let processors = Processor::ALL.into_iter().map(|processor| {
        Arc::new(ProcessorHandler {
            log: log.clone(),
            processor,
            levels: work.levels.clone(),
            faults: work.faults.clone(),
        }) as Arc<dyn Handler>
    });
    let steps: [Arc<dyn Handler>; 4] = [
        Arc::new(Step::ORCHESTRATOR),
        Arc::new(Step::AGGREGATOR),
        Arc::new(Step::NOTIFIER),
        Arc::new(WebhookHandler {
            log: log.clone(),
            webhook: work.webhook.clone(),
        }),
    ];
    steps.into_iter().chain(processors).collect()
}

/// A handler that only tries its command.
struct Step {
    name: &'static str,
    after: SignalEventKind,
    command: fn(&SignalEvent) -> SignalCommand,
}

impl Step {
    /// Hands a submitted signal to the processors.
    const ORCHESTRATOR: Self = Self {
        name: "signal_orchestrator",
        after: SignalEventKind::Submitted,
        command: |_| SignalCommand::Start,
    };
    /// Ends a signal when the last answer has come. The answer of a result's event is in the table by then, and so are the
    /// earlier ones; of two that come at once, the later one's event finds both.
    const AGGREGATOR: Self = Self {
        name: "signal_aggregator",
        after: SignalEventKind::ResultRecorded,
        command: |_| SignalCommand::Complete,
    };
    /// Records the notification of a signal that has ended.
    const NOTIFIER: Self = Self {
        name: "signal_notifier",
        after: SignalEventKind::Completed,
        command: |event| SignalCommand::Notify {
            text: notice::describe(&event.signal),
        },
    };
}

impl Handler for Step {
    fn name(&self) -> &'static str {
        self.name
    }

    fn wants(&self, stream: &str, event_type: &str) -> bool {
        stream == STREAM && event_type == self.after.name()
    }

    fn handle<'a>(&'a self, event: &'a Arc<Event>, _: Attempt) -> Handling<'a> {
        Box::pin(async move {
            let decoded = SignalEvent::decode(event)?;
            let command = (self.command)(&decoded);
            Ok(try_command(
                decoded.signal.id,
                command,
                caused_by(self.name, event),
            ))
        })
    }
}

/// Notifies the configured receiver that a signal has ended. It runs in all processes, so that deliveries are recorded alike;
/// without a receiver it does nothing.
struct WebhookHandler {
    log: EventLog,
    webhook: Option<Arc<dyn Webhook>>,
}

impl Handler for WebhookHandler {
    fn name(&self) -> &'static str {
        "signal_webhook"
    }

    fn wants(&self, stream: &str, event_type: &str) -> bool {
        stream == STREAM && event_type == SignalEventKind::Completed.name()
    }

    /// Retries for about half an hour in all.
    fn policy(&self) -> RetryPolicy {
        RetryPolicy {
            limit: 16,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(600),
        }
    }

    fn dependency(&self) -> Option<&'static str> {
        Some("webhook")
    }

    fn handle<'a>(&'a self, event: &'a Arc<Event>, _: Attempt) -> Handling<'a> {
        Box::pin(async move {
            let Some(webhook) = &self.webhook else {
                return Ok(no_effect());
            };
            let sent_at = database_now(&self.log.database().reader).await?;
            let delivery = WebhookDelivery::of(event, sent_at)?;
            match webhook.deliver(&delivery).await {
                Ok(()) => {}
                Err(WebhookFailure::Refused(text)) => return Err(HandlerError::Retry(text)),
                Err(WebhookFailure::Impossible(text)) => return Err(HandlerError::Final(text)),
                Err(WebhookFailure::Unavailable(text)) => {
                    return Err(HandlerError::Unavailable(text));
                }
            }
            Ok(try_command(
                SignalId::from_uuid(event.stream_id),
                SignalCommand::ConfirmDelivery,
                caused_by(self.name(), event),
            ))
        })
    }
}

fn try_command(id: SignalId, command: SignalCommand, meta: Meta) -> Effect {
    effect(move |tx| {
        let (command, meta) = (command.clone(), meta.clone());
        Box::pin(async move {
            advance_in_tx(tx, id, &command, &meta).await?;
            Ok(())
        })
    })
}
