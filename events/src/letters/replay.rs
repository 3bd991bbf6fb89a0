//! Replays and discards of dead letters. For a handler, one transaction deletes the letter and makes the delivery wait again, and
//! of two replays only one deletes it. Why letters of a follower are applied once and in order is argued at `replay_stream`.
//! Called by the operations of the domains and the command line.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::{
    DeadLetter, Discarded, LetterFilter, LetterKind, Replayed, Which,
    pages::{BATCH_LETTERS, Pages},
    store,
};
use crate::{
    DatabaseTransaction, Error, Event, EventLog, Follower, Result, Tx,
    append::Appended,
    boxed,
    database::Pool,
    error::error_chain,
    read,
    sql::{Dialect, execute, query, to_i64},
};

impl EventLog {
    /// Replays letters: those of handlers become due again; those of `followers` are applied now, together with the letters that
    /// wait behind or before them in their streams. Letters of followers that are not given stay.
    ///
    /// # Errors
    /// When the database fails; letters replayed until then stay replayed.
    #[boxed]
    pub async fn replay(&self, which: &Which, followers: &[Arc<dyn Follower>]) -> Result<Replayed> {
        let mut done = Replayed::default();
        let mut replayed = HashSet::new();
        let mut pages = Pages::new(which);
        while let Some(letters) = pages.next(self).await? {
            for letter in letters {
                match letter.kind {
                    LetterKind::Handler => {
                        done.replayed += u64::from(self.decide(&letter, "waiting").await?);
                    }
                    LetterKind::Follower => {
                        let Some(follower) = find(followers, &letter) else {
                            done.left += 1;
                            continue;
                        };
                        if !replayed.insert(stream_of(&letter)) {
                            // It was replayed with an earlier letter.
                            continue;
                        }
                        let of_stream = self
                            .replay_stream(follower, &letter, Before::Nothing)
                            .await?;
                        done.replayed += of_stream.replayed;
                        done.left += of_stream.left;
                    }
                }
            }
        }
        done.has_more = pages.has_more(self).await?;
        Ok(done)
    }

    /// Gives up letters for good. Letters that only wait behind one in a follower are applied then, and are given up only if they
    /// are named themselves. Those that wait behind one that is gone are applied, too: a discard may have been interrupted.
    ///
    /// # Errors
    /// When the database fails; letters discarded until then stay discarded.
    #[boxed]
    pub async fn discard(
        &self,
        which: &Which,
        followers: &[Arc<dyn Follower>],
    ) -> Result<Discarded> {
        let mut done = Discarded::default();
        let mut waiting = HashSet::new();
        let mut pages = Pages::new(which);
        while let Some(letters) = pages.next(self).await? {
            for letter in letters {
                let is_dropped = !letter.is_parked || matches!(which, Which::One(_));
                let follower = find(followers, &letter);
                match (letter.kind, follower) {
                    (LetterKind::Handler, _) => {
                        if is_dropped {
                            done.discarded += u64::from(self.decide(&letter, "discarded").await?);
                        }
                    }
                    (LetterKind::Follower, None) => {
                        if is_dropped {
                            done.discarded += u64::from(self.drop_letter(&letter).await?);
                        }
                    }
                    (LetterKind::Follower, Some(follower)) => {
                        if !is_dropped && !waiting.insert(stream_of(&letter)) {
                            // It waits behind one that was looked at.
                            continue;
                        }
                        let before = Before::Discard(is_dropped.then_some(letter.id));
                        let of_stream = self.replay_stream(follower, &letter, before).await?;
                        done.discarded += of_stream.discarded;
                        done.replayed += of_stream.replayed;
                        done.left += of_stream.left;
                    }
                }
            }
        }
        done.has_more = pages.has_more(self).await?;
        Ok(done)
    }

