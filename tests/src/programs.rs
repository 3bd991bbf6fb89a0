//! Finds the programs that the tests need, and says what to install when one is missing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use parking_lot::RwLock;

/// What `millrace` returns instead of this tree's program.
static OTHER: RwLock<Option<PathBuf>> = RwLock::new(None);

const INSTALL: &str = "on Debian or Ubuntu: apt-get install postgresql redis-server chromium";

/// The directory of Postgres's own programs, version 15 or newer: PG_BIN, what pg_config tells, or the newest of Debian's.
pub static POSTGRES_BIN: LazyLock<PathBuf> = LazyLock::new(|| {
    let configured = std::env::var_os("PG_BIN").map(PathBuf::from);
    let told = output("pg_config", &["--bindir"]).map(|line| PathBuf::from(line.trim()));
    let mut packaged: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    packaged.sort();
    configured
        .into_iter()
        .chain(packaged.into_iter().rev().map(|(_, path)| path))
        .chain(told)
        .find(|bin| postgres_version(bin).is_some_and(|version| version >= 15))
        .unwrap_or_else(|| panic!("no Postgres 15 or newer (looked at PG_BIN, /usr/lib/postgresql and pg_config); {INSTALL}"))
});

pub static REDIS_SERVER: LazyLock<PathBuf> = LazyLock::new(|| {
    require(
        "redis-server or valkey-server",
        &["redis-server", "valkey-server"],
    )
});

pub static CHROMIUM: LazyLock<PathBuf> = LazyLock::new(|| {
    require(
        "Chromium or Chrome",
        &["chromium", "chromium-browser", "google-chrome"],
    )
});

pub static NODE: LazyLock<PathBuf> = LazyLock::new(|| {
    let node = require("Node.js 20.19 or newer", &["node"]);
    let version = output(&node, &["--version"]).unwrap_or_default();
    let mut numbers = version.trim().trim_start_matches('v').split('.');
    let mut next = || numbers.next().and_then(|number| number.parse().ok());
    let is_new: bool = next().zip(next()) >= Some((20_u32, 19_u32));
    assert!(
        is_new,
        "Node.js 20.19 or newer is needed, {} is {version}",
        node.display()
    );
    node
});

/// Returns a program that checks files of `deploy/`, of a package of Debian's.
pub fn checker(name: &str, package: &str) -> PathBuf {
    in_path(name).unwrap_or_else(|| {
        panic!("{name} is not in PATH; on Debian or Ubuntu: apt-get install {package}")
    })
}

/// Returns a binary of this workspace, built beside the running test or benchmark.
pub fn product(name: &str) -> PathBuf {
    let running = std::env::current_exe().expect("the path of this program");
    let mut directory = running.parent().expect("a directory");
    if directory.ends_with("deps") {
        directory = directory.parent().expect("a directory");
    }
    let path = directory.join(name);
    assert!(
        path.exists(),
        "{} is missing: build it with `cargo build --workspace --bins` (and --release for the benchmark)",
        path.display()
    );
    path
}

/// Returns the program that processes run which are started now.
pub fn millrace() -> PathBuf {
    OTHER.read().clone().unwrap_or_else(|| product("millrace"))
}

/// Lets them run another program, such as that of an earlier version; or this tree's again.
pub fn use_millrace(other: Option<&Path>) {
    *OTHER.write() = other.map(Path::to_owned);
}

/// Returns the root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the repository")
}

fn require(what: &str, names: &[&str]) -> PathBuf {
    names
        .iter()
        .find_map(|name| in_path(name))
        .unwrap_or_else(|| panic!("{what} is not in PATH; {INSTALL} nodejs npm"))
}

fn in_path(name: &str) -> Option<PathBuf> {
    // Servers of Debian's are where only root looks.
    std::env::split_paths(&std::env::var_os("PATH")?)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

fn postgres_version(bin: &Path) -> Option<u32> {
    let said = output(bin.join("postgres"), &["--version"])?;
    said.split_whitespace()
        .find_map(|word| word.split('.').next()?.parse().ok())
}

fn output(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
