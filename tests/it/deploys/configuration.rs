//! One configuration: what goes before what, what is refused and how that is told, and what `config`, `schema` and `completions` print.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::programs::repository;
use tests::recipe::{finish, product_command, serve};
use tests::{Setup, guard};

use super::text;

const SECRET: &str = "Ab7qSecret";

/// A directory with these files, such as `.env`.
fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let directory = guard::new_directory(name);
    for (file, content) in files {
        std::fs::write(directory.join(file), content).expect("a file");
    }
    directory
}

fn said(command: &mut Command) -> String {
    let output = finish(command);
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn refused(command: &mut Command) -> String {
    let output = finish(command);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
    said
}

/// What `config` says of one setting: its value, and where that comes from.
fn effective(command: &mut Command, name: &str) -> (String, String) {
    let said = said(command);
    let mut lines = said.lines().map(|line| line.trim_start_matches("# "));
    let line = lines.find(|line| line.starts_with(&format!("{name} =")));
    let line = line.unwrap_or_else(|| panic!("no {name}: {said}"));
    let (setting, origin) = line.split_once('#').expect("an origin");
    let (_, value) = setting.split_once('=').expect("a value");
    (value.trim().to_owned(), origin.trim().to_owned())
}

fn pair(value: &str, origin: &str) -> (String, String) {
    (value.to_owned(), origin.to_owned())
}

#[test]
fn flags_go_before_the_environment_before_files_before_defaults() {
    let depth = |command: &mut Command| effective(command, "max-depth");
    let config = |directory: &Path| product_command("config", directory);
    let empty = directory("defaults", &[]);
    assert_eq!(depth(&mut config(&empty)), pair("20", "default"));

    let file = ("millrace.toml", "max-depth = 11");
    let with_file = directory("file", &[file]);
    assert_eq!(depth(&mut config(&with_file)), pair("11", "millrace.toml"));

    let dotenv = (".env", "MILLRACE_MAX_DEPTH=12");
    let with_both = directory("both", &[file, dotenv]);
    let read = depth(&mut config(&with_both));
    assert_eq!(read, pair("12", "MILLRACE_MAX_DEPTH in .env"));

    let variable = ("MILLRACE_MAX_DEPTH", "13");
    let read = depth(config(&with_both).env(variable.0, variable.1));
    assert_eq!(read, pair("13", "MILLRACE_MAX_DEPTH in the environment"));

    let mut behind = config(&with_both);
    behind.args(["--max-depth", "14"]);
    let mut before = product_command("--max-depth", &with_both);
    before.args(["14", "config"]);
    for mut command in [behind, before] {
        let read = depth(command.env(variable.0, variable.1));
        assert_eq!(read, pair("14", "--max-depth"));
    }
}

#[test]
fn a_file_can_be_named() {
    let files = [
        ("millrace.toml", "max-depth = 11"),
        ("other.toml", "max-depth = 15"),
    ];
    let directory = directory("named", &files);
    let config = || product_command("config", &directory);
    let by_flag = effective(config().args(["--config", "other.toml"]), "max-depth");
    assert_eq!(by_flag, pair("15", "other.toml"));
    let by_variable = effective(config().env("MILLRACE_CONFIG", "other.toml"), "max-depth");
    assert_eq!(by_variable, pair("15", "other.toml"));
    std::fs::write(directory.join(".env"), "MILLRACE_CONFIG=other.toml").expect("a file");
    let by_dotenv = effective(&mut config(), "max-depth");
    assert_eq!(by_dotenv, pair("15", "other.toml"));
    let missing = refused(config().args(["--config", "missing.toml"]));
    assert!(missing.contains("missing.toml"), "{missing}");
}

#[test]
fn values_of_a_file_have_their_types() {
    let file = "production = true\nlease = \"3s\"\nallowed-origins = [\"https://a.example.org\", \"https://b.example.org\"]\n";
    let directory = directory("types", &[("millrace.toml", file)]);
    let config = || product_command("config", &directory);
    let of_file = |value: &str| pair(value, "millrace.toml");
    assert_eq!(effective(&mut config(), "production"), of_file("true"));
    assert_eq!(effective(&mut config(), "lease"), of_file("\"3s\""));
    let origins = "\"https://a.example.org,https://b.example.org\"";
    assert_eq!(
        effective(&mut config(), "allowed-origins"),
        of_file(origins)
    );
    // What is on behind is turned off before.
    let off = effective(config().arg("--production=false"), "production");
    assert_eq!(off, pair("false", "--production"));
    let off = effective(config().env("MILLRACE_PRODUCTION", "no"), "production");
    assert_eq!(off.0, "false");
    // Each item of a list is checked, not the list.
    std::fs::write(
        directory.join("millrace.toml"),
        "allowed-origins = [\"https://a.example.org\", \"nowhere\"]",
    )
    .expect("a file");
    let said = refused(&mut config());
    assert!(said.contains("'nowhere'"), "{said}");
}

#[test]
fn names_that_nobody_has_are_refused() {
    for (file, content, expected) in [
        (
            "millrace.toml",
            "max-dept = 3",
            "unknown setting max-dept in millrace.toml; did you mean max-depth?",
        ),
        (
            "millrace.toml",
            "[limits]\nmax-depth = 3",
            "unknown setting limits in millrace.toml",
        ),
        (
            ".env",
            "MILLRACE_MAX_DEPHT=3",
            "unknown setting MILLRACE_MAX_DEPHT in .env; did you mean MILLRACE_MAX_DEPTH?",
        ),
        (
            ".env",
            "MILLRACE_LEASE_MS=2000",
            "did you mean MILLRACE_LEASE?",
        ),
        (
            ".env",
            "MILLRACE_POLL_INTERVAL_MS=100",
            "did you mean MILLRACE_POLL_INTERVAL?",
        ),
    ] {
        let directory = directory("unknown", &[(file, content)]);
        for subcommand in ["serve", "work", "status", "config"] {
            let said = refused(&mut product_command(subcommand, &directory));
            assert!(said.contains(expected), "{content}: {said}");
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let unit = "expected a duration with its unit, such as 500ms, 10s";
    for (file, content, expected, place) in [
        ("millrace.toml", "lease = 2000", unit, "millrace.toml"),
        (
            "millrace.toml",
            "max-depth = 0",
            "from 1 to",
            "millrace.toml",
        ),
        (
            "millrace.toml",
            "max-depth = { a = 1 }",
            "a text, a number",
            "millrace.toml",
        ),
        (
            "millrace.toml",
            "# first\nmax-depth 3",
            "line 2 cannot be read",
            "millrace.toml",
        ),
        (
            ".env",
            "MILLRACE_LEASE=2000",
            unit,
            "MILLRACE_LEASE in .env",
        ),
    ] {
        let directory = directory("wrong", &[(file, content)]);
        let said = refused(&mut product_command("config", &directory));
        assert!(
            said.contains(expected) && said.contains(place),
            "{content}: {said}"
        );
    }
    let directory = directory("wrong", &[]);
    let mut command = product_command("config", &directory);
    let said = refused(command.env("MILLRACE_LEASE", "2000"));
    assert!(said.contains("MILLRACE_LEASE in the environment"), "{said}");
}

#[test]
fn secrets_are_masked() {
    let url = format!("postgres://someone:{SECRET}@db.example.org:5432/millrace?sslmode=require");
    let file = format!(
        "redis-url = \"redis://:{SECRET}@redis.example.org\"\nwebhook-secret = \"whsec_{SECRET}\"\nwebhook-url = \"https://{SECRET}.example.org\"\n"
    );
    let directory = directory("masked", &[("millrace.toml", &file)]);
    let keys = format!("1:{SECRET}");
    let mut command = product_command("config", &directory);
    command
        .env("DATABASE_URL", &url)
        .args(["--token-keys", &keys]);
    let shown = said(&mut command);
    assert!(!shown.contains(SECRET), "{shown}");
    assert_eq!(shown.matches("\"***\"").count(), 3, "{shown}");
    for url in [
        "postgres://***@db.example.org:5432/millrace",
        "redis://***@redis.example.org",
    ] {
        assert!(shown.contains(url), "{shown}");
    }
    // Nor by help, nor when the file cannot be read.
    let help = said(command.arg("--help"));
    assert!(!help.contains(SECRET), "{help}");
    std::fs::write(
        directory.join("millrace.toml"),
        format!("token-keys = {SECRET}"),
    )
    .expect("a file");
    let broken = refused(&mut product_command("config", &directory));
    assert!(!broken.contains(SECRET), "{broken}");
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let directory = directory("schema", &[]);
    let printed = said(&mut product_command("schema", &directory));
    let committed = std::fs::read_to_string(repository().join("schema/schema.graphql"));
    assert!(
        printed == committed.expect("the committed schema"),
        "they differ"
    );
}

#[test]
fn shells_complete_subcommands_and_flags() {
    let directory = directory("completions", &[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(product_command("completions", &directory).arg(shell));
        for expected in ["dead-letters", "max-depth", "from-the-start"] {
            assert!(script.contains(expected), "{shell}: {expected}");
        }
    }
}

async fn without_a_subcommand_it_serves(setup: Setup) {
    let mut command = product_command("--database-url", &setup.directory);
    setup.settings.give_to(&mut command);
    command.args([&setup.database_url, "--listen", "127.0.0.1:0"]);
    let (process, _) =
        tokio::task::block_in_place(|| serve("gateway", &setup.directory, &mut command));
    drop(process);
}

#[test]
fn workers_alone_need_a_database() {
    let directory = directory("nowhere", &[]);
    let said = refused(&mut product_command("work", &directory));
    assert!(said.contains("DATABASE_URL"), "{said}");
}

#[test]
fn operators_are_not_shown_a_new_database() {
    let directory = directory("forgotten", &[]);
    for arguments in [
        &["status"][..],
        &["dead-letters", "list"],
        &["rebuild", "posts"],
        &["prune", "--older-than", "30d"],
        &["epoch"],
    ] {
        let mut command = product_command(arguments[0], &directory);
        let output = finish(command.args(&arguments[1..]));
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains("DATABASE_URL"), "{}", text(&output));
    }
    assert!(!directory.join("data").exists(), "nothing was made");
}

tests::embedded!(without_a_subcommand_it_serves);
