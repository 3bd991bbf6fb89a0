//! Folds of streams, remembered. A fold of committed events stays true until what is personal is erased from them, so it is remembered with its version, and
//! the next reader folds only what came since. This is instead of stored snapshots: a like of a post with 10,000 likes took
//! 105 ms the first time in a process and 2 to 5 ms from then on (debug build, busy machine; `tests/it/posts/hot.rs`). A
//! snapshot would save the first, for a write at each command.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::events::{ERASURE_STREAM, EventLog, HistoryPage, Result, StreamKey, Tx};
use moka::sync::Cache;
use uuid::Uuid;

use super::{PostEvent, PostState, STREAM, aggregate::Discontinuous, fold};

/// The memory that folds may take in a process, in bytes.
const MEMORY: u64 = 32 << 20;
/// How long a fold that nobody asks for is kept.
const IDLE: Duration = Duration::from_secs(600);
/// Events read in one statement.
const BATCH_EVENTS: u64 = 1_000;

/// What the log says, in an epoch: another one has another past, and what was erased since is no longer said.
pub(super) type Past = (u32, u64);

#[derive(Clone)]
pub(super) struct Folds {
    log: EventLog,
    /// How often the log was redacted.
    redactions: Arc<AtomicU64>,
    /// By the past that they are folds of.
    remembered: Cache<(Past, Uuid), Arc<PostState>>,
}

/// Where events are read: in a transaction, or as committed.
#[derive(Clone, Copy)]
enum Source<'a> {
    Log(&'a EventLog),
    Tx(&'a Tx<'a>),
}

impl Source<'_> {
    async fn read(self, stream: StreamKey, after: i64, limit: u64) -> Result<HistoryPage> {
        match self {
            Self::Log(log) => log.read_versions(stream, after, limit).await,
            Self::Tx(tx) => tx.read_versions(stream, after, limit).await,
        }
    }
}

impl Folds {
    pub(super) fn new(log: EventLog) -> Self {
        let remembered = Cache::builder()
            .weigher(|_, state: &Arc<PostState>| state.weight())
            .max_capacity(MEMORY)
            .time_to_idle(IDLE)
            .build();
        let redactions = Arc::new(AtomicU64::new(0));
        let (redacted, forgotten) = (redactions.clone(), remembered.clone());
        log.observe_positions(move |kind, _, _, position| {
            if kind == ERASURE_STREAM && position.is_some() {
                redacted.fetch_add(1, Ordering::AcqRel);
                forgotten.invalidate_all();
            }
        });
        Self {
            log,
            redactions,
            remembered,
        }
    }

    /// To be asked for before anything is read that is to be remembered.
    pub(super) fn past(&self) -> Past {
        let redactions = self.redactions.load(Ordering::Acquire);
        (self.log.tail().cursor().epoch, redactions)
    }

    /// The post now.
    pub(super) async fn read(&self, id: Uuid) -> Result<Option<Arc<PostState>>> {
        self.continue_in(Source::Log(&self.log), id).await
    }

    /// The post now, as the transaction sees it. To be called before it appends to the stream: what it appends may never
    /// be committed.
    pub(super) async fn read_in_tx(&self, tx: &Tx<'_>, id: Uuid) -> Result<Option<Arc<PostState>>> {
        self.continue_in(Source::Tx(tx), id).await
    }

    /// The post at this version or a later one. An event behind it that cannot be read does not matter: then this is the post
    /// before that event.
    pub(super) async fn read_since(
        &self,
        id: Uuid,
        version: i64,
    ) -> Result<Option<Arc<PostState>>> {
        let past = self.past();
        let known = self.recall(past, id);
        if known.as_ref().is_some_and(|it| it.version() >= version) {
            return Ok(known);
        }
        let folded = fold_up_to(Source::Log(&self.log), id, known, i64::MAX).await?;
        if let Some(state) = &folded.state {
            self.remember(past, id, state);
        }
        match folded.state {
            Some(state) if state.version() >= version => Ok(Some(state)),
            state => folded.ended_by.map_or(Ok(state), Err),
        }
    }

    /// The post at exactly this version; what it was then never changes.
    pub(super) async fn read_at(&self, id: Uuid, version: i64) -> Result<Option<Arc<PostState>>> {
        let start = self.recall(self.past(), id);
        let start = start.filter(|state| state.version() <= version);
        let folded = fold_up_to(Source::Log(&self.log), id, start, version).await?;
        let state = folded.whole()?;
        Ok(state.filter(|state| state.version() == version))
    }

    /// Keeps a fold of committed events, as they were said in this past.
    pub(super) fn remember(&self, past: Past, id: Uuid, state: &Arc<PostState>) {
        let is_news = self
            .recall(past, id)
            .is_none_or(|known| known.version() < state.version());
        if is_news {
            self.remembered.insert((past, id), state.clone());
        }
    }

    fn recall(&self, past: Past, id: Uuid) -> Option<Arc<PostState>> {
        self.remembered.get(&(past, id))
    }

    async fn continue_in(&self, source: Source<'_>, id: Uuid) -> Result<Option<Arc<PostState>>> {
        let past = self.past();
        let folded = fold_up_to(source, id, self.recall(past, id), i64::MAX).await?;
        let state = folded.whole()?;
        if let Some(state) = &state {
            self.remember(past, id, state);
        }
        Ok(state)
    }
}

/// What events fold to, up to the first that cannot be read.
struct Folded {
    state: Option<Arc<PostState>>,
    ended_by: Option<::events::Error>,
}

impl Folded {
    /// The state if all could be read: what a command decides on, and what readers are shown as the whole.
    fn whole(self) -> Result<Option<Arc<PostState>>> {
        self.ended_by.map_or(Ok(self.state), Err)
    }
}

/// Folds the events after `start` up to `version`, a batch at a time.
async fn fold_up_to(
    source: Source<'_>,
    id: Uuid,
    start: Option<Arc<PostState>>,
    version: i64,
) -> Result<Folded> {
    let stream = StreamKey { kind: STREAM, id };
    let mut state = start;
    let mut ended_by = None;
    loop {
        let after = state.as_ref().map_or(0, |state| state.version());
        let wanted = u64::try_from(version - after).unwrap_or(0);
        if wanted == 0 {
            break;
        }
        let page = source.read(stream, after, wanted.min(BATCH_EVENTS)).await?;
        let decoded = page.events.iter().map_while(|event| {
            let decoded = PostEvent::decode(event);
            decoded.map_err(|cause| ended_by = Some(cause)).ok()
        });
        let decoded: Vec<_> = decoded.collect();
        if !decoded.is_empty() {
            let before = state.map(Arc::unwrap_or_clone);
            state = fold(before, &decoded).map_err(broken)?.map(Arc::new);
        }
        if ended_by.is_some() || !page.has_more {
            break;
        }
    }
    Ok(Folded { state, ended_by })
}

pub(super) fn broken(cause: Discontinuous) -> ::events::Error {
    ::events::Error::Malformed {
        what: "post stream",
        source: serde::de::Error::custom(cause),
    }
}
