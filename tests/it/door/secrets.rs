//! What must not be seen: files by other users of the machine, and secrets in what the programs say when they cannot start.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tests::recipe::{finish, product_command};
use tests::{Setup, customers, guard};

const SECRET: &str = "Ab7qSecret";

fn others_may_read(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut open = Vec::new();
    for entry in entries.flatten() {
        let mode = entry.metadata().expect("its mode").permissions().mode();
        if entry.path().is_dir() {
            open.extend(others_may_read(&entry.path()));
        } else if mode & 0o077 != 0 {
            open.push(format!("{} {:o}", entry.path().display(), mode & 0o777));
        }
    }
    open
}

async fn files_are_for_their_owner(_: Setup) {
    let mut setup = Setup::embedded_from_nothing();
    setup.settings.leave("MILLRACE_TOKEN_KEYS");
    let folder = setup.directory.join("data");
    setup.database_url = format!("sqlite://{}", folder.join("millrace.db").display());
    let archive = folder.join("archive");
    let mut app = setup.start();
    app.gateways[0].process.kill();
    let mut archiving = setup.command(&["archive"]);
    let output = finish(archiving.args(["--older-than", "0s", "--to"]).arg(&archive));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    app.gateways[0].restart();
    let names: Vec<_> = std::fs::read_dir(&folder)
        .expect("a folder")
        .flatten()
        .collect();
    assert!(names.len() >= 4, "{names:?}");
    assert_eq!(others_may_read(&folder), Vec::<String>::new());
    // Those of before as well.
    app.gateways[0].process.kill();
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.join("millrace.db"), open).expect("its mode");
    app.gateways[0].restart();
    assert_eq!(others_may_read(&folder), Vec::<String>::new());
}

async fn what_cannot_be_read_is_not_shown(_: Setup) {
    let directory = guard::new_directory("secrets");
    let said = |program: &str, settings: &[(&str, &str)]| {
        let mut command = product_command(program, &directory);
        for (name, value) in settings {
            command.env(name, value);
        }
        command.env("MILLRACE_WAIT_FOR_DATABASE", "1s");
        let output = finish(&mut command);
        assert!(!output.status.success(), "{program} {settings:?}");
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).into_owned()
    };
    let databases = [
        format!("postgres://u:{SECRET}/12#x@host/db"),
        format!("postgress://u:{SECRET}@host/db"),
        format!("mysql://u:{SECRET}@host/db"),
        format!("postgres://u:{SECRET}@host:99999/db"),
        SECRET.to_owned(),
    ];
    for program in ["serve", "work"] {
        for url in &databases {
            let text = said(program, &[("DATABASE_URL", url)]);
            assert!(!text.contains(SECRET), "{program} {url}: {text}");
            assert!(!text.trim().is_empty());
        }
        for url in [
            format!("redis://u:{SECRET}@h:x"),
            format!("http://:{SECRET}@h"),
        ] {
            let settings = [
                ("DATABASE_URL", "sqlite://millrace.db"),
                ("REDIS_URL", &url),
            ];
            let text = said(program, &settings);
            assert!(
                text.contains("REDIS_URL") && !text.contains(SECRET),
                "{program} {url}: {text}"
            );
        }
        for line in [
            format!("MILLRACE_TOKEN_KEYS=1:{SECRET} \"x"),
            format!("MILLRACE ADMIN_PASSWORD = {SECRET}"),
            format!("DATABASE_URL='postgres://{SECRET}"),
        ] {
            let file = directory.join(".env");
            std::fs::write(&file, format!("# the first line\n{line}\n")).expect("a file");
            let text = said(program, &[]);
            assert!(!text.contains(SECRET), "{program}: {text}");
            assert!(text.contains(".env: line 2"), "{program}: {text}");
            std::fs::remove_file(file).expect("it is removed");
        }
    }
    let keys = [
        ("MILLRACE_TOKEN_KEYS", SECRET),
        ("DATABASE_URL", "sqlite://millrace.db"),
    ];
    assert!(!said("serve", &keys).contains(SECRET));
}

async fn origins_that_allow_nobody_are_refused(_: Setup) {
    let directory = guard::new_directory("origins");
    for refused in [
        "app.example.org",
        "https://*",
        "https://app.*.org",
        "https://a.example.org/x",
    ] {
        let mut command = product_command("serve", &directory);
        command.args([
            "--database-url",
            "sqlite://millrace.db",
            "--allowed-origins",
            refused,
        ]);
        let output = finish(&mut command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains("is no origin"),
            "{refused}: {said}"
        );
    }
    let setup = Setup::embedded();
    let app = setup.start_many(1, 0, &["--allowed-origins", "*"]);
    let address = app.address();
    let origin = [("origin", "https://anybody.example")];
    let socket = tests::socket::Socket::upgrade_with(address, "graphql-transport-ws", &origin);
    assert!(socket.await.is_ok());
    customers::create(app.client(), "Ada", "ada@example.org").await;
}

tests::embedded!(
    files_are_for_their_owner,
    what_cannot_be_read_is_not_shown,
    origins_that_allow_nobody_are_refused
);
