//! What help says is so: which settings there are, with their variables and defaults, and what the demo data are.

use tests::database::number;
use tests::recipe::{finish, product_command};
use tests::{Setup, guard};

use super::text;

/// Settings without a default: what there is not unless it is set.
const OPTIONAL: &[&str] = &[
    "replica-url",
    "redis-url",
    "tls-certificate",
    "tls-key",
    "otlp-endpoint",
    "otlp-traces-endpoint",
    "otlp-traces-protocol",
    "otlp-headers",
    "otlp-traces-headers",
    "otlp-traces-timeout",
    "resource-attributes",
    "allowed-origins",
    "allowed-hosts",
    "token-keys",
    "trusted-documents",
    "health-listen",
    "webhook-url",
    "webhook-secret",
    "webhook-ca",
    "faults",
    "retention",
    "archive",
    "trusted-proxies",
    "smtp-url",
    "mail-from",
    "password-reset-url",
    "email-verification-url",
];

fn help(subcommand: &str) -> String {
    let directory = guard::new_directory("help");
    text(&finish(
        product_command(subcommand, &directory).arg("--help"),
    ))
}

#[test]
fn settings_have_a_variable_and_a_default() {
    for subcommand in ["--log=info", "serve", "work"] {
        let help = help(subcommand);
        let flags: Vec<&str> = help.split("\n      --").skip(1).collect();
        assert!(flags.len() > 20, "{help}");
        for flag in flags {
            let name = flag.split([' ', '[']).next().expect("a name");
            assert!(flag.contains("[env: "), "{subcommand}: {flag}");
            let has_default = flag.contains("[default: ");
            assert_ne!(
                has_default,
                OPTIONAL.contains(&name),
                "{subcommand}: {flag}"
            );
        }
    }
}

#[test]
fn subcommands_show_the_settings_that_matter_to_them() {
    for (subcommand, shown, hidden) in [
        ("serve", "--max-depth", "--no-such-flag"),
        ("work", "--lease", "--max-depth"),
        ("rebuild", "--rebuild-batch-events", "--max-depth"),
        ("status", "--database-url", "--lease"),
    ] {
        let help = help(subcommand);
        assert!(help.contains(shown), "{subcommand}: {help}");
        assert!(!help.contains(hidden), "{subcommand}: {help}");
    }
}

#[test]
fn demo_data_are_what_help_says() {
    tests::setup::run(async || {
        let said = help("serve");
        let said = said.split("--demo-data").nth(1).expect("the flag");
        let said = said.split("[env").next().expect("what it does");
        let setup = Setup::embedded_from_nothing();
        let gateway = setup.gateway(&["--demo-data"]);
        let database = setup.database().await;
        for (table, least, most, word) in [
            ("customer", 25, 25, "25 customers"),
            // With the administrator, whom every first start makes.
            ("app_user", 4, 4, "three people"),
            ("chat", 1, 1, "a chat"),
            ("student", 2, 99, "students"),
        ] {
            let sql = format!("select count(*) as number from {table}");
            let found = number(&database, &sql).await;
            assert!((least..=most).contains(&found), "{found} in {table}");
            assert!(said.contains(word), "{word}: {said}");
        }
        let posts = "select count(*) as number from event where type = 'PostCreated'";
        assert!(number(&database, posts).await > 1);
        assert!(said.contains("posts"), "{said}");
        drop(gateway);
    });
}
