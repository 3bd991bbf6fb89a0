//! `millrace import students file.csv`: large files, bad rows, and a repeat after it was killed.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use tests::process::Process;
use tests::waiting::SOON;
use tests::{Setup, eventually, students};

const LARGE: usize = 20_000;

fn write_file(setup: &Setup, name: &str, text: &str) -> PathBuf {
    let path = setup.directory.join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

fn large_file(setup: &Setup) -> PathBuf {
    let mut text = "Email,Name,Student Number,Course,Year,Status\n".to_owned();
    for number in 0..LARGE {
        let year = number % 5 + 1;
        writeln!(
            text,
            "s{number}@example.com,\"Student, {number}\",N-{number},Law,{year},enrolled"
        )
        .expect("text");
    }
    write_file(setup, "students.csv", &text)
}

/// Runs it to its end: whether it was a success, and what it said.
fn import(setup: &Setup, arguments: &[&str]) -> (bool, String, String) {
    let mut command = setup.command(&["import"]);
    let output = command
        .arg("students")
        .args(arguments)
        .output()
        .expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

async fn a_large_file_again_after_it_was_killed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let file = large_file(&setup);
    let file = file.to_str().expect("a path");
    let mut command = setup.command(&["import"]);
    command.args(["students", file]);
    let mut killed = Process::spawn("import", &setup.directory, &mut command, "KILL");
    eventually("some are imported", SOON, async || {
        (students::count(client).await > 0).then_some(())
    })
    .await;
    killed.kill();
    let imported = students::count(client).await as usize;
    assert_eq!(imported % 1_000, 0, "a transaction is done or it is not");
    let started = Instant::now();
    let (is_ok, told, problems) = import(&setup, &[file]);
    assert!(is_ok, "{told}{problems}");
    println!(
        "{told}in {:?} after {imported} were there",
        started.elapsed()
    );
    let rest = LARGE - imported;
    assert!(
        told.contains(&format!(
            "{rest} created, 0 updated, {imported} unchanged, 0 refused"
        )),
        "{told}"
    );
    assert_eq!(students::count(client).await as usize, LARGE);
}

async fn bad_rows_are_told_and_kept(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let text = "name,email,course,year\n\
        Ada,ada@example.com,Law,1\n\
        ,bob@example.com,Law,1\n\
        Cid,cid@example.com,Law,first\n\
        Dan,dan@example.com\n\
        Ada again,ADA@example.com,Law,2\n";
    let file = write_file(&setup, "bad.csv", text);
    let refused = setup.directory.join("refused.csv");
    let arguments = [
        file.to_str().expect("a path"),
        "--refused",
        refused.to_str().expect("a path"),
    ];
    let (is_ok, told, problems) = import(&setup, &arguments);
    assert!(!is_ok, "{told}");
    assert!(
        told.contains("1 created, 0 updated, 0 unchanged, 4 refused"),
        "{told}"
    );
    for expected in [
        "line 3 refused: name must have",
        "line 4 refused: year",
        "line 5 refused: has 2 fields",
        "line 6 refused: email is in an earlier row",
    ] {
        assert!(problems.contains(expected), "{expected}: {problems}");
    }
    let kept = std::fs::read_to_string(&refused).expect("the refused rows");
    assert_eq!(kept.lines().count(), 5, "{kept}");
    assert!(kept.contains("Dan,dan@example.com,5,"), "{kept}");
    assert_eq!(students::count(client).await, 1);

    // The rows put right, as a repeat with updates.
    let text = "email;name;course;year\nada@example.com;Ada;Law;4\nbob@example.com;Bob;Law;1\n";
    let file = write_file(&setup, "good.csv", text);
    let arguments = [
        file.to_str().expect("a path"),
        "--existing",
        "update",
        "--delimiter",
        ";",
    ];
    let (is_ok, told, problems) = import(&setup, &arguments);
    assert!(is_ok, "{problems}");
    assert!(
        told.contains("1 created, 1 updated, 0 unchanged, 0 refused"),
        "{told}"
    );
}

/// What spreadsheets leave behind is not in the way, and tabs separate, too.
async fn spreadsheets_leave_columns_and_rows_empty(setup: Setup) {
    let app = setup.start();
    let text =
        "name,email,course,,\nAda,ada@example.com,Law,,\n,,,,\n,,\nBob,bob@example.com,Law\n";
    let file = write_file(&setup, "excel.csv", text);
    let (is_ok, told, problems) = import(&setup, &[file.to_str().expect("a path")]);
    assert!(is_ok, "{problems}");
    assert!(
        told.contains("2 created, 0 updated, 0 unchanged, 0 refused"),
        "{told}"
    );
    let text = "name\temail\tcourse\nCid\tcid@example.com\tLaw\n";
    let file = write_file(&setup, "tabs.tsv", text);
    let file = file.to_str().expect("a path");
    let (is_ok, _, problems) = import(&setup, &[file]);
    assert!(!is_ok && problems.contains("--delimiter"), "{problems}");
    let (is_ok, _, problems) = import(&setup, &[file, "--delimiter", "\\t"]);
    assert!(is_ok, "{problems}");
    let (is_ok, _, problems) = import(&setup, &[file, "--delimiter", "é"]);
    assert!(!is_ok && problems.contains("--delimiter"), "{problems}");
    assert_eq!(students::count(app.client()).await, 3);
}

/// A quote that nobody meant makes one row of many; which they are is said, and the others are imported.
async fn a_quote_too_many_is_noticed(setup: Setup) {
    let app = setup.start();
    let mut text = "name,email,course\n".to_owned();
    for number in 1..=600 {
        let quote = |at: usize| if number == at { "\"" } else { "" };
        let (opens, closes) = (quote(1), quote(499));
        writeln!(text, "{opens}S {number}{closes},s{number}@example.com,Law").expect("text");
    }
    let file = write_file(&setup, "quote.csv", &text);
    let (is_ok, told, problems) = import(&setup, &[file.to_str().expect("a path")]);
    assert!(!is_ok, "{told}");
    assert!(
        problems.contains("line 2 refused") && problems.contains("lines 2 to 500"),
        "{problems}"
    );
    assert_eq!(students::count(app.client()).await, 101);
}

/// Another encoding is told, with the place, and with what was imported by then.
async fn bytes_that_are_not_utf8_are_named(setup: Setup) {
    let app = setup.start();
    let mut bytes = b"name,email,course\n".to_vec();
    for number in 1..=2_500 {
        let name: &[u8] = if number == 1_701 { b"Jos\xe9" } else { b"Jose" };
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(format!(",s{number}@example.com,Law\n").as_bytes());
    }
    let path = setup.directory.join("latin1.csv");
    std::fs::write(&path, &bytes).expect("a file");
    let (is_ok, told, problems) = import(&setup, &[path.to_str().expect("a path")]);
    assert!(!is_ok, "{told}");
    for expected in ["line 1702 (row 1701)", "0xE9", "\"name\"", "1700 created"] {
        assert!(problems.contains(expected), "{expected}: {problems}");
    }
    assert_eq!(students::count(app.client()).await, 1_700);
    let wide: Vec<u8> = "name,email,course\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(&path, [&[0xff, 0xfe], wide.as_slice()].concat()).expect("a file");
    let (is_ok, _, problems) = import(&setup, &[path.to_str().expect("a path")]);
    assert!(!is_ok && problems.contains("UTF-16"), "{problems}");
}

async fn files_that_are_none_change_nothing(setup: Setup) {
    let app = setup.start();
    for (text, expected) in [
        ("name,email\nAda,ada@example.com\n", "missing: course"),
        ("name,email,course,shoes\n", "\"shoes\" is not known"),
        ("", "missing: email, course, name"),
    ] {
        let file = write_file(&setup, "wrong.csv", text);
        let (is_ok, _, problems) = import(&setup, &[file.to_str().expect("a path")]);
        assert!(
            !is_ok && problems.contains(expected),
            "{expected}: {problems}"
        );
    }
    let (is_ok, _, problems) = import(&setup, &["nowhere.csv"]);
    assert!(!is_ok && problems.contains("nowhere.csv"), "{problems}");
    assert_eq!(students::count(app.client()).await, 0);
}

tests::both_ways!(
    a_large_file_again_after_it_was_killed,
    bad_rows_are_told_and_kept,
    files_that_are_none_change_nothing,
);
tests::embedded!(
    spreadsheets_leave_columns_and_rows_empty,
    a_quote_too_many_is_noticed,
    bytes_that_are_not_utf8_are_named,
);
