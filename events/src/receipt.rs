//! Read your writes: a token for the events that a request has written, and waiting until read models show them. A token names
//! the last event of the last transaction. All events of a transaction become visible at once and are numbered in the order in
//! which they were appended, so the last one's position is past all of them, and a follower that has passed it has applied them.
//! Positions are not known at commit; stream and version are, so the token names these.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::{
    EventLog, Result, boxed, letters,
    sql::{Dialect, query_one_as},
};

/// The pause between the first two looks. Each pause is twice the one before: a client that names an event which never comes must
/// not keep the database busy.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// No kind of ours has a longer name.
const MAX_KIND_BYTES: usize = 32;

/// An event that was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The kind of its stream.
    pub kind: String,
    /// The stream's id.
    pub stream_id: Uuid,
    /// The event's version in the stream.
    pub version: i64,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.stream_id.simple();
        write!(f, "{}-{id}-{}", self.kind, self.version)
    }
}

/// The text is not a token.
#[derive(Debug, thiserror::Error)]
#[error("this is not a token from a mutation's `extensions.readAfter`")]
pub struct NotWritten;

impl FromStr for Written {
    type Err = NotWritten;

    fn from_str(text: &str) -> Result<Self, NotWritten> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().ok_or(NotWritten);
        let (kind, id, version) = (next()?, next()?, next()?);
        let is_kind = (1..=MAX_KIND_BYTES).contains(&kind.len())
            && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let stream_id = Uuid::try_parse(id).map_err(|_| NotWritten)?;
        let version: i64 = version.parse().map_err(|_| NotWritten)?;
        if !is_kind || version < 1 {
            return Err(NotWritten);
        }
        Ok(Self {
            kind: kind.to_owned(),
            stream_id,
            version,
        })
    }
}

/// Collects what a request writes. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Receipt(Arc<Mutex<Option<Receipted>>>);

/// The events written, and who wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipted {
    /// The last event written.
    pub written: Written,
    /// The actor as the event names them; for a request that signs somebody in, that is the user.
    pub actor: String,
}

impl Receipt {
    /// Returns the last event that was written, if any was.
    pub fn last(&self) -> Option<Receipted> {
        self.0.lock().clone()
    }

    /// Records an event that the answer shows and that was written earlier, by somebody else or by this request under its
    /// idempotency key. It is older than anything that the request writes, so it never replaces that: waiting for the later event
    /// waits for both.
    pub fn record_earlier(&self, written: Written, actor: String) {
        let mut last = self.0.lock();
        last.get_or_insert(Receipted { written, actor });
    }

    /// Records that a transaction has committed, with this as its last event.
    pub(crate) fn record(&self, written: Written, actor: String) {
        let mut last = self.0.lock();
        *last = Some(Receipted { written, actor });
    }
}

impl PartialEq for Receipt {
    /// Two requests never share a receipt; the comparison is of the rest of the metadata.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Receipt {}

impl EventLog {
    /// Waits until all `followers` have applied the event, and everything committed with it, and this process has received it.
    /// Returns false when that did not happen within `limit`. An event that waits behind a dead letter is not applied, although
    /// the follower's checkpoint goes on without it.
    #[boxed]
    pub async fn await_applied(
        &self,
        written: &Written,
        followers: &[&str],
        limit: Duration,
    ) -> Result<bool> {
        let deadline = Instant::now() + limit;
        let mut pauses = Pauses::until(deadline);
        let position = loop {
            if let Some(position) = self.position_of(written).await? {
                break position;
            }
            if !pauses.next().await {
                return Ok(false);
            }
        };
        let mut tail = self.tail().changes();
        let arriving = tail.wait_for(|reached| *reached >= position);
        if timeout_at(deadline, arriving).await.is_err() {
            return Ok(false);
        }
        pauses = Pauses::until(deadline);
        while !self.have_passed(followers, position).await?
            || letters::is_held(&self.database().background, followers, written).await?
        {
            if !pauses.next().await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn position_of(&self, written: &Written) -> Result<Option<u64>> {
        let database = &self.database().background;
        let backend = database.get_database_backend();
        let sql = backend.either(
            "select p.position from event e join event_position p on p.inserted = e.inserted
                 where e.stream_id = $1 and e.version = $2 and e.stream = $3",
            "select inserted as position from event where stream_id = $1 and version = $2 and stream = $3",
        );
        let values = vec![
            written.stream_id.into(),
            written.version.into(),
            written.kind.as_str().into(),
        ];
        let position: Option<i64> = query_one_as(database, sql, values).await?;
        Ok(position.and_then(|position| u64::try_from(position).ok()))
    }

    /// Looks are shared by all who wait for a follower: one made a moment ago is as good as another.
    async fn have_passed(&self, followers: &[&str], position: u64) -> Result<bool> {
        for follower in followers {
            if self.shown_by(follower).await? < position {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The pauses between looks at the database, each twice the one before.
struct Pauses {
    deadline: Instant,
    pause: Duration,
}

impl Pauses {
    const fn until(deadline: Instant) -> Self {
        Self {
            deadline,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits for the next look; returns false when there is no time for another one.
    async fn next(&mut self) -> bool {
        if Instant::now() + self.pause > self.deadline {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_waited_for_and_not_what_was() {
        let at = |version| Written {
            kind: "post".to_owned(),
            stream_id: Uuid::from_u128(7),
            version,
        };
        let receipt = Receipt::default();
        let last = || receipt.last().map(|last| last.written);
        let ada = || "ada".to_owned();
        receipt.record_earlier(at(1), ada());
        assert_eq!(last(), Some(at(1)));
        receipt.record(at(2), ada());
        receipt.record_earlier(at(1), ada());
        assert_eq!(last(), Some(at(2)));
        receipt.record(at(3), ada());
        assert_eq!(last(), Some(at(3)));
    }

    #[test]
    fn tokens_survive_the_trip_and_nothing_else_is_one() {
        let written = Written {
            kind: "student_cache".to_owned(),
            stream_id: Uuid::from_u128(7),
            version: 3,
        };
        let token = written.to_string();
        assert_eq!(token.parse::<Written>().ok(), Some(written));
        let id = "00000000000000000000000000000007";
        for refused in [
            String::new(),
            format!("post-{id}"),
            format!("post-{id}-0"),
            format!("post-{id}--1"),
            format!("-{id}-1"),
            format!("Post-{id}-1"),
            "post-7-1".to_owned(),
            format!("post-{id}-99999999999999999999"),
        ] {
            assert!(refused.parse::<Written>().is_err(), "{refused}");
        }
    }
}
