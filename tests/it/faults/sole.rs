//! A SQLite file has one process at a time: a second one is told, and the next one takes over at once what a killed one leased.

use std::process::Output;

use tests::recipe::{finish, product_command};
use tests::waiting::SOON;
use tests::{Setup, customers, eventually};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn the_file_is_one_processes(setup: Setup) {
    let mut app = setup.start();
    let second = |program: &str, arguments: &[&str]| {
        let mut command = product_command(program, &setup.directory);
        command.args(["--database-url", &setup.database_url]);
        finish(command.args(arguments))
    };
    for (program, arguments) in [("serve", &["--listen", "127.0.0.1:0"][..]), ("work", &[])] {
        let refused = second(program, arguments);
        assert!(!refused.status.success(), "a second {program} ran");
        let told = text(&refused);
        assert!(
            told.contains("another gateway or worker is running on"),
            "{told}"
        );
    }
    for command in ["migrate", "status"] {
        let beside = finish(&mut setup.command(&[command]));
        assert!(beside.status.success(), "{command}: {}", text(&beside));
    }
    app.gateways[0].kill_and_restart();
}

async fn what_a_killed_process_leased_is_taken_over_at_once(mut setup: Setup) {
    setup.settings.set("MILLRACE_LEASE", "30m");
    let mut app = setup.start();
    for round in 1..=3_u64 {
        let email = format!("{round}@example.com");
        customers::create(app.client(), "Somebody", &email).await;
        // Far sooner than the lease ends.
        eventually("the read model moves", SOON, async || {
            let total = customers::statistics(app.client()).await["total"].clone();
            (total == round).then_some(())
        })
        .await;
        app.gateways[0].kill_and_restart();
    }
}

tests::embedded!(
    the_file_is_one_processes,
    what_a_killed_process_leased_is_taken_over_at_once,
);
