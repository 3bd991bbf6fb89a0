//! Dead letters, for administrators. A replay is as many transactions as it has letters, each exactly once by itself (see
//! `events`). So it is told by two events: one before, in a transaction of its own, and one after, which has the outcome and
//! commits with the answer that is remembered under an idempotency key. One that is cut off has the first event only, left no
//! answer, and may be repeated: what was replayed has no letter any more.

use ::events::{DeadLetter, Discarded, Event, LetterFilter, Replayed, Which};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    LoggedEvent, OperationError, Operations,
    events::{LettersData, OperationEventKind, append_in_tx},
};
use crate::{
    CommandContext, Missing,
    access::{AccessError, Action, Viewer, authorize},
    boxed,
    id::ids,
    idempotency,
};

ids! {
    /// A letter's id, as people see it.
    LetterId = Id<OfLetter>, "letter";
}

/// There is no letter with this id; it may have been replayed.
pub const NO_LETTER: Missing = Missing("such dead letter");

/// A letter with its event.
#[derive(Debug, Clone)]
pub struct DeadLetterDetails {
    /// The letter.
    pub letter: DeadLetter,
    /// The event; nothing when the log no longer has it.
    pub event: Option<LoggedEvent>,
}

/// An outcome, as it is remembered for who repeats the request.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Outcome {
    replayed: u64,
    discarded: u64,
    left: u64,
}

impl Operations {
    /// The letters that the filter means, oldest first.
    ///
    /// # Errors
    /// When the viewer may not, and when the database cannot be read.
    #[boxed]
    pub async fn list_letters(
        &self,
        viewer: &Viewer,
        filter: &LetterFilter,
    ) -> Result<Vec<DeadLetter>, AccessError> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.log.dead_letters(filter).await?)
    }

    /// How many letters the filter means.
    ///
    /// # Errors
    /// When the viewer may not, and when the database cannot be read.
    #[boxed]
    pub async fn count_letters(
        &self,
        viewer: &Viewer,
        filter: &LetterFilter,
    ) -> Result<u64, AccessError> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.log.count_dead_letters(filter).await?)
    }

    /// One letter.
    ///
    /// # Errors
    /// When the viewer may not, and when the database cannot be read.
    #[boxed]
    pub async fn find_letter(
        &self,
        viewer: &Viewer,
        id: LetterId,
    ) -> Result<Option<DeadLetter>, AccessError> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.log.dead_letter(id.uuid()).await?)
    }

    /// The event of a letter, if the log still has it.
    ///
    /// # Errors
    /// When the viewer may not, and when the database cannot be read.
    #[boxed]
    pub async fn event_of_letter(
        &self,
        viewer: &Viewer,
        letter: &DeadLetter,
    ) -> Result<Option<LoggedEvent>, AccessError> {
        authorize(viewer, Action::ReadLog)?;
        let event: Option<Event> = self.log.event_of(letter).await?;
        Ok(event.map(LoggedEvent::from))
    }

    /// Replays letters: see `EventLog::replay`.
    ///
    /// # Errors
    /// `NotFound` when one is meant that is not there.
    #[boxed]
    pub async fn replay_letters(
        &self,
        context: CommandContext,
        which: Which,
    ) -> Result<Replayed, OperationError> {
        let outcome = self.operate(context, which, false).await?;
        Ok(Replayed {
            replayed: outcome.replayed,
            left: outcome.left,
        })
    }

    /// Gives letters up for good: see `EventLog::discard`.
    ///
    /// # Errors
    /// `NotFound` when one is meant that is not there.
    #[boxed]
    pub async fn discard_letters(
        &self,
        context: CommandContext,
        which: Which,
    ) -> Result<Discarded, OperationError> {
        let outcome = self.operate(context, which, true).await?;
        Ok(Discarded {
            discarded: outcome.discarded,
            replayed: outcome.replayed,
            left: outcome.left,
        })
    }

    /// In a task of its own, so that it comes to its end when the caller goes away.
    async fn operate(
        &self,
        context: CommandContext,
        which: Which,
        is_discard: bool,
    ) -> Result<Outcome, OperationError> {
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
    ) -> Result<Outcome, OperationError> {
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
                }
            }
            false => {
                let done = self.log.replay(&which, &self.followers).await?;
                Outcome {
                    replayed: done.replayed,
                    discarded: 0,
                    left: done.left,
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
    let mut data = LettersData::default();
    match which {
        Which::One(id) => data.letter_id = Some(LetterId::from_uuid(*id)),
        Which::Fingerprint(fingerprint) => data.fingerprint = Some(fingerprint.clone()),
        Which::All => {}
    }
    data
}
