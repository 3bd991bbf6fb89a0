//! The shape of the code is a test: who may use whom, how files begin, how long they may be, and what they are not called.
//! Each list of exceptions fails when an entry no longer offends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::programs::repository;

/// The crates, and which of each other they may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("events", &[]),
    ("entities", &["events"]),
    ("migration", &[]),
    ("schema", &["entities", "events"]),
    ("workers", &["entities", "events", "migration"]),
    (
        "gateway",
        &["entities", "events", "migration", "schema", "workers"],
    ),
    (
        "tests",
        &[
            "entities",
            "events",
            "migration",
            "schema",
            "workers",
            "gateway",
        ],
    ),
    ("consumer", &[]),
];

/// The folders of crates that are not called as the crate is.
const ELSEWHERE: &[(&str, &str)] = &[("consumer", "examples/consumer")];

/// Libraries that a crate must not see: the log and the domains know no GraphQL and no transport, and resolvers reach tables
/// only through commands and queries.
const OUT_OF_SIGHT: &[(&str, &[&str])] = &[
    ("events", &["async-graphql", "axum", "clap"]),
    ("entities", &["async-graphql", "axum", "clap", "redis"]),
    ("migration", &["async-graphql", "axum", "redis"]),
    ("schema", &["axum", "sea-orm", "sqlx", "redis"]),
    ("workers", &["async-graphql", "axum"]),
];

const MOST_LINES: usize = 400;
const MOST_HEAD_LINES: usize = 6;
const MOST_ARGUMENT_LINES: usize = 24;
const NAMES_OF_NOTHING: &[&str] = &[
    "utils", "util", "helpers", "helper", "common", "misc", "manager",
];

/// Where what followers write is read.
const READ_MODELS: &[&str] = &["entities/src/posts", "entities/src/counting.rs"];

const TOO_LONG: &[&str] = &[];
const WITHOUT_HEAD: &[&str] = &[];

/// What cargo prints.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(arguments)
        .args(["--offline"])
        .current_dir(repository())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo prints text")
}

fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let printed = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&printed).expect("cargo prints JSON");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let used = dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(name);
            (name(package), used.collect())
        })
        .collect()
}

