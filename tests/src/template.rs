//! The databases that tests begin with: migrated, with an administrator who has signed in. Each kind is made once in a run and
//! copied; the administrator's token is valid in every copy.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::graphql::Client;
use crate::guard;
use crate::people::{self, Person};
use crate::recipe::{Settings, product_command, serve};
use crate::waiting::SOON;

/// Returns the SQLite file to copy, and its administrator.
pub fn sqlite() -> &'static (PathBuf, Person) {
    static TEMPLATE: OnceLock<(PathBuf, Person)> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let directory = guard::new_directory("template-embedded");
        let path = directory.join("millrace.db");
        let admin = prepare(&format!("sqlite://{}", path.display()), &directory);
        (path, admin)
    })
}

/// Copies a SQLite database that nobody has open.
pub fn copy_sqlite(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let with_suffix = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        let from = with_suffix(from);
        if from.exists() {
            std::fs::copy(&from, with_suffix(to)).expect("a copy of the template");
        }
    }
}

/// Migrates the database, creates the administrator, and signs in.
pub fn prepare(database_url: &str, directory: &Path) -> Person {
    let settings = Settings::of_tests();
    let gateway = |arguments: &[&str]| {
        let mut command = product_command(arguments[0], directory);
        settings.give_to(&mut command);
        command
            .args(&arguments[1..])
            .args(["--database-url", database_url]);
        command
    };
    run(&mut gateway(&["migrate"]));
    let mut admin = gateway(&["admin", "--email", people::ADMIN_EMAIL]);
    run(admin.env("MILLRACE_ADMIN_PASSWORD", people::ADMIN_PASSWORD));

    let mut command = gateway(&["serve", "--listen", "127.0.0.1:0"]);
    let (mut process, address) = serve("template", directory, &mut command);
    let signing_in = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let client = Client::new(address);
        runtime.block_on(people::sign_in(
            &client,
            people::ADMIN_EMAIL,
            people::ADMIN_PASSWORD,
        ))
    };
    // This runs in a thread of its own, as the caller may be inside a runtime.
    let person = std::thread::scope(|scope| scope.spawn(signing_in).join()).expect("a sign-in");
    process.terminate(SOON);
    person
}

fn run(command: &mut Command) {
    let done = command.output().expect("the gateway starts");
    assert!(
        done.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}
