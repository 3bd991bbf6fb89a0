//! Dead letters, for administrators. A replay takes one transaction for each letter, each exactly once by itself (see
//! `events`). So it appends two events: one before, in a transaction of its own, and one after, which has the outcome and
//! commits with the answer that is stored under the idempotency key. An interrupted replay has only the first event and no
//! stored answer, and may be repeated: an event that was replayed no longer has a letter.

use ::events::{DeadLetter, Discarded, Event, LetterFilter, LetterRange, Replayed, Which};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Done, LoggedEvent, OperationError, Operations,
    events::{LettersData, OperationEventKind, append_in_tx},
};
use crate::{
    CommandContext, Edge, Missing, Page, PageRequest, SortKey,
    access::{AccessError, Action, Viewer, authorize},
    boxed,
    id::{self, ids},
    idempotency,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

ids! {
    /// A letter's id, as people see it.
    LetterId = Id<OfLetter>, "letter";
}

/// The letter does not exist; it may have been replayed.
pub const NO_LETTER: Missing = Missing("such dead letter");

/// A dead letter with its event.
#[derive(Debug, Clone)]
pub struct DeadLetterDetails {
    /// The letter.
    pub letter: DeadLetter,
    /// The event; `None` when the log no longer has it.
    pub event: Option<LoggedEvent>,
}

/// The stored outcome, for repeats of the request.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Outcome {
    replayed: u64,
    discarded: u64,
    left: u64,
    has_more: bool,
}

/// Returns the letter's place in lists, which are in the order of ids.
fn place(letter: &DeadLetter) -> Edge {
    Edge {
        key: SortKey::Number(0),
        id: letter.id,
    }
}

impl Operations {
    /// Returns a page of the letters that the filter selects, oldest first.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be read.
    #[boxed]
    pub async fn list_letters(
        &self,
        viewer: &Viewer,
        filter: &LetterFilter,
        request: &PageRequest,
    ) -> Result<Page<DeadLetter>> {
        authorize(viewer, Action::ReadOperations)?;
        let range = LetterRange {
            after: request.after.as_ref().map(|place| place.id),
            before: request.before.as_ref().map(|place| place.id),
            from_end: request.from_end,
            limit: request.limit + 1,
        };
        let letters = self.log.dead_letters(filter, &range).await?;
        Ok(request.page_of(letters, place))
    }

    /// Returns the number of letters that the filter selects.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be read.
    #[boxed]
    pub async fn count_letters(&self, viewer: &Viewer, filter: &LetterFilter) -> Result<u64> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.log.count_dead_letters(filter).await?)
    }

    /// Returns a letter.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be read.
    #[boxed]
    pub async fn find_letter(&self, viewer: &Viewer, id: LetterId) -> Result<Option<DeadLetter>> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.log.dead_letter(id.uuid()).await?)
    }

    /// Returns the event of a letter, if the log still has it.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be read.
    #[boxed]
    pub async fn event_of_letter(
        &self,
        viewer: &Viewer,
        letter: &DeadLetter,
    ) -> Result<Option<LoggedEvent>> {
        authorize(viewer, Action::ReadLog)?;
        let event: Option<Event> = self.log.event_of(letter).await?;
        Ok(event.map(LoggedEvent::from))
    }

    /// Replays letters: see `EventLog::replay`.
    ///
    /// # Errors
    /// `NotFound` when a named letter does not exist.
    #[boxed]
    pub async fn replay_letters(&self, context: CommandContext, which: Which) -> Done<Replayed> {
        let outcome = self.operate(context, which, false).await?;
        Ok(Replayed {
            replayed: outcome.replayed,
            left: outcome.left,
            has_more: outcome.has_more,
        })
    }

    /// Discards letters: see `EventLog::discard`.
    ///
    /// # Errors
    /// `NotFound` when a named letter does not exist.
    #[boxed]
    pub async fn discard_letters(&self, context: CommandContext, which: Which) -> Done<Discarded> {
        let outcome = self.operate(context, which, true).await?;
        Ok(Discarded {
            discarded: outcome.discarded,
            replayed: outcome.replayed,
            left: outcome.left,
            has_more: outcome.has_more,
        })
    }

    /// Runs the operation in a task of its own, so that it completes when the caller goes away.
    async fn operate(
        &self,
        context: CommandContext,
        which: Which,
        is_discard: bool,
    ) -> Done<Outcome> {
        authorize(&context.viewer, Action::OperateWorkers)?;
        let operations = self.clone();
        let work = tokio::spawn(async move {
            operations
                .operate_to_the_end(context, which, is_discard)
                .await
        });
        work.await
            .map_err(|error| ::events::Error::Task(error.to_string()))?
    }

    async fn operate_to_the_end(
        &self,
        context: CommandContext,
        which: Which,
        is_discard: bool,
    ) -> Done<Outcome> {
        let reader = &self.log.database().reader;
        if let Some(answer) = idempotency::find_answer(reader, &context).await? {
            return Ok(answer?);
        }
        if let Which::One(id) = which
            && self.log.dead_letter(id).await?.is_none()
        {
            return Err(NO_LETTER.into());
        }
        let (started, ended) = match is_discard {
            true => (
                OperationEventKind::DiscardStarted,
                OperationEventKind::Discarded,
            ),
            false => (
                OperationEventKind::ReplayStarted,
                OperationEventKind::Replayed,
            ),
        };
        let operation = Uuid::now_v7();
        let asked = asked(&which);
        let (begun_by, meant) = (context.clone(), asked.clone());
        self.log
            .write(move |tx| {
                let (context, data) = (begun_by.clone(), meant.clone());
                Box::pin(async move {
                    append_in_tx(tx, &context, started, operation, 0, &data).await?;
                    Ok::<_, OperationError>(())
                })
            })
            .await?;
        let outcome = match is_discard {
            true => {
                let done = self.log.discard(&which, &self.followers).await?;
                Outcome {
                    replayed: done.replayed,
                    discarded: done.discarded,
                    left: done.left,
                    has_more: done.has_more,
                }
            }
            false => {
                let done = self.log.replay(&which, &self.followers).await?;
                Outcome {
                    replayed: done.replayed,
                    discarded: 0,
                    left: done.left,
                    has_more: done.has_more,
                }
            }
        };
        let data = LettersData {
            replayed: Some(outcome.replayed),
            discarded: is_discard.then_some(outcome.discarded),
            left: Some(outcome.left),
            ..asked
        };
        self.log
            .write(move |tx| {
                let (context, data) = (context.clone(), data.clone());
                Box::pin(async move {
                    let work = async {
                        append_in_tx(tx, &context, ended, operation, 1, &data).await?;
                        Ok::<_, OperationError>(outcome)
                    };
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }
}

fn asked(which: &Which) -> LettersData {
    match which {
        Which::One(id) => LettersData {
            letter_id: Some(LetterId::from_uuid(*id)),
            ..LettersData::default()
        },
        Which::Matching { filter, .. } => LettersData {
            consumer: filter.consumer.clone(),
            fingerprint: filter.fingerprint.clone(),
            stream_id: filter
                .stream
                .as_ref()
                .map(|(kind, id)| id::encode(kind, *id)),
            ..LettersData::default()
        },
    }
}
