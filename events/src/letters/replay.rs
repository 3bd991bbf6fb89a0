//! Replays and discards of dead letters. Of a handler, deleting the letter and making the delivery wait again is one transaction,
//! and of two replays one deletes it. That letters of a follower are applied once and in order is argued beside
//! `replay_stream`. Called by the operations of the domains and the command line.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::{DeadLetter, Discarded, LetterFilter, LetterKind, Replayed, Which, store};
use crate::{
    DatabaseTransaction, Error, Event, EventLog, Follower, Result, Tx,
    append::Appended,
    boxed,
    database::Pool,
    error::error_chain,
    read,
    sql::{Dialect, execute, query, to_i64},
};

/// Letters looked at, or of one stream applied, at once.
const BATCH_LETTERS: u64 = 200;

impl EventLog {
    /// Replays letters: those of handlers are to be handled again, those of `followers` are applied now, together with
    /// what waits behind or before them in their streams. Letters of followers that are not given are left.
    ///
    /// # Errors
    /// When the database fails; what was replayed until then stays replayed.
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
                        let stream = (
                            letter.consumer.clone(),
                            letter.stream.clone(),
                            letter.stream_id,
                        );
                        if !replayed.insert(stream) {
                            // With an earlier letter.
                            continue;
                        }
                        let of_stream = self.replay_stream(follower, &letter).await?;
                        done.replayed += of_stream.replayed;
                        done.left += of_stream.left;
                    }
                }
            }
        }
        Ok(done)
    }

    /// Gives up letters for good. What only waits behind one in a follower is applied then, and given up only if it is the
    /// one that is named.
    ///
    /// # Errors
    /// When the database fails; what was discarded until then stays discarded.
    #[boxed]
    pub async fn discard(
        &self,
        which: &Which,
        followers: &[Arc<dyn Follower>],
    ) -> Result<Discarded> {
        let mut done = Discarded::default();
        let mut pages = Pages::new(which);
        while let Some(letters) = pages.next(self).await? {
            for letter in letters {
                if letter.is_parked && !matches!(which, Which::One(_)) {
                    continue;
                }
                match letter.kind {
                    LetterKind::Handler => {
                        done.discarded += u64::from(self.decide(&letter, "discarded").await?);
                    }
                    LetterKind::Follower => {
                        done.discarded += u64::from(self.drop_letter(&letter).await?);
                        let Some(follower) = find(followers, &letter) else {
                            continue;
                        };
                        if !letter.is_parked {
                            let behind = self.replay_stream(follower, &letter).await?;
                            done.replayed += behind.replayed;
                            done.left += behind.left;
                        }
                    }
                }
            }
        }
        Ok(done)
    }

    /// Removes a handler's letter; its delivery is no longer dead, but `state`.
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

    /// Applies the letters of the stream that `letter` is of, from the first on, until one fails.
    ///
    /// A transaction here locks the part's checkpoint row first, and deletes the letters that it applies. A follower's
    /// transaction locks that row first too, as it moves it, and looks for letters behind that. So of the two one comes first
    /// as a whole, and the other sees what it committed: an event is parked behind the letters there are, or applied
    /// when there are none. A letter is applied in the transaction that deletes it, so once; the first of a stream before
    /// those behind it, so in order; and a replay that raced another finds the letters gone. A process that is killed leaves
    /// the letters of what it did not commit.
    async fn replay_stream(
        &self,
        follower: &Arc<dyn Follower>,
        letter: &DeadLetter,
    ) -> Result<Replayed> {
        let mut done = Replayed::default();
        let mut at_once = BATCH_LETTERS;
        loop {
            match self.replay_batch(follower, letter, at_once).await {
                Ok(0) => return Ok(done),
                Ok(applied) => done.replayed += applied,
                // One by one up to the one that fails.
                Err(error) if error.is_of_event() && at_once > 1 => at_once = 1,
                Err(error) if error.is_of_event() => {
                    done.left = self.keep_first(letter, &error_chain(&error)).await?;
                    return Ok(done);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One transaction: the letters deleted, then what their events do. Answers with how many there were.
    async fn replay_batch(
        &self,
        follower: &Arc<dyn Follower>,
        letter: &DeadLetter,
        limit: u64,
    ) -> Result<u64> {
        let (follower, letter) = (follower.clone(), Arc::new(letter.clone()));
        self.in_transaction(move |tx| {
            let (follower, letter) = (follower.clone(), letter.clone());
            Box::pin(async move {
                lock_part(tx, &letter).await?;
                let letters = store::of_stream(tx, &letter, limit).await?;
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
                Ok(letters.len() as u64)
            })
        })
        .await
    }

    /// The first letter of the stream has failed again; the number of letters that the stream has.
    async fn keep_first(&self, letter: &DeadLetter, error: &str) -> Result<u64> {
        let (letter, error) = (Arc::new(letter.clone()), error.to_owned());
        self.in_transaction(move |tx| {
            let (letter, error) = (letter.clone(), error.clone());
            Box::pin(async move {
                lock_part(tx, &letter).await?;
                if let Some(first) = store::of_stream(tx, &letter, 1).await?.first() {
                    store::record_failure(tx, first, &error).await?;
                }
                let filter = LetterFilter {
                    consumer: Some(letter.consumer.clone()),
                    stream_id: Some(letter.stream_id),
                    ..LetterFilter::default()
                };
                store::count(&**tx, &filter).await
            })
        })
        .await
    }

    /// A write with the connections of the log's own work.
    async fn in_transaction<T: Send + 'static>(
        &self,
        work: impl for<'a> Fn(&'a Tx<'a>) -> futures::future::BoxFuture<'a, Result<T>>
        + Send
        + Sync
        + 'static,
    ) -> Result<T> {
        let log = self.clone();
        // In a task of its own: it ends also when whoever asked has gone away.
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
            log.announce(&appended);
            Ok(value)
        });
        task.await
            .unwrap_or_else(|error| Err(Error::Task(error.to_string())))
    }
}