#[test]
fn crates_use_only_those_below() {
    let packages = packages();
    let listed: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let present: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    assert_eq!(
        present, listed,
        "the crates of the workspace, and those that have arrows"
    );
    for (name, allowed) in ARROWS {
        let used = &packages[*name];
        let wrong: Vec<_> = used
            .iter()
            .filter(|used| present.contains(used.as_str()) && !allowed.contains(&used.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{name} must not use {wrong:?}");
        if *name != "tests" {
            assert!(!used.contains("tests"), "{name} must not use the tests");
        }
    }
    for (name, hidden) in OUT_OF_SIGHT {
        let seen: Vec<_> = hidden
            .iter()
            .filter(|library| packages[*name].contains(**library))
            .collect();
        assert!(seen.is_empty(), "{name} must not see {seen:?}");
    }
}

/// Each package with the features that it is compiled with.
fn features(selection: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--prefix", "none", "--format", "{p} {f}"];
    let printed = cargo(&[&tree[..], selection].concat());
    let packages = printed.lines().map(|line| line.trim_end_matches(" (*)"));
    packages.map(str::to_owned).collect()
}

/// Or whoever runs the product and then its tests compiles hundreds of packages twice.
#[test]
fn the_tests_choose_no_other_features_than_the_product() {
    let of_tests = features(&["--workspace", "--edges", "normal,build,dev"]);
    let of_product = features(&["-p", "gateway", "--edges", "normal,build"]);
    let compiled_twice: Vec<_> = of_product.difference(&of_tests).collect();
    assert!(compiled_twice.is_empty(), "{compiled_twice:?}");
}

/// A head says what the file is. Behind an empty line there may be an argument: why what it does is right.
#[test]
fn files_begin_with_what_they_are() {
    let wrong = |path: &Path, text: &str| {
        let is_text = |line: &&str| !line.trim_start_matches("//!").trim().is_empty();
        let lines = || text.lines().take_while(|line| line.starts_with("//!"));
        let head = lines().take_while(is_text).count();
        let argument = lines().count() - head;
        let mut behind = text
            .lines()
            .skip(head + argument)
            .skip_while(|line| line.is_empty());
        let path = path.display();
        if head == 0 || head > MOST_HEAD_LINES {
            Some(format!(
                "{path}: {head} lines of //!, not 1 to {MOST_HEAD_LINES}"
            ))
        } else if argument > MOST_ARGUMENT_LINES {
            Some(format!(
                "{path}: {argument} lines of argument, more than {MOST_ARGUMENT_LINES}"
            ))
        } else {
            let is_outside = behind.next().is_some_and(|line| line.starts_with("// "));
            is_outside.then(|| format!("{path}: what belongs to the head is not in it"))
        }
    };
    check_files(WITHOUT_HEAD, wrong);
}

#[test]
fn files_are_short() {
    let wrong = |path: &Path, text: &str| {
        let lines = text.lines().count();
        (lines > MOST_LINES)
            .then(|| format!("{}: {lines} lines, more than {MOST_LINES}", path.display()))
    };
    check_files(TOO_LONG, wrong);
}

/// `x.rs` beside `x/`, so that a name in an editor says which file it is.
#[test]
fn modules_are_beside_their_folders() {
    let wrong = |path: &Path, _: &str| {
        let is_wrong = path.ends_with("mod.rs");
        is_wrong.then(|| format!("{}: the module is a file beside its folder", path.display()))
    };
    check_files(&[], wrong);
}

#[test]
fn names_say_something() {
    let wrong = |path: &Path, _: &str| {
        let stem = path.file_stem()?.to_str()?;
        let folder = path.parent()?.file_name()?.to_str()?;
        let is_wrong = NAMES_OF_NOTHING.contains(&stem) || NAMES_OF_NOTHING.contains(&folder);
        is_wrong.then(|| format!("{}: the name says nothing", path.display()))
    };
    check_files(&[], wrong);
}

/// What is read of read models past `EventLog::read_model` would not be noted in the cursor of the answer that shows it.
#[test]
fn read_models_are_read_as_of_a_position() {
    let wrong = |path: &Path, text: &str| {
        let place = path.to_string_lossy();
        let is_read_model = READ_MODELS.iter().any(|it| place.contains(it));
        (is_read_model && text.contains("database().reader"))
            .then(|| format!("{place}: it reads a read model past `read_model`"))
    };
    check_files(&[], wrong);
}

/// Fails for each file that offends and is no exception, and for each exception that does not offend.
fn check_files(exceptions: &[&str], wrong: impl Fn(&Path, &str) -> Option<String>) {
    let files = rust_files();
    assert!(files.len() > 50, "only {} files were found", files.len());
    let mut problems = Vec::new();
    let mut excused = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(repository().join(&file)).expect("a text file");
        let Some(problem) = wrong(&file, &text) else {
            continue;
        };
        match exceptions
            .iter()
            .find(|exception| Path::new(exception) == file)
        {
            Some(exception) => drop(excused.insert(*exception)),
            None => problems.push(problem),
        }
    }
    let idle = exceptions
        .iter()
        .filter(|exception| !excused.contains(**exception));
    problems
        .extend(idle.map(|exception| format!("{exception} is listed as an exception and is none")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every Rust file of the crates, relative to the repository.
pub(crate) fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let folder = |name: &'static str| {
        let elsewhere = ELSEWHERE.iter().find(|(crate_name, _)| *crate_name == name);
        repository().join(elsewhere.map_or(name, |(_, folder)| *folder))
    };
    let mut folders: Vec<PathBuf> = ARROWS.iter().map(|(name, _)| folder(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .expect("a folder of a crate")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(
                    path.strip_prefix(repository())
                        .expect("below the repository")
                        .to_owned(),
                );
            }
        }
    }
    found
}
