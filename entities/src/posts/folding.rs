//! Folds of streams, cached with their last event: the next reader folds only later events, and reads the last event again with
//! them. A cached fold is valid while the log has its last event, and until personal data is erased; a database that lost its
//! last commits may have another event there, and then the whole stream is folded again. This replaces stored snapshots: a like
//! of a post with 10,000 likes took 105 ms the first time in a process and 2 to 5 ms from then on (debug build, busy machine;
//! `tests/it/posts/hot.rs`). A snapshot would save the first, for a write at each command.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::events::{ERASURE_STREAM, EventLog, HistoryPage, Result, StreamKey, Tx, continues};
use moka::sync::Cache;
use uuid::Uuid;

use super::{PostEvent, PostId, PostState, aggregate::Discontinuous, fold};

/// The memory for cached folds in a process, in bytes.
const MEMORY: u64 = 32 << 20;
/// How long an unused fold is kept.
const IDLE: Duration = Duration::from_secs(600);
/// The number of events read in one statement.
const BATCH_EVENTS: u64 = 1_000;

/// The epoch of the log, and the number of its redactions. Another epoch has another past, and a redaction removes data from
/// the events.
pub(super) type Past = (u32, u64);

#[derive(Clone)]
pub(super) struct Folds {
    log: EventLog,
    /// How often the log was redacted.
    redactions: Arc<AtomicU64>,
    /// The folds, by the past that they were read from.
    remembered: Cache<(Past, PostId), Fold>,
}

/// A post after some of its events.
#[derive(Clone)]
pub(super) struct Fold {
    pub(super) state: Arc<PostState>,
    /// The id of the last of these events.
    pub(super) last: Uuid,
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
            .weigher(|_, fold: &Fold| fold.state.weight())
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

    /// Returns the current past. Must be called before the events of a fold that is to be cached are read.
    pub(super) fn past(&self) -> Past {
        let redactions = self.redactions.load(Ordering::Acquire);
        (self.log.tail().cursor().epoch, redactions)
    }

    /// Returns the current post.
    pub(super) async fn read(&self, id: PostId) -> Result<Option<Arc<PostState>>> {
        self.continue_in(Source::Log(&self.log), id).await
    }

    /// Returns the current post as the transaction sees it. Must be called before the transaction appends to the stream, as its
    /// events may never be committed.
    pub(super) async fn read_in_tx(
        &self,
        tx: &Tx<'_>,
        id: PostId,
    ) -> Result<Option<Arc<PostState>>> {
        self.continue_in(Source::Tx(tx), id).await
    }

    /// Returns the post at the event `event_id`, which led to this version of it, or at a later one. If a later event cannot be
    /// read, this is the post before that event.
    pub(super) async fn read_since(
        &self,
        id: PostId,
        version: i64,
        event_id: Uuid,
    ) -> Result<Option<Arc<PostState>>> {
        let past = self.past();
        let known = self.recall(past, id);
        if let Some(known) = &known
            && known.state.version() == version
            && known.last == event_id
        {
            return Ok(Some(known.state.clone()));
        }
        let source = Source::Log(&self.log);
        let folded = self.fold_up_to(source, past, id, known, i64::MAX).await?;
        if let Some(fold) = &folded.fold {
            self.remember(past, id, fold);
        }
        match folded.fold {
            Some(fold) if fold.state.version() >= version => Ok(Some(fold.state)),
            fold => folded.ended_by.map_or(Ok(fold.map(|it| it.state)), Err),
        }
    }

    /// Returns the post at exactly this version, which never changes.
    pub(super) async fn read_at(&self, id: PostId, version: i64) -> Result<Option<Arc<PostState>>> {
        let past = self.past();
        let start = self.recall(past, id);
        let start = start.filter(|fold| fold.state.version() <= version);
        let source = Source::Log(&self.log);
        let folded = self.fold_up_to(source, past, id, start, version).await?;
        let state = folded.whole()?.map(|fold| fold.state);
        Ok(state.filter(|state| state.version() == version))
    }

