//! What the operating system knows of the process: memory, descriptors, threads, processor time. It is read from `/proc`, which answers
//! from memory; where there is none, there are no such figures.

use std::time::{SystemTime, UNIX_EPOCH};

use events::metrics::{Catalog, Labels, bytes, labels, name, seconds};

/// Enters what is known of the process in the catalog.
pub(crate) fn enter_process(catalog: &mut Catalog, database: &'static str) {
    let one = |value: f64| vec![(Labels::new(), value)];
    let help = "Always 1; which version this is, and on which database";
    let build = name("millrace_build_info", help);
    catalog.read_gauge(build, move || {
        let version = env!("CARGO_PKG_VERSION");
        let labels = labels([("version", version), ("database", database)]);
        vec![(labels, 1.0)]
    });
    let started = SystemTime::now().duration_since(UNIX_EPOCH);
    let started = started.unwrap_or_default().as_secs_f64();
    let help = "Start of the process since the Unix epoch";
    let start = seconds("process_start_time", help);
    catalog.read_gauge(start, move || one(started));
    let help = "Processor time, of the user and the system";
    let processor = seconds("process_cpu", help);
    catalog.read_counter(processor, || of_process(|it| it.processor_seconds));
    let help = "Memory in use";
    let resident = bytes("process_resident_memory", help);
    catalog.read_gauge(resident, || of_process(|it| it.resident_bytes));
    let help = "Memory mapped";
    let mapped = bytes("process_virtual_memory", help);
    catalog.read_gauge(mapped, || of_process(|it| it.virtual_bytes));
    let help = "Open file descriptors";
    let open = name("process_open_fds", help);
    catalog.read_gauge(open, || of_process(|it| it.open_descriptors));
    let help = "The limit on file descriptors";
    let most = name("process_max_fds", help);
    catalog.read_gauge(most, || of_process(|it| it.most_descriptors));
    let help = "Threads";
    let threads = name("process_threads", help);
    catalog.read_gauge(threads, || of_process(|it| it.threads));
}

struct Figures {
    processor_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    open_descriptors: f64,
    most_descriptors: f64,
    threads: f64,
}

fn of_process(figure: impl Fn(&Figures) -> f64) -> Vec<(Labels, f64)> {
    let figures = read().iter().map(figure).collect::<Vec<_>>();
    figures
        .into_iter()
        .map(|figure| (Labels::new(), figure))
        .collect()
}

#[cfg(target_os = "linux")]
fn read() -> Option<Figures> {
    use procfs::process::{LimitValue, Process};

    let process = Process::myself().ok()?;
    let stat = process.stat().ok()?;
    let most = match process.limits().ok()?.max_open_files.soft_limit {
        LimitValue::Value(most) => most as f64,
        LimitValue::Unlimited => f64::INFINITY,
    };
    let ticks = (stat.utime + stat.stime) as f64;
    Some(Figures {
        processor_seconds: ticks / procfs::ticks_per_second() as f64,
        resident_bytes: (stat.rss * procfs::page_size()) as f64,
        virtual_bytes: stat.vsize as f64,
        open_descriptors: process.fd_count().ok()? as f64,
        most_descriptors: most,
        threads: stat.num_threads as f64,
    })
}

#[cfg(not(target_os = "linux"))]
fn read() -> Option<Figures> {
    None
}
