//! The package `@millrace/client`: its own tests, what it packs, and its programs in `web/client/e2e`, each against a real gateway through a
//! proxy that cuts lines. A program asks for what only this test can do to the gateway by printing `please …`. What depends on how events
//! are stored and travel runs both ways; what is the client's own, or of HTTP and tokens, runs embedded.

use std::path::PathBuf;
use std::process::Command;

use tests::driving;
use tests::programs::{CHROMIUM, repository};
use tests::{Running, Setup};

fn package() -> PathBuf {
    let package = repository().join("web/client");
    assert!(
        package.join("dist/index.js").exists(),
        "run `make web` first"
    );
    package
}

async fn run(setup: Setup, program: &'static str) {
    let Running { gateways, workers } = setup.start();
    let (folder, admin) = (package().join("e2e"), setup.admin().clone());
    driving::run(folder, program, gateways, admin).await;
    drop(workers);
}

/// Runs a command of npm in the package, and returns what it printed.
fn npm(arguments: &[&str]) -> String {
    let output = Command::new("npm")
        .args(arguments)
        .current_dir(package())
        .output()
        .expect("npm starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "npm {arguments:?} failed\n{printed}\n{said}"
    );
    printed
}

#[test]
fn its_unit_tests_pass() {
    println!("{}", npm(&["test"]));
}

/// Packs what users get: every entry point with its types, and no tests.
#[test]
fn it_packs_every_entry_point() {
    let packed = npm(&["pack", "--dry-run", "--json", "--ignore-scripts"]);
    let paths: serde_json::Value = serde_json::from_str(&packed).expect("JSON");
    let text = paths.to_string();
    let manifest = std::fs::read_to_string(package().join("package.json")).expect("its manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let exports = manifest["exports"].as_object().expect("entry points");
    let files = exports
        .values()
        .filter_map(|it| it.as_object())
        .flat_map(|it| it.values());
    let mut entries = 0;
    for file in files.filter_map(|file| file.as_str()) {
        let file = file.trim_start_matches("./");
        assert!(text.contains(&format!("\"{file}\"")), "{file} is missing");
        entries += 1;
    }
    assert!(entries >= 12, "only {entries} files of entry points");
    assert!(text.contains("README.md") && text.contains("documents.json"));
    assert!(!text.contains("e2e") && !text.contains(".test."));
}

async fn resuming(setup: Setup) {
    run(setup, "resuming.mjs").await;
}

async fn restarts(setup: Setup) {
    run(setup, "restarts.mjs").await;
}

async fn live(setup: Setup) {
    let schema = std::fs::read_to_string(repository().join("schema/schema.graphql"));
    if schema.expect("the schema").contains("directive @live(") {
        run(setup, "live.mjs").await;
    }
}

async fn silence(setup: Setup) {
    run(setup, "silence.mjs").await;
}

async fn sessions(mut setup: Setup) {
    setup.settings.set("MILLRACE_ACCESS_TOKEN_LIFETIME", "4s");
    run(setup, "sessions.mjs").await;
}

async fn browser(mut setup: Setup) {
    assert!(CHROMIUM.exists());
    setup.settings.set("MILLRACE_ACCESS_TOKEN_LIFETIME", "4s");
    run(setup, "browser.mjs").await;
}

async fn adapters(setup: Setup) {
    run(setup, "adapters.mjs").await;
}

async fn readme(setup: Setup) {
    run(setup, "readme.mjs").await;
}

async fn lines(setup: Setup) {
    run(setup, "lines.mjs").await;
}

async fn offline(setup: Setup) {
    run(setup, "offline.mjs").await;
}

async fn documents(mut setup: Setup) {
    let file = package().join("documents.json").display().to_string();
    for (name, value) in [
        ("MILLRACE_TRUSTED_DOCUMENTS", file.as_str()),
        ("MILLRACE_TRUSTED_DOCUMENTS_ONLY", "true"),
        ("MILLRACE_ACCESS_TOKEN_LIFETIME", "4s"),
    ] {
        setup.settings.set(name, value);
    }
    run(setup, "documents.mjs").await;
}

tests::both_ways!(live, restarts);
tests::both_ways!(alone: resuming);
tests::embedded!(
    adapters, documents, lines, offline, readme, sessions, silence
);
tests::embedded!(browser: browser);
