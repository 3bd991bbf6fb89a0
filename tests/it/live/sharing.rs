//! Alike live queries of alike callers share executions: what 200 watchers of one list cost the database does not depend on their number, and
//! an event that concerns none of them costs nothing.

use futures::future::join_all;
use serde_json::json;
use tests::live::Watch;
use tests::postgres::Postgres;
use tests::statements::StatementLog;
use tests::{Setup, customers, people};

use super::{apply, names, post};

const WATCHERS: usize = 200;
/// What reads the table of customers; commands lock the rows that they change, or return them.
const READS: &[&str] = &["FROM \"customer\""];
const PAGE: &str = "query @live { customers(first: 5) { nodes { name } } }";

async fn watchers_share_executions(postgres: Postgres, setup: Setup) {
    let log = StatementLog::begin(&postgres, &setup);
    let app = setup.start();
    let client = app.client();
    let staff = join_all((0..4).map(|_| people::with_role(client, "STAFF"))).await;
    let opening = (0..WATCHERS).map(|number| {
        let client = staff[number % staff.len()].client(client);
        async move { Watch::open(&client, PAGE, json!({})).await }
    });
    let mut watches = join_all(opening).await;
    let mut told = 0;
    for number in 0..5 {
        let statements = log
            .of(READS, async {
                let name = format!("C{number}");
                customers::create(client, &name, &format!("{name}@example.com")).await;
                let hear = |watch: &mut Watch| names(&watch.data()["customers"])[0] == name;
                join_all(watches.iter_mut().map(async |watch| {
                    watch
                        .until("it is told", |it| {
                            names(&it["customers"]).first() == Some(&name.as_str())
                        })
                        .await;
                }))
                .await;
                assert!(watches.iter_mut().all(hear));
            })
            .await;
        told += statements.len();
        // The second one is for what came while the first was under way.
        assert!((1..=2).contains(&statements.len()), "{statements:?}");
    }
    assert!(told < 10, "one for each change, as a rule: {told}");
    let unrelated = log
        .of(READS, async {
            post(client, "Hello").await;
            apply(
                client,
                "updateProfile",
                "__typename",
                json!({ "name": "Another" }),
            )
            .await;
            // A watcher of both hears of the last of them, so all events were handed on.
            let document = "query @live { me { name } }";
            let mut me = Watch::open(client, document, json!({})).await;
            me.until("it is handed on", |it| it["me"]["name"] == "Another")
                .await;
        })
        .await;
    assert!(unrelated.is_empty(), "{unrelated:?}");
    assert!(watches.iter().all(|watch| watch.state().answers <= 6));
}

tests::on_own_postgres!(watchers_share_executions);