    /// Removes a handler's letter and changes its delivery from dead to `state`.
    async fn decide(&self, letter: &DeadLetter, state: &'static str) -> Result<bool> {
        let is_due_now = format!(
            "update delivery set state = $1, attempts = 0, due_at = {now}, last_at = {now}, owner = null
             where handler = $2 and position = $3 and state = 'dead'",
            now = self.database().backend().now()
        );
        let letter = Arc::new(letter.clone());
        self.in_transaction(move |tx| {
            let (letter, sql) = (letter.clone(), is_due_now.clone());
            Box::pin(async move {
                let is_removed = store::remove(tx, letter.id).await?;
                if is_removed {
                    let values: Vec<Value> = vec![
                        state.into(),
                        letter.consumer.clone().into(),
                        to_i64(letter.position).into(),
                    ];
                    execute(&**tx, &sql, values).await?;
                }
                Ok(is_removed)
            })
        })
        .await
    }

    async fn drop_letter(&self, letter: &DeadLetter) -> Result<bool> {
        let letter = Arc::new(letter.clone());
        self.in_transaction(move |tx| {
            let letter = letter.clone();
            Box::pin(async move {
                lock_part(tx, &letter).await?;
                store::remove(tx, letter.id).await
            })
        })
        .await
    }

    /// Applies the letters of the stream that `letter` belongs to, from the first on, until one fails.
    ///
    /// A transaction here locks the part's checkpoint row first, and deletes the letters that it applies. A follower's
    /// transaction locks that row first too, as it moves it, and looks for letters after that. So one of the two comes first as a
    /// whole, and the other sees what it committed: an event is parked behind existing letters, or applied when there are none. A
    /// letter is applied in the transaction that deletes it, hence once; the first of a stream is applied before those behind it,
    /// hence in order; and a replay that raced another finds the letters gone. A process that is killed leaves the letters of
    /// whatever it did not commit.
    ///
    /// A letter that is discarded is deleted in the first of these transactions, so that what waited behind it has been applied, or
    /// waits behind a failure of its own, or the letter is still there.
    async fn replay_stream(
        &self,
        follower: &Arc<dyn Follower>,
        letter: &DeadLetter,
        mut before: Before,
    ) -> Result<Discarded> {
        let mut done = Discarded::default();
        let mut at_once = BATCH_LETTERS;
        loop {
            match self.replay_batch(follower, letter, at_once, before).await {
                Ok((is_discarded, applied)) => {
                    done.discarded += u64::from(is_discarded);
                    done.replayed += applied;
                    before = before.and_then();
                    if applied == 0 {
                        return Ok(done);
                    }
                }
                // From here on, letters are applied one by one up to the one that fails.
                Err(error) if error.is_of_event() && at_once > 1 => at_once = 1,
                Err(error) if error.is_of_event() => {
                    let kept = self
                        .keep_first(letter, &error_chain(&error), before)
                        .await?;
                    done.discarded += u64::from(kept.0);
                    done.left = kept.1;
                    return Ok(done);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Runs one transaction: deletes the letters, then applies their events. Returns whether it discarded one before, and how many it
    /// applied.
    async fn replay_batch(
        &self,
        follower: &Arc<dyn Follower>,
        letter: &DeadLetter,
        limit: u64,
        before: Before,
    ) -> Result<(bool, u64)> {
        let (follower, letter) = (follower.clone(), Arc::new(letter.clone()));
        self.in_transaction(move |tx| {
            let (follower, letter) = (follower.clone(), letter.clone());
            Box::pin(async move {
                lock_part(tx, &letter).await?;
                let is_discarded = before.discard(tx).await?;
                let letters = store::of_stream(tx, &letter, limit).await?;
                let has_failed = letters.first().is_some_and(|first| !first.is_parked);
                if has_failed && matches!(before, Before::Discard(_)) {
                    // The others still wait behind it.
                    return Ok((is_discarded, 0));
                }
                let positions = letters.iter().map(|letter| letter.position);
                let events = read::read_positions(&**tx, positions).await?;
                if events.len() < letters.len() {
                    return Err(Error::Pruned);
                }
                for letter in &letters {
                    store::remove(tx, letter.id).await?;
                }
                let events: Vec<Arc<Event>> = events.into_iter().map(Arc::new).collect();
                super::apply::apply(tx, &*follower, &events, Some(tx)).await?;
                Ok((is_discarded, letters.len() as u64))
            })
        })
        .await
    }

    /// Records that the first letter of the stream has failed again. Returns whether it discarded one before, and the number of letters
    /// in the stream.
    async fn keep_first(
        &self,
        letter: &DeadLetter,
        error: &str,
        before: Before,
    ) -> Result<(bool, u64)> {
        let (letter, error) = (Arc::new(letter.clone()), error.to_owned());
        self.in_transaction(move |tx| {
            let (letter, error) = (letter.clone(), error.clone());
            Box::pin(async move {
                lock_part(tx, &letter).await?;
                let is_discarded = before.discard(tx).await?;
                if let Some(first) = store::of_stream(tx, &letter, 1).await?.first() {
                    store::record_failure(tx, first, &error).await?;
                }
                let filter = LetterFilter {
                    consumer: Some(letter.consumer.clone()),
                    stream: Some((letter.stream.clone(), letter.stream_id)),
                    ..LetterFilter::default()
                };
                Ok((is_discarded, store::count(&**tx, &filter).await?))
            })
        })
        .await
    }

    /// Runs a write on the connections of the log's own work.
    async fn in_transaction<T: Send + 'static>(
        &self,
        work: impl for<'a> Fn(&'a Tx<'a>) -> futures::future::BoxFuture<'a, Result<T>>
        + Send
        + Sync
        + 'static,
    ) -> Result<T> {
        let log = self.clone();
        // It runs in a task of its own, so that it ends even when the caller has gone away.
        let task = tokio::spawn(async move {
            let work = Arc::new(work);
            let (value, appended): (T, Vec<Appended>) = log
                .database()
                .transaction(Pool::Background, |transaction| {
                    let work = work.clone();
                    Box::pin(async move {
                        let appended = Mutex::default();
                        let value = work(&Tx::new(transaction, &appended)).await?;
                        let appended = appended.into_inner();
                        Ok::<_, Error>((value, appended))
                    })
                })
                .await?;
            log.announce(appended);
            Ok(value)
        });
        task.await
            .unwrap_or_else(|error| Err(Error::Task(error.to_string())))
    }
}

/// What a transaction does before it applies letters of a stream.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    /// It discards this one. The others are applied unless the first of them has failed itself.
    Discard(Option<Uuid>),
}

impl Before {
    async fn discard(self, tx: &DatabaseTransaction) -> Result<bool> {
        match self {
            Self::Discard(Some(id)) => store::remove(tx, id).await,
            Self::Discard(None) | Self::Nothing => Ok(false),
        }
    }

    /// Returns what the transactions after the first do.
    fn and_then(self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Discard(_) => Self::Discard(None),
        }
    }
}

fn stream_of(letter: &DeadLetter) -> (String, String, Uuid) {
    let (consumer, stream) = (letter.consumer.clone(), letter.stream.clone());
    (consumer, stream, letter.stream_id)
}

fn find<'a>(
    followers: &'a [Arc<dyn Follower>],
    letter: &DeadLetter,
) -> Option<&'a Arc<dyn Follower>> {
    followers
        .iter()
        .find(|follower| follower.name() == letter.consumer)
}

/// Takes the lock that a follower's transactions take first.
async fn lock_part(tx: &DatabaseTransaction, letter: &DeadLetter) -> Result<()> {
    // On SQLite the transaction began with the lock on everything.
    if tx.get_database_backend().is_postgres() {
        let sql = "select position from checkpoint where follower = $1 and part = $2 for update";
        let part = crate::part_of(letter.stream_id);
        query(tx, sql, vec![letter.consumer.clone().into(), part.into()]).await?;
    }
    Ok(())
}