fn find<'a>(
    followers: &'a [Arc<dyn Follower>],
    letter: &DeadLetter,
) -> Option<&'a Arc<dyn Follower>> {
    followers
        .iter()
        .find(|follower| follower.name() == letter.consumer)
}

/// The lock that a follower's transactions take first.
async fn lock_part(tx: &DatabaseTransaction, letter: &DeadLetter) -> Result<()> {
    // On SQLite the transaction began with the lock on everything.
    if tx.get_database_backend().is_postgres() {
        let sql = "select position from checkpoint where follower = $1 and part = $2 for update";
        let part = crate::part_of(letter.stream_id);
        query(tx, sql, vec![letter.consumer.clone().into(), part.into()]).await?;
    }
    Ok(())
}

/// The letters there are when it begins, a page at a time.
struct Pages<'a> {
    which: &'a Which,
    after: Uuid,
    until: Uuid,
}

impl<'a> Pages<'a> {
    fn new(which: &'a Which) -> Self {
        Self {
            which,
            after: Uuid::nil(),
            until: Uuid::now_v7(),
        }
    }

    async fn next(&mut self, log: &EventLog) -> Result<Option<Vec<DeadLetter>>> {
        let letters = match self.which {
            Which::One(id) if self.after.is_nil() => {
                log.dead_letter(*id).await?.into_iter().collect()
            }
            Which::One(_) => Vec::new(),
            Which::Fingerprint(fingerprint) => self.page(log, Some(fingerprint.clone())).await?,
            Which::All => self.page(log, None).await?,
        };
        self.after = letters.last().map_or(self.after, |letter| letter.id);
        Ok((!letters.is_empty()).then_some(letters))
    }

    async fn page(&self, log: &EventLog, fingerprint: Option<String>) -> Result<Vec<DeadLetter>> {
        let filter = LetterFilter {
            fingerprint,
            after: Some(self.after),
            limit: BATCH_LETTERS,
            ..LetterFilter::default()
        };
        let mut letters = log.dead_letters(&filter).await?;
        letters.retain(|letter| letter.id <= self.until);
        Ok(letters)
    }
}
