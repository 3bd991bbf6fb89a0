//! What the operating system knows of the process: memory, descriptors, threads, processor time. It is read from `/proc`, which answers
//! from memory; where there is none, there are no such figures.

use std::time::{SystemTime, UNIX_EPOCH};

use events::metrics::{Catalog, Labels, labels, name, seconds};

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
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let tasks = name("millrace_tasks", "Tasks that have not ended");
        catalog.read_gauge(tasks, move || {
            one(runtime.metrics().num_alive_tasks() as f64)
        });
    }
    #[cfg(target_os = "linux")]
    linux::enter(catalog);
}

/// Each figure reads what it shows, and no more: a count of descriptors lists all of them.
#[cfg(target_os = "linux")]
mod linux {
    use events::metrics::{Catalog, Labels, bytes, name, seconds};
    use procfs::{
        ProcResult,
        process::{LimitValue, Process, Stat},
    };

    pub(super) fn enter(catalog: &mut Catalog) {
        let help = "Processor time, of the user and the system";
        let processor = seconds("process_cpu", help);
        catalog.read_counter(processor, || {
            let ticks = |stat: &Stat| (stat.utime + stat.stime) as f64;
            of_stat(|stat| ticks(stat) / procfs::ticks_per_second() as f64)
        });
        let resident = bytes("process_resident_memory", "Memory in use");
        catalog.read_gauge(resident, || {
            of_stat(|stat| (stat.rss * procfs::page_size()) as f64)
        });
        let mapped = bytes("process_virtual_memory", "Memory mapped");
        catalog.read_gauge(mapped, || of_stat(|stat| stat.vsize as f64));
        let threads = name("process_threads", "Threads");
        catalog.read_gauge(threads, || of_stat(|stat| stat.num_threads as f64));
        let open = name("process_open_fds", "Open file descriptors");
        catalog.read_gauge(open, || of_process(|it| Ok(it.fd_count()? as f64)));
        let most = name("process_max_fds", "The limit on file descriptors");
        catalog.read_gauge(most, || {
            of_process(|it| {
                Ok(match it.limits()?.max_open_files.soft_limit {
                    LimitValue::Value(most) => most as f64,
                    LimitValue::Unlimited => f64::INFINITY,
                })
            })
        });
    }

    fn of_stat(figure: impl Fn(&Stat) -> f64) -> Vec<(Labels, f64)> {
        of_process(|process| Ok(figure(&process.stat()?)))
    }

    fn of_process(figure: impl Fn(&Process) -> ProcResult<f64>) -> Vec<(Labels, f64)> {
        let read = Process::myself().and_then(|process| figure(&process));
        read.ok()
            .map(|figure| (Labels::new(), figure))
            .into_iter()
            .collect()
    }
}
