//! The time of each test, for work on the suite's speed: one line for each test in the file that TEST_TIMES names. The
//! processor time is that of the processes that the test started and dropped. `setup::run` and `Process` report it.

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

/// The unit of /proc, whatever the kernel's own ticks are.
const CLOCK_TICKS_PER_SECOND: f64 = 100.0;

thread_local! {
    /// A test's future runs in the thread that the harness gave it, and drops its processes there.
    static CLOCK_TICKS: Cell<u64> = const { Cell::new(0) };
}

pub(crate) struct Times {
    began: Instant,
    waited: Duration,
}

impl Times {
    /// Begins the time of a test, after it has waited for its place.
    pub(crate) fn begin(waited: Duration) -> Self {
        CLOCK_TICKS.set(0);
        Self {
            began: Instant::now(),
            waited,
        }
    }
}

impl Drop for Times {
    fn drop(&mut self) {
        let Some(path) = std::env::var_os("TEST_TIMES") else {
            return;
        };
        let seconds = self.began.elapsed().as_secs_f64();
        let processor = CLOCK_TICKS.get() as f64 / CLOCK_TICKS_PER_SECOND;
        let waited = self.waited.as_secs_f64();
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("main");
        let line = format!("{seconds:.2}\t{processor:.2}\t{waited:.2}\t{name}\n");
        let file = File::options().create(true).append(true).open(path);
        // The line is written at once, as other tests write too.
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}

/// Notes a process of the test that is about to be ended, or has ended and was not yet reaped.
pub(crate) fn note_process(pid: u32) {
    CLOCK_TICKS.set(CLOCK_TICKS.get() + clock_ticks(pid));
}

/// Returns the processor time that a process has used.
pub(crate) fn processor_time(pid: u32) -> Duration {
    Duration::from_secs_f64(clock_ticks(pid) as f64 / CLOCK_TICKS_PER_SECOND)
}

/// Returns the processor time that a process and its children have used, including those that have ended.
pub(crate) fn family_time(pid: u32) -> Duration {
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let pids = children.split_whitespace();
    let living = pids.filter_map(|pid| pid.parse().ok()).map(clock_ticks);
    let ticks = stat_fields(pid, 4) + living.sum::<u64>();
    Duration::from_secs_f64(ticks as f64 / CLOCK_TICKS_PER_SECOND)
}

fn clock_ticks(pid: u32) -> u64 {
    stat_fields(pid, 2)
}

/// Returns the sum of the first of these: a process's own time, outside and inside the kernel, and that of its ended children.
fn stat_fields(pid: u32, count: usize) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // They are the fields from the 12th on after the name, which may contain spaces.
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(count);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum()
}
