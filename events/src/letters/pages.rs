//! The letters that a replay or a discard looks at: those that exist when it begins, a page at a time, up to as many as are wanted. Which
//! these are, the table says: the ids of letters are made by the clocks of the processes that wrote them, of which one may have been
//! ahead. Called by `replay`.

use uuid::Uuid;

use super::{DeadLetter, LetterFilter, LetterRange, Which};
use crate::{EventLog, Result};

/// The number of letters examined at once, or applied at once in one stream.
pub(super) const BATCH_LETTERS: u64 = 200;

pub(super) struct Pages<'a> {
    which: &'a Which,
    after: Option<Uuid>,
    /// The greatest id when it began, and how many there were.
    extent: Option<(Uuid, u64)>,
    seen: u64,
}

impl<'a> Pages<'a> {
    pub(super) fn new(which: &'a Which) -> Self {
        Self {
            which,
            after: None,
            extent: None,
            seen: 0,
        }
    }

    pub(super) async fn next(&mut self, log: &EventLog) -> Result<Option<Vec<DeadLetter>>> {
        let letters = match self.which {
            Which::One(id) if self.after.is_none() => {
                log.dead_letter(*id).await?.into_iter().collect()
            }
            Which::One(_) => Vec::new(),
            Which::Matching { filter, most } => {
                let (until, count) = self.extent(log, filter).await?;
                // What fails again gets a new letter, which may be among those before one with an id from the future.
                let wanted = count.min(*most).saturating_sub(self.seen);
                self.page(log, filter, until, wanted.min(BATCH_LETTERS))
                    .await?
            }
        };
        self.after = letters.last().map_or(self.after, |letter| Some(letter.id));
        self.seen += letters.len() as u64;
        Ok((!letters.is_empty()).then_some(letters))
    }

    /// Returns whether there are more than were wanted.
    pub(super) async fn has_more(&self, log: &EventLog) -> Result<bool> {
        match (self.which, self.extent) {
            (Which::Matching { filter, most }, Some((until, _))) if self.seen >= *most => {
                Ok(!self.page(log, filter, until, 1).await?.is_empty())
            }
            _ => Ok(false),
        }
    }

    async fn extent(&mut self, log: &EventLog, filter: &LetterFilter) -> Result<(Uuid, u64)> {
        if let Some(extent) = self.extent {
            return Ok(extent);
        }
        let newest = LetterRange {
            from_end: true,
            limit: 1,
            ..LetterRange::default()
        };
        let count = log.count_dead_letters(filter).await?;
        let newest = log.dead_letters(filter, &newest).await?.pop();
        let extent = (newest.map_or(Uuid::nil(), |letter| letter.id), count);
        self.extent = Some(extent);
        Ok(extent)
    }

    async fn page(
        &self,
        log: &EventLog,
        filter: &LetterFilter,
        until: Uuid,
        limit: u64,
    ) -> Result<Vec<DeadLetter>> {
        let range = LetterRange {
            after: self.after,
            limit,
            ..LetterRange::default()
        };
        let mut letters = log.dead_letters(filter, &range).await?;
        letters.retain(|letter| letter.id <= until);
        Ok(letters)
    }
}
