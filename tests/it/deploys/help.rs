//! What help says is so: which flags are in the environment, too, and what the demo data are.

use tests::database::number;
use tests::recipe::{finish, product_command};
use tests::{Setup, guard};

use super::text;

fn help(program: &str) -> String {
    let directory = guard::new_directory("help");
    text(&finish(product_command(program, &directory).arg("--help")))
}

#[test]
fn flags_of_serving_are_in_the_environment() {
    for program in ["gateway", "workers"] {
        let help = help(program);
        let flags: Vec<&str> = help.split("\n      --").skip(1).collect();
        assert!(flags.len() > 10, "{help}");
        for flag in flags {
            assert!(flag.contains("[env: "), "{program}: {flag}");
        }
    }
}

#[test]
fn demo_data_are_what_help_says() {
    tests::setup::run(async || {
        let said = help("gateway");
        let said = said.split("--demo-data").nth(1).expect("the flag");
        let said = said.split("[env").next().expect("what it does");
        let setup = Setup::embedded_from_nothing();
        let gateway = setup.gateway(&["--demo-data"]);
        let database = setup.database().await;
        for (table, least, most, word) in [
            ("customer", 25, 25, "25 customers"),
            // With the administrator, whom every first start makes.
            ("app_user", 3, 3, "two users"),
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
