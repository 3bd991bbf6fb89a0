//! Rebuilds read models: with a progress bar for an operator who waits, and in the background for an administrator who has
//! requested it through the API. Both are the same rebuild, which resumes where another process left it.

use std::{
    fmt::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use entities::Entities;
use events::{
    Database, EventLog, Looks, ReadModel, RebuildConfig, RebuildError, RebuildPhase,
    RebuildProgress, RebuildReport, rebuild, requested_rebuilds,
};
use indicatif::{HumanCount, ProgressBar};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::printing;

/// How often a process looks for requests while events come.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a process waits before it retries a rebuild that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(30);
/// The share of its time, in percent, that a rebuild requested through the API works: nobody waits for it at a terminal, and
/// clients are served meanwhile.
const REQUESTED_SHARE: u8 = 50;
/// How long a killed process keeps a rebuild.
const LEASE: Duration = Duration::from_secs(5);

/// The arguments of the command.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct RebuildSettings {
    /// The read model: posts
    pub model: String,
    /// Discard what an interrupted rebuild has built, instead of resuming it
    #[arg(long)]
    pub from_the_start: bool,
    /// Share of its time that it works, in percent; it rests in between, so that others are served [default: 100, with SQLite 67]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub share: Option<u8>,
}

/// Why a read model was not rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildFailure {
    /// There is no read model of that name.
    #[error("there is no read model {0}; there is {1}")]
    Unknown(String, String),
    /// The rebuild failed.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
}

fn find_model(name: &str) -> Option<Arc<dyn ReadModel>> {
    let mut models = Entities::read_models().into_iter();
    models.find(|model| model.name() == name)
}

/// Returns the configuration. By default, a rebuild on Postgres works all of its time; on SQLite, which has one writer, waiting
/// writers come in between.
fn config(database: &Database, batch_events: Option<u64>, share: Option<u8>) -> RebuildConfig {
    let is_sqlite = database.is_embedded();
    RebuildConfig {
        owner: uuid::Uuid::now_v7().to_string(),
        lease: LEASE,
        batch_events: batch_events.unwrap_or(if is_sqlite { 1_000 } else { 10_000 }),
        share: f64::from(share.unwrap_or(if is_sqlite { 67 } else { 100 })) / 100.0,
        from_the_start: false,
    }
}

/// Rebuilds a read model for an operator who watches, and reports the result.
///
/// # Errors
/// When there is no such model, and when the rebuild fails.
pub async fn rebuild_watched(
    database: &Database,
    settings: &RebuildSettings,
    batch_events: Option<u64>,
    stop: watch::Receiver<bool>,
) -> Result<(), RebuildFailure> {
    let model = find_model(&settings.model).ok_or_else(|| {
        let known: Vec<_> = Entities::read_models()
            .iter()
            .map(|model| model.name())
            .collect();
        RebuildFailure::Unknown(settings.model.clone(), known.join(", "))
    })?;
    let config = RebuildConfig {
        from_the_start: settings.from_the_start,
        ..config(database, batch_events, settings.share)
    };
    let name = model.name();
    let shown = Arc::new(Shown::new(name));
    let progress = shown.clone();
    let began = Instant::now();
    let report = rebuild(
        database,
        model,
        config,
        Arc::new(move |at| progress.show(at)),
        stop,
    )
    .await;
    shown.bar.finish_and_clear();
    printing::text(describe(
        name,
        &report?,
        shown.applied_here(),
        began.elapsed(),
    ));
    Ok(())
}

/// The progress: a bar, or a line for each phase where there is no terminal to draw on.
struct Shown {
    name: &'static str,
    bar: ProgressBar,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Option<RebuildPhase>,
    first: Option<u64>,
    last: u64,
}

impl Shown {
    fn new(name: &'static str) -> Self {
        let template = "{msg} {bar:30} {human_pos}/{human_len} events ({per_sec}, {eta} left)";
        let bar = printing::progress_bar(template, 0);
        Self {
            name,
            bar,
            state: Mutex::default(),
        }
    }

