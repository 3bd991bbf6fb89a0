//! What was released is a contract: a change that breaks clients needs a version that may break them, and a line in the changelog. The
//! rules are in `tests/js/contract.mjs`. No gateway is needed.

use std::process::Command;

use tests::programs::{NODE, repository};

fn run(program: &str) {
    let directory = repository().join("tests/js");
    assert!(
        directory.join("node_modules").exists(),
        "run `npm ci` in tests/js first"
    );
    let output = Command::new(&*NODE)
        .arg(program)
        .current_dir(directory)
        .output()
        .expect("node starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{printed}{errors}");
    println!("{printed}");
}

#[test]
fn nothing_breaks_what_was_released() {
    run("contract-check.mjs");
}

#[test]
fn breaking_changes_are_found() {
    run("contract-cases.mjs");
}

#[test]
fn the_asyncapi_document_is_one() {
    run("asyncapi.mjs");
}
