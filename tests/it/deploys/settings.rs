//! Settings: what the surroundings of a container inject is left alone; what is wrong is refused at once, with what is right;
//! and what is printed may be read in part.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use tests::recipe::{finish, product_command};
use tests::waiting::{SOON, eventually_blocking};
use tests::{Setup, guard};

use super::text;

/// Of services `millrace` and `millrace-redis`, as Kubernetes tells them to every container, and of a link of Docker.
const INJECTED: &[(&str, &str)] = &[
    ("MILLRACE_SERVICE_HOST", "10.0.0.1"),
    ("MILLRACE_SERVICE_PORT", "80"),
    ("MILLRACE_SERVICE_PORT_HTTP", "80"),
    ("MILLRACE_PORT", "tcp://10.0.0.1:80"),
    ("MILLRACE_PORT_80_TCP", "tcp://10.0.0.1:80"),
    ("MILLRACE_PORT_80_TCP_PROTO", "tcp"),
    ("MILLRACE_PORT_80_TCP_PORT", "80"),
    ("MILLRACE_PORT_80_TCP_ADDR", "10.0.0.1"),
    ("MILLRACE_REDIS_SERVICE_HOST", "10.0.0.2"),
    ("MILLRACE_REDIS_PORT", "tcp://10.0.0.2:6379"),
    ("MILLRACE_NAME", "/web/millrace"),
];

async fn what_is_injected_is_left_alone(mut setup: Setup) {
    for (name, value) in INJECTED {
        setup.settings.set(name, value);
    }
    drop(setup.start());
    let status = finish(&mut setup.command(&["status"]));
    assert!(status.status.success(), "{}", text(&status));
}

/// Secrets are mounted as files; what is wrong with one is said without what is in it.
async fn secrets_are_read_from_files(mut setup: Setup) {
    let secret = |name: &str, text: &str| {
        let file = setup.directory.join(name);
        std::fs::write(&file, text).expect("a file");
        file.display().to_string()
    };
    let keys = secret("keys", "1:a key that is long enough to sign tokens with\n");
    let short = secret("short", "no key\n");
    let url = secret("url", &format!("{}\n", setup.database_url));
    setup.settings.leave("MILLRACE_TOKEN_KEYS");
    setup.settings.set("MILLRACE_TOKEN_KEYS_FILE", &keys);
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = product_command(arguments[0], &setup.directory);
        setup.settings.give_to(&mut command);
        command
            .args(&arguments[1..])
            .envs(variables.iter().copied());
        finish(&mut command)
    };
    let shown = text(&run(&["config"], &[("DATABASE_URL_FILE", &url)]));
    for line in [
        "database-url = ",
        "# the file that DATABASE_URL_FILE names",
        "token-keys = \"***\"",
        "# the file that MILLRACE_TOKEN_KEYS_FILE names",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("long enough"), "{shown}");
    let status = run(&["status"], &[("DATABASE_URL_FILE", &url)]);
    assert!(status.status.success(), "{}", text(&status));
    let both = run(
        &["status"],
        &[("DATABASE_URL_FILE", &url), ("DATABASE_URL", "sqlite://x")],
    );
    assert!(
        text(&both).contains("both DATABASE_URL and DATABASE_URL_FILE"),
        "{}",
        text(&both)
    );
    let missing = run(&["status"], &[("REDIS_URL_FILE", "/nowhere/redis")]);
    assert!(
        text(&missing).contains("REDIS_URL_FILE: /nowhere/redis"),
        "{}",
        text(&missing)
    );
    let misspelled = run(&["status"], &[("MILLRACE_TOKEN_KEY_FILE", &keys)]);
    assert_eq!(misspelled.status.code(), Some(2), "{}", text(&misspelled));
    let wrong = run(
        &["serve", "--database-url", &setup.database_url],
        &[("MILLRACE_TOKEN_KEYS_FILE", &short)],
    );
    assert!(
        !wrong.status.success() && !text(&wrong).contains("no key"),
        "{}",
        text(&wrong)
    );
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let directory = guard::new_directory("numbers");
    let refused = |program: &str, arguments: &[&str]| {
        let mut command = product_command(program, &directory);
        command
            .args(["--database-url", "postgres://postgres@127.0.0.1:1/none"])
            .args(arguments);
        let output = finish(&mut command);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            text(&output)
        );
        assert!(text(&output).contains(arguments[0]), "{}", text(&output));
        text(&output)
    };
    for flag in [
        "--max-connections",
        "--max-tokens",
        "--max-depth",
        "--max-complexity",
        "--max-aliases",
        "--max-directives",
        "--max-root-fields",
        "--max-expanded-fields",
        "--max-operations",
        "--max-message-bytes",
        "--max-body-bytes",
        "--max-batch",
        "--password-memory-kib",
        "--password-iterations",
        "--sign-in-attempts-per-account",
        "--sign-in-attempts-per-address",
    ] {
        for number in ["0", "99999999999999999999", "many"] {
            refused("serve", &[flag, number]);
        }
    }
    for flag in [
        "--request-timeout",
        "--sse-keep-alive",
        "--init-timeout",
        "--ping-interval",
        "--pong-timeout",
        "--presence-lease",
        "--poll-interval",
        "--lease",
        "--cache-lifetime",
        "--cache-hard-timeout",
        "--webhook-timeout",
        "--access-token-lifetime",
        "--refresh-token-lifetime",
    ] {
        for duration in ["0s", "213503982334601d"] {
            refused("serve", &[flag, duration]);
        }
    }
    for (flag, number) in [
        ("--poll-interval", "100"),
        ("--lease", "2000"),
        ("--drain-delay", "0"),
    ] {
        let said = refused("serve", &[flag, number]);
        assert!(said.contains("such as 500ms, 10s"), "{said}");
    }
    refused("serve", &["--refresh-grace", "61s"]);
    for flag in [
        "--workers-connections",
        "--batch-events",
        "--rebuild-batch-events",
    ] {
        refused("work", &[flag, "0"]);
    }
}