    /// Caches a fold of committed events that were read in this past.
    pub(super) fn remember(&self, past: Past, id: PostId, fold: &Fold) {
        let is_news = self
            .recall(past, id)
            .is_none_or(|known| known.state.version() < fold.state.version());
        if is_news {
            self.remembered.insert((past, id), fold.clone());
        }
    }

    fn recall(&self, past: Past, id: PostId) -> Option<Fold> {
        self.remembered.get(&(past, id))
    }

    async fn continue_in(&self, source: Source<'_>, id: PostId) -> Result<Option<Arc<PostState>>> {
        let past = self.past();
        let known = self.recall(past, id);
        let folded = self.fold_up_to(source, past, id, known, i64::MAX).await?;
        let fold = folded.whole()?;
        if let Some(fold) = &fold {
            self.remember(past, id, fold);
        }
        Ok(fold.map(|fold| fold.state))
    }

    /// Folds the events after `start` up to `version`, or all of them if the log no longer has the last event of `start`: the
    /// cached fold is dropped then.
    async fn fold_up_to(
        &self,
        source: Source<'_>,
        past: Past,
        id: PostId,
        start: Option<Fold>,
        version: i64,
    ) -> Result<Folded> {
        if start.is_some() {
            if let Some(folded) = fold_behind(source, id, start, version).await? {
                return Ok(folded);
            }
            tracing::info!(%id, "the log lacks the last event of a cached fold; folding the post again");
            self.remembered.invalidate(&(past, id));
        }
        let folded = fold_behind(source, id, None, version).await?;
        Ok(folded.unwrap_or(Folded {
            fold: None,
            ended_by: None,
        }))
    }
}

/// The fold of events, up to the first that cannot be read.
struct Folded {
    fold: Option<Fold>,
    ended_by: Option<::events::Error>,
}

impl Folded {
    /// Returns the fold if all events could be read: commands decide on it, and readers see it as the whole.
    fn whole(self) -> Result<Option<Fold>> {
        self.ended_by.map_or(Ok(self.fold), Err)
    }
}

/// Folds the events after `start` up to `version`, in batches. The last event of `start` is read with the first batch; the
/// result is `None` if the log does not have it.
async fn fold_behind(
    source: Source<'_>,
    id: PostId,
    start: Option<Fold>,
    version: i64,
) -> Result<Option<Folded>> {
    let stream = id.stream();
    let mut is_proven = start.is_none();
    let mut fold = start;
    let mut ended_by = None;
    loop {
        let after = fold.as_ref().map_or(0, |fold| fold.state.version());
        let wanted = u64::try_from(version - after).unwrap_or(0);
        if is_proven && wanted == 0 {
            break;
        }
        let known = i64::from(!is_proven);
        let limit = wanted.min(BATCH_EVENTS) + u64::from(!is_proven);
        let mut page = source.read(stream, after - known, limit).await?;
        if let (false, Some(fold)) = (is_proven, &fold) {
            let found = page.events.first().filter(|event| event.version == after);
            if !continues(fold.last, found.map(|event| event.event_id)) {
                return Ok(None);
            }
            page.events.remove(0);
            is_proven = true;
        }
        let decoded = page.events.iter().map_while(|event| {
            let decoded = PostEvent::decode(event);
            decoded.map_err(|cause| ended_by = Some(cause)).ok()
        });
        let decoded: Vec<_> = decoded.collect();
        if let Some(last) = decoded
            .len()
            .checked_sub(1)
            .map(|last| page.events[last].event_id)
        {
            let before = fold.map(|fold| Arc::unwrap_or_clone(fold.state));
            let state = self::fold(before, &decoded).map_err(broken)?;
            fold = state.map(Arc::new).map(|state| Fold { state, last });
        }
        if ended_by.is_some() || !page.has_more {
            break;
        }
    }
    Ok(Some(Folded { fold, ended_by }))
}

pub(super) fn broken(cause: Discontinuous) -> ::events::Error {
    ::events::Error::Malformed {
        what: "post stream",
        source: serde::de::Error::custom(cause),
    }
}
