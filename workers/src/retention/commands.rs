//! The commands `archive` and `prune`, with a progress bar, or with a line for each step where there is no terminal to draw on.

use std::time::Instant;

use events::{ArchiveConfig, Database, archive, archived_stretch, bring_archive_up_to_date, prune};
use indicatif::{HumanCount, ProgressBar};
use tokio::sync::watch;

use super::{ArchiveSettings, PruneSettings, RetentionError, eraser, prune_config};

fn progress_bar(what: &str) -> ProgressBar {
    let template = format!(
        "{what} {{bar:30}} position {{human_pos}} of {{human_len}} ({{per_sec}}, {{eta}} left)"
    );
    crate::printing::progress_bar(&template, 0)
}

/// Archives for an operator who watches, and reports the result. Also removes from the archive the data that was erased since.
///
/// # Errors
/// When the archive cannot be written, and when the log cannot be read.
pub async fn archive_watched(
    database: &Database,
    settings: &ArchiveSettings,
    stop: watch::Receiver<bool>,
) -> Result<(), RetentionError> {
    let rewritten = bring_archive_up_to_date(database, &eraser(), settings.to.clone()).await?;
    let bar = progress_bar("archiving");
    let shown = bar.clone();
    let config = ArchiveConfig {
        older_than: settings.older_than,
        directory: settings.to.clone(),
    };
    let began = Instant::now();
    let progress = move |at: events::ArchiveProgress| {
        shown.set_length(at.until);
        shown.set_position(at.position);
    };
    let report = archive(database, &config, progress, &stop).await;
    bar.finish_and_clear();
    let report = report?;
    if rewritten > 0 {
        crate::say!("{rewritten} files were written anew without personal data that was erased");
    }
    crate::say!(
        "archived {} events in {} files, in {:.1} s; the archive goes up to position {}",
        HumanCount(report.events),
        report.files,
        began.elapsed().as_secs_f64(),
        report.position
    );
    Ok(())
}

/// Prunes for an operator who watches, and reports the result.
///
/// # Errors
/// When the archive is damaged, and when the log cannot be pruned.
pub async fn prune_watched(
    database: &Database,
    settings: &PruneSettings,
    stop: watch::Receiver<bool>,
) -> Result<(), RetentionError> {
    let archived = match &settings.archived_in {
        Some(directory) => Some(archived_stretch(database, directory.clone()).await?),
        None => None,
    };
    let bar = progress_bar("pruning");
    let shown = bar.clone();
    let progress = move |at: events::PruneProgress| {
        shown.set_length(at.until);
        shown.set_position(at.position);
    };
    let began = Instant::now();
    let config = prune_config(settings.older_than, archived);
    let report = prune(database, &config, progress, &stop).await;
    bar.finish_and_clear();
    let report = report?;
    crate::say!(
        "pruned {} positions, of which {} events were removed, in {:.1} s; the log begins behind position {}: {}",
        HumanCount(report.positions),
        HumanCount(report.removed),
        began.elapsed().as_secs_f64(),
        report.position,
        report.held_by
    );
    if report.compacted > 0 {
        crate::say!(
            "removed {} events of deleted posts, of which only the deletion is left",
            HumanCount(report.compacted)
        );
    }
    Ok(())
}