#[test]
fn a_log_filter_that_cannot_be_read_is_refused() {
    let directory = guard::new_directory("filters");
    for program in ["serve", "work"] {
        for filter in ["inof", "info,gateway=debgu", "=,=", "gateway["] {
            let mut command = product_command(program, &directory);
            command
                .args(["--database-url", "postgres://postgres@127.0.0.1:1/none"])
                .env("RUST_LOG", filter);
            let output = finish(&mut command);
            assert_eq!(output.status.code(), Some(2), "{filter}: {}", text(&output));
            assert!(text(&output).contains("RUST_LOG"), "{}", text(&output));
        }
    }
}

/// Runs a command whose reader goes away after the first line, or before it.
fn read_one_line(mut command: Command, lines: usize) {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.expect("it starts");
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    for _ in 0..lines {
        reader.read_line(&mut String::new()).expect("a line");
    }
    drop(reader);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    assert!(!text(&output).contains("panicked"), "{}", text(&output));
}

async fn a_reader_may_go_away(setup: Setup) {
    drop(setup.start());
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["dead-letters", "list"],
        &["dead-letters", "list", "--json"],
        &["prune", "--older-than", "30d"],
    ] {
        for lines in [0, 1] {
            read_one_line(setup.command(arguments), lines);
        }
    }
    for subcommand in ["migrate", "status"] {
        read_one_line(setup.command(&[subcommand]), 0);
    }
    let mut seed = setup.command(&["seed"]);
    seed.args(["--customers", "3"]);
    read_one_line(seed, 0);
}

/// A disk that is full is another matter than a reader who has read enough.
async fn a_full_disk_is_an_error(setup: Setup) {
    drop(setup.start());
    let full = std::fs::File::options().write(true).open("/dev/full");
    let mut status = setup.command(&["status"]);
    status.stdout(full.expect("a full disk"));
    let mut child = status.stderr(Stdio::null()).spawn().expect("it starts");
    let ended = eventually_blocking("it ends", SOON, || child.try_wait().expect("a child"));
    assert_eq!(ended.code(), Some(1));
}

tests::distributed!(
    what_is_injected_is_left_alone,
    a_reader_may_go_away,
    a_full_disk_is_an_error
);

tests::embedded!(secrets_are_read_from_files);
