//! A soak: the rig's load with visitors, and no faults; what processes, database and Redis hold is sampled, and must stay flat. `make soak`
//! runs it for twenty minutes, and a test for a short while.
//!
//! A series is flat when the median of its last quarter is not above that of its second quarter by more than a tenth and an allowance.
//! The first quarter is left to caches that fill. What the log itself adds is counted per event.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Rig;
use super::visitors::Visitors;
use crate::admin::Admin;

/// A soak to run.
pub struct Soak {
    pub seed: u64,
    pub duration: Duration,
    /// The time between two samples.
    pub interval: Duration,
}

/// What a soak showed.
pub struct Soaked {
    series: BTreeMap<String, Vec<f64>>,
    /// What was lost, doubled or reordered, and which processes had ended.
    problems: Vec<String>,
    pub visits: u64,
    pub events: u64,
}

/// Growth that means nothing, by the end of a series' name.
const ALLOWANCES: [(&str, f64); 8] = [
    // Megabytes of a debug build; the allocator returns memory late.
    ("megabytes", 12.0),
    ("descriptors", 16.0),
    ("threads", 4.0),
    ("tasks", 60.0),
    ("sockets", 20.0),
    ("subscriptions", 60.0),
    ("connections", 8.0),
    ("", 0.5),
];

/// The tables whose rows are not of what was written. `follower_attempt` is not among them: on a machine where workers are late it comes to
/// have a row for each part, and no more.
const BOUNDED: [&str; 8] = [
    "checkpoint",
    "follower_member",
    "worker_breaker",
    "presence_gateway",
    "presence_socket",
    "dead_letter",
    "schema_compatibility",
    "compaction",
];

impl Soak {
    /// Runs it, and reports each sample.
    pub async fn run(&self, tell: impl Fn(String)) -> Soaked {
        let mut rig = Rig::start_with(self.seed, &[("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0")]).await;
        let gateways = rig.gateways.iter_mut().map(|it| &mut it.process);
        let admins: Vec<Admin> = gateways.chain(&mut rig.workers).map(Admin::of).collect();
        let visitors = Visitors::start(&rig.load.admins, self.seed);
        let (began, mut series) = (Instant::now(), BTreeMap::<String, Vec<f64>>::new());
        let mut problems = Vec::new();
        while began.elapsed() < self.duration {
            tokio::time::sleep(self.interval).await;
            match sample(&mut rig, &admins).await {
                Ok(sample) => {
                    let shown = sample
                        .iter()
                        .map(|(name, value)| format!("{name} {value:.1}"));
                    let shown: Vec<_> = shown.collect();
                    tell(format!(
                        "{:>5.0} s  {}",
                        began.elapsed().as_secs_f64(),
                        shown.join(", ")
                    ));
                    for (name, value) in sample {
                        series.entry(name).or_default().push(value);
                    }
                }
                Err(problem) => problems.push(problem),
            }
        }
        let visits = visitors.stop().await;
        rig.load.stop().await;
        problems.extend(rig.account().await.lines());
        problems.extend(rig.restore());
        Soaked {
            series,
            problems,
            visits,
            events: rig.load.log.end(),
        }
    }
}

async fn sample(rig: &mut Rig, admins: &[Admin]) -> Result<BTreeMap<String, f64>, String> {
    let mut sample = BTreeMap::new();
    let gateways = rig.gateways.iter().map(|it| &it.process);
    let processes: Vec<_> = gateways.chain(&rig.workers).collect();
    for (number, (process, admin)) in processes.iter().zip(admins).enumerate() {
        let name = match number < rig.gateways.len() {
            true => format!("gateway {number}"),
            false => format!("worker {}", number - rig.gateways.len()),
        };
        let scrape = admin.scrape().await;
        let megabytes = process.resident_bytes() as f64 / f64::from(1 << 20);
        sample.insert(format!("{name} megabytes"), megabytes);
        let of_all = [
            ("descriptors", "process_open_fds"),
            ("threads", "process_threads"),
            ("tasks", "millrace_tasks"),
        ];
        let of_gateways = [
            ("sockets", "millrace_sockets"),
            ("subscriptions", "millrace_subscriptions"),
        ];
        let is_gateway = number < rig.gateways.len();
        let metrics = of_all
            .iter()
            .chain(of_gateways.iter().filter(|_| is_gateway));
        for (what, metric) in metrics {
            // One that is not there would be flat.
            if !scrape.types.contains_key(*metric) {
                return Err(format!("{name} has no {metric}"));
            }
            sample.insert(format!("{name} {what}"), scrape.sum(metric, &[]));
        }
    }
    let connections =
        "select count(*) as number from pg_stat_activity where datname = current_database()";
    let connections = rig.sight.number(connections).await?;
    sample.insert("connections".to_owned(), connections as f64);
    let counts = BOUNDED.map(|table| format!("(select count(*) from {table})"));
    let rows = format!("select {} as number", counts.join(" + "));
    sample.insert(
        "bounded rows".to_owned(),
        rig.sight.number(&rows).await? as f64,
    );
    let per_event = "select coalesce(sum(n_live_tup), 0)::bigint * 1000 / greatest((select max(position) from event_position), 1)::bigint \
        as number from pg_stat_user_tables";
    let per_event = rig.sight.number(per_event).await? as f64 / 1000.0;
    sample.insert("rows per event".to_owned(), per_event);
    let script = "local n = 0 for _, key in ipairs(redis.call('keys', '*')) do \
        if redis.call('type', key).ok == 'stream' then n = n + redis.call('xlen', key) end end return n";
    let entries = tokio::task::block_in_place(|| rig.redis.run_script(script, &[]));
    // Streams keep the last ten thousand events.
    sample.insert(
        "stream entries above what is kept".to_owned(),
        entries.saturating_sub(12_000) as f64,
    );
    Ok(sample)
}

impl Soaked {
    /// Returns a table of the series, as Markdown: the medians of the second and the last quarter.
    pub fn text(&self) -> String {
        let rows = self.series.iter().map(|(name, values)| {
            let [second, last] = quarters(values);
            format!("| {name} | {second:.1} | {last:.1} |\n")
        });
        format!(
            "| | second quarter | last quarter |\n| --- | ---: | ---: |\n{}",
            rows.collect::<String>()
        )
    }

    /// Returns what is wrong, one line each.
    pub fn problems(&self) -> Vec<String> {
        let grown = self.series.iter().filter_map(|(name, values)| {
            let [second, last] = quarters(values);
            let allowance = ALLOWANCES.iter().find(|(end, _)| name.ends_with(end));
            let allowance = allowance.map_or(0.0, |it| it.1);
            (last > second * 1.1 + allowance)
                .then(|| format!("{name} grew from {second:.1} to {last:.1}"))
        });
        self.problems.iter().cloned().chain(grown).collect()
    }
}

/// Returns the medians of the second and the last quarter.
fn quarters(values: &[f64]) -> [f64; 2] {
    let length = values.len() / 4;
    let median = |quarter: &[f64]| {
        let mut sorted = quarter.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    };
    [
        median(&values[length..2 * length]),
        median(&values[values.len() - length..]),
    ]
}
