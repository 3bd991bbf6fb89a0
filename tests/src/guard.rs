//! Makes sure that nothing outlives a test run: a shell keeps the list of all child processes and ends them when the pipe from
//! this process closes, however this process ended. Destructors of statics never run, and parent-death signals follow threads
//! and not processes, so neither would do.

use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;

use parking_lot::Mutex;

/// Reads `SIGNAL PID` to watch a process, and `GONE PID` to forget it; removes the directory `$1` at the end.
const SCRIPT: &str = r#"
list=
while read -r verb pid; do
  if [ "$verb" = GONE ]; then
    kept=
    for entry in $list; do [ "${entry#*:}" = "$pid" ] || kept="$kept $entry"; done
    list=$kept
  else
    list="$list $verb:$pid"
  fi
done
for entry in $list; do
  kill -"${entry%%:*}" "${entry#*:}" && kill -CONT "${entry#*:}"
done
for turn in 1 2 3 4 5 6 7 8 9 10; do
  alive=
  for entry in $list; do kill -0 "${entry#*:}" && alive=yes; done
  [ -z "$alive" ] && break
  sleep 0.2
done
for entry in $list; do kill -KILL "${entry#*:}"; done
[ -n "$KEEP_TEST_DIR" ] || rm -rf "$1"
"#;

struct Guard {
    pipe: Mutex<ChildStdin>,
    directory: PathBuf,
    _shell: Child,
}

static GUARD: LazyLock<Guard> = LazyLock::new(|| {
    // Postgres, which does not run as root, must be able to enter the directory.
    let name = format!("millrace-test-{}", uuid::Uuid::now_v7());
    let directory = parent_directory().join(name);
    std::fs::DirBuilder::new()
        .mode(0o755)
        .create(&directory)
        .expect("a temporary directory");
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT, "guard"])
        .arg(&directory)
        // The shell is outside of the terminal's process group, so that Ctrl-C does not end it first.
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts");
    let pipe = Mutex::new(shell.stdin.take().expect("a pipe to the guard"));
    Guard {
        pipe,
        directory,
        _shell: shell,
    }
});

/// Returns a directory in memory if there is room, so that no test waits for the disk: tests kill processes, but no machine
/// loses its power.
fn parent_directory() -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    const ROOM_KIB: u64 = 4 << 20;
    let told = Command::new("df").args(["-Pk", MEMORY]).output();
    let told = told.map_or_else(
        |_| String::new(),
        |told| String::from_utf8_lossy(&told.stdout).into_owned(),
    );
    let room = told
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    match room {
        Some(room) if room >= ROOM_KIB => MEMORY.into(),
        _ => std::env::temp_dir(),
    }
}

/// Returns the directory of this run, readable by other users; it is removed when the run ends unless KEEP_TEST_DIR is set.
pub fn directory() -> &'static Path {
    &GUARD.directory
}

/// Creates a directory in the run's directory.
pub fn new_directory(name: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let path = directory().join(format!("{name}-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    std::fs::create_dir(&path).expect("a new directory");
    path
}

/// Has the process ended with the signal when this run ends.
pub(crate) fn watch(signal: &str, pid: u32) {
    tell(signal, pid);
}

/// Forgets a process that was reaped: its id may soon be reused.
pub(crate) fn forget(pid: u32) {
    tell("GONE", pid);
}

fn tell(verb: &str, pid: u32) {
    let mut pipe = GUARD.pipe.lock();
    writeln!(pipe, "{verb} {pid}").expect("the guard reads");
}