    fn show(&self, at: RebuildProgress) {
        let mut state = self.state.lock();
        self.bar.set_length(at.total);
        if state.first.is_none() {
            state.first = Some(at.done);
            self.bar.set_position(at.done);
            self.bar.reset_eta();
        }
        self.bar.set_position(at.done);
        state.last = at.done;
        if state.phase != Some(at.phase) {
            state.phase = Some(at.phase);
            let what = phase_text(at.phase);
            self.bar.set_message(format!("{}: {what}", self.name));
            if self.bar.is_hidden() {
                let (done, total) = (HumanCount(at.done), HumanCount(at.total));
                crate::say!("{}: {what} ({done} of {total} events)", self.name);
            }
        }
    }

    /// Returns the number of events that this process has applied.
    fn applied_here(&self) -> u64 {
        let state = self.state.lock();
        state.last.saturating_sub(state.first.unwrap_or(0))
    }
}

fn phase_text(phase: RebuildPhase) -> &'static str {
    match phase {
        RebuildPhase::Requested => "waiting",
        RebuildPhase::Building => "building beside the live model",
        RebuildPhase::Indexing => "building indexes",
        RebuildPhase::Following => "following what came since",
        RebuildPhase::Comparing => "comparing old and new",
        RebuildPhase::Swapping => "taking the live model's place",
        RebuildPhase::Done => "in place",
    }
}

fn describe(name: &str, report: &RebuildReport, applied: u64, took: Duration) -> String {
    let mut text = format!(
        "{name} is rebuilt: {} events, of which {} in {:.1} s here ({} events/s)\n",
        HumanCount(report.events),
        HumanCount(applied),
        took.as_secs_f64(),
        HumanCount((applied as f64 / took.as_secs_f64().max(0.001)) as u64)
    );
    let rows: u64 = report
        .differences
        .iter()
        .map(events::Differences::rows)
        .sum();
    if rows == 0 && report.streams_not_compared == 0 {
        text.push_str("the old model and the new one are equal, row by row\n");
    }
    for table in report.differences.iter().filter(|table| table.rows() > 0) {
        let _ = writeln!(
            text,
            "{}: {} rows were only in the old one, {} are only in the new one, {} have other values; for example",
            table.table, table.only_old, table.only_new, table.changed
        );
        for example in &table.examples {
            let _ = writeln!(text, "  {example}");
        }
    }
    if report.streams_not_compared > 0 {
        let _ = writeln!(
            text,
            "the old model had not come to the last events of {} streams or more, which could not be compared",
            HumanCount(report.streams_not_compared)
        );
    }
    text
}

/// Carries out the requests made through the API, one model after the other, until `stop` turns true.
pub(crate) async fn serve_requests(log: EventLog, mut stop: watch::Receiver<bool>) {
    let database = log.database();
    let mut looks = Looks::new(&log);
    while !*stop.borrow_and_update() {
        looks.look(LOOK_INTERVAL);
        let mut again_at = None;
        match requested_rebuilds(database).await {
            Ok(names) => {
                for model in names.iter().filter_map(|name| find_model(name)) {
                    rebuild_requested(database, model, stop.clone()).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "requests for rebuilds could not be read");
                again_at = Some(tokio::time::Instant::now() + LOOK_INTERVAL);
            }
        }
        tokio::select! {
            () = looks.wait(again_at) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn rebuild_requested(
    database: &Database,
    model: Arc<dyn ReadModel>,
    stop: watch::Receiver<bool>,
) {
    let name = model.name();
    tracing::info!(model = name, "rebuilding a read model");
    let progress = Arc::new(|_| {});
    let config = config(database, None, Some(REQUESTED_SHARE));
    match rebuild(database, model, config, progress, stop.clone()).await {
        Ok(report) => {
            let rows: u64 = report
                .differences
                .iter()
                .map(events::Differences::rows)
                .sum();
            tracing::info!(
                model = name,
                events = report.events,
                differences = rows,
                "the read model was rebuilt"
            );
        }
        Err(RebuildError::Running { .. } | RebuildError::Stopped) => {}
        Err(error) => {
            tracing::error!(model = name, %error, "the read model was not rebuilt; trying again");
            let mut stop = stop;
            let _ = tokio::time::timeout(FAILURE_PAUSE, stop.changed()).await;
        }
    }
}
