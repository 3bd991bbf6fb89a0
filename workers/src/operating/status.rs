//! `status`: shows followers, handlers, breakers, replicas and the largest tables, or all of it as one JSON document.

use entities::{access::Viewer, operations::Operations};
use events::{BreakerState, EventLog, HostFacts, Lag, TableSize, WorkersStatus};
use serde_json::{Value, json};

use super::{ACTOR, OperatingError, table};

/// So many of the largest tables are shown; the rest is small.
const TABLES: usize = 10;

pub(super) async fn run(
    log: &EventLog,
    operations: &Operations,
    is_json: bool,
) -> Result<(), OperatingError> {
    let tables = log.table_sizes().await;
    let beginning = log.beginning().await;
    let replicas = log.database().examine_replicas().await;
    let status = operations.read_status(&Viewer::Process(ACTOR)).await?;
    if is_json {
        let mut shown = into_json(operations, &status);
        let of_table =
            |it: &TableSize| json!({ "name": it.name, "rows": it.rows, "bytes": it.bytes });
        shown["tables"] = tables.iter().map(of_table).collect();
        shown["prunedPosition"] = json!(beginning.map(|it| it.pruned));
        shown["compactedPosition"] = json!(beginning.map(|it| it.compacted));
        shown["compactedEvents"] = json!(beginning.map(|it| it.compacted_events));
        let of_replica =
            |it: &HostFacts| json!({ "name": it.name, "says": it.says, "isWell": it.is_well });
        shown["replicas"] = replicas.iter().map(of_replica).collect();
        crate::say!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    let pause = |name: &str| {
        let pause = status.pauses.iter().find(|pause| pause.name == name);
        pause.map_or_else(String::new, |pause| {
            let since = pause.paused_at.format("%Y-%m-%d %H:%M:%SZ");
            format!("paused since {since} by {}", pause.actor)
        })
    };
    let followers: Vec<_> = status
        .followers
        .iter()
        .map(|it| {
            let held = it.parts.iter().filter(|part| part.owner.is_some()).count();
            vec![
                it.name.clone(),
                events(it.lag),
                seconds(it.lag),
                it.position.to_string(),
                it.members.len().to_string(),
                format!("{held} of {}", it.parts.len()),
                it.dead_letters.to_string(),
                pause(&it.name),
            ]
        })
        .collect();
    let head = [
        "FOLLOWER",
        "LAG",
        "SECONDS",
        "POSITION",
        "PROCESSES",
        "PARTS HELD",
        "DEAD LETTERS",
        "",
    ];
    table::print(&head, &followers);
    let handlers: Vec<_> = status
        .handlers
        .iter()
        .map(|it| {
            vec![
                it.name.clone(),
                it.waiting.to_string(),
                it.retrying.to_string(),
                it.running.to_string(),
                it.done_last_minute.to_string(),
                seconds(it.lag),
                it.dead.to_string(),
                pause(&it.name),
            ]
        })
        .collect();
    if !handlers.is_empty() {
        let head = [
            "HANDLER",
            "WAITING",
            "RETRYING",
            "RUNNING",
            "DONE LAST MINUTE",
            "SECONDS",
            "DEAD LETTERS",
            "",
        ];
        crate::say!();
        table::print(&head, &handlers);
    }
    let breakers: Vec<_> = status
        .breakers
        .iter()
        .map(|it| {
            vec![
                it.dependency.clone(),
                it.owner.clone(),
                state(it.state).to_owned(),
                it.since.format("%Y-%m-%d %H:%M:%SZ").to_string(),
                it.failures.to_string(),
                table::shortened(it.error.as_deref().unwrap_or_default(), 60),
            ]
        })
        .collect();
    if !breakers.is_empty() {
        let head = [
            "BREAKER",
            "PROCESS",
            "STATE",
            "SINCE",
            "FAILURES",
            "LAST ERROR",
        ];
        crate::say!();
        table::print(&head, &breakers);
    }
    let replicas: Vec<_> = replicas
        .into_iter()
        .map(|it| vec![it.name, it.says])
        .collect();
    if !replicas.is_empty() {
        crate::say!();
        table::print(&["REPLICA", ""], &replicas);
    }
    let sizes: Vec<_> = tables
        .iter()
        .take(TABLES)
        .map(|it| {
            let rows = it
                .rows
                .map_or_else(String::new, |rows| format!("about {rows}"));
            let mebibytes = it.bytes as f64 / f64::from(1 << 20);
            vec![it.name.clone(), rows, format!("{mebibytes:.1}")]
        })
        .collect();
    crate::say!();
    table::print(&["TABLE", "ROWS", "MIB WITH INDEXES"], &sizes);
    if let Some(beginning) = beginning.filter(|beginning| beginning.pruned > 0) {
        crate::say!("\nthe log is pruned up to position {}", beginning.pruned);
        if beginning.compacted_events > 0 {
            crate::say!(
                "{} events of posts that were deleted up to position {} are removed",
                beginning.compacted_events,
                beginning.compacted
            );
        }
    }
    Ok(())
}

fn events(lag: Lag) -> String {
    let about = if lag.is_estimate { "about " } else { "" };
    format!("{about}{}", lag.events)
}

fn seconds(lag: Lag) -> String {
    format!("{:.1}", lag.seconds)
}

fn state(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::Open => "open",
        BreakerState::HalfOpen => "half open",
    }
}

fn into_json(operations: &Operations, status: &WorkersStatus) -> Value {
    let lag = |lag: Lag| json!({ "events": lag.events, "seconds": lag.seconds, "isEstimate": lag.is_estimate });
    let pause = |name: &str| {
        let pause = status.pauses.iter().find(|pause| pause.name == name);
        pause.map(|it| json!({ "pausedAt": it.paused_at, "actor": it.actor }))
    };
    let followers = status.followers.iter().map(|it| {
        let parts = it.parts.iter().map(|part| {
            json!({
                "part": part.part,
                "position": part.position,
                "token": part.token,
                "owner": part.owner,
                "leasedUntil": part.leased_until,
            })
        });
        let members = it.members.iter().map(|member| &member.owner);
        json!({
            "name": it.name,
            "lag": lag(it.lag),
            "position": it.position,
            "members": members.collect::<Vec<_>>(),
            "parts": parts.collect::<Vec<_>>(),
            "deadLetters": it.dead_letters,
            "pause": pause(&it.name),
        })
    });
    let handlers = status.handlers.iter().map(|it| {
        let mut known = operations.known_handlers().iter();
        let known = known.find(|known| known.name == it.name);
        json!({
            "name": it.name,
            "waiting": it.waiting,
            "retrying": it.retrying,
            "running": it.running,
            "doneLastMinute": it.done_last_minute,
            "deadLetters": it.dead,
            "lag": lag(it.lag),
            "concurrency": known.map(|known| known.concurrency),
            "dependency": known.and_then(|known| known.dependency),
            "pause": pause(&it.name),
        })
    });
    let breakers = status.breakers.iter().map(|it| {
        json!({
            "dependency": it.dependency,
            "owner": it.owner,
            "state": state(it.state),
            "since": it.since,
            "failures": it.failures,
            "error": it.error,
        })
    });
    json!({
        "followers": followers.collect::<Vec<_>>(),
        "handlers": handlers.collect::<Vec<_>>(),
        "breakers": breakers.collect::<Vec<_>>(),
    })
}
