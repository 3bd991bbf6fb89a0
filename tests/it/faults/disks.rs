//! A disk that fills up under an embedded gateway: who was answered is in the log when there is room again, and after a crash;
//! who was not left nothing.

use serde_json::{Value, json};
use tests::disk::SmallDisk;
use tests::graphql::Client;
use tests::waiting::SOON;
use tests::{Setup, customers, database, eventually, setup, template};

async fn is_ready(client: &Client) -> bool {
    client.get("/health/ready", &[]).await.status == 200
}

#[test]
fn a_disk_that_was_full_lost_nothing_that_was_answered() {
    setup::run(|| async {
        let mut setup = Setup::embedded();
        let Some(disk) = SmallDisk::mount(setup.directory.join("small"), 12) else {
            // Then `events/tests/it/outages.rs` has it, with a limit that SQLite itself keeps.
            return;
        };
        let file = disk.path.join("millrace.db");
        template::copy_sqlite(&setup.directory.join("millrace.db"), &file);
        setup.database_url = format!("sqlite://{}", file.display());
        let mut gateway = setup.gateway(&[]);
        let client = gateway.client.clone();
        let mut answered: Vec<Value> = Vec::new();
        let mut refused = 0;
        for (turn, is_full) in [(0, false), (1, true), (2, false)] {
            if is_full {
                disk.fill();
            }
            for number in 0..6 {
                let email = format!("customer{turn}{number}@example.com");
                // More than a page of the log of writes, which may have room left.
                let input = json!({ "name": "n".repeat(200), "email": email });
                let answer = customers::send(&client, "create", input).await;
                match answer.code() {
                    None => answered.push(customers::changed("create", &answer)["id"].clone()),
                    Some(code) => {
                        assert!(is_full, "there is room: {}", answer.http.text());
                        assert_eq!(code, "UNAVAILABLE");
                        refused += 1;
                    }
                }
            }
            if is_full {
                assert!(refused > 0, "the disk is full");
                assert!(!is_ready(&client).await, "it is said");
                disk.free();
                eventually("it is ready", SOON, async || {
                    is_ready(&client).await.then_some(())
                })
                .await;
            }
        }
        gateway.kill_and_restart();
        for id in &answered {
            assert!(
                customers::find(&gateway.client, id).await.is_object(),
                "{id}"
            );
        }
        let database = setup.database().await;
        let customers = "select count(*) as number from customer";
        assert_eq!(
            database::number(&database, customers).await,
            answered.len() as u64
        );
        let events = "select count(*) as number from event where type = 'CustomerCreated'";
        assert_eq!(
            database::number(&database, events).await,
            answered.len() as u64
        );
    });
}
