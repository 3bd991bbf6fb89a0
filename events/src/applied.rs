//! Read your writes: waiting until read models show an event that a token names, and with it everything that the request wrote
//! before. A follower that has passed the event's position has applied it, unless it waits behind a dead letter.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    EventLog, Result, Written, boxed, letters,
    sql::{Dialect, query_one_as},
};

/// The pause between the first two looks. Each pause is twice the one before: a client that names an event which never comes must
/// not keep the database busy.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

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
        if self.tail().position() < position {
            self.shared.arrivals.doubt.notify_one();
        }
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

    /// Waits until all `followers` have passed this position, at which there is an event. Returns false when that did not happen within
    /// `limit`.
    #[boxed]
    pub async fn await_passed(
        &self,
        followers: &[&str],
        position: u64,
        limit: Duration,
    ) -> Result<bool> {
        let mut pauses = Pauses::until(Instant::now() + limit);
        while !self.have_passed(followers, position).await? {
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
