//! Statistics are kept by a follower: they come to the exact counts, whatever was done in between.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::{Setup, customers, eventually, extent};

const STATUSES: [&str; 4] = ["PROSPECT", "ACTIVE", "SUSPENDED", "CLOSED"];

async fn come_to_the_exact_counts(setup: Setup) {
    let app = setup.start_many(2, 2, &[]);
    let client = app.client();
    // Every customer that lives, and its status.
    let mut living: BTreeMap<String, &str> = BTreeMap::new();
    let mut deleted: Vec<String> = Vec::new();
    let (mut deletions, mut restorations) = (0, 0);
    for turn in 0..extent::of(60, 150) {
        let chosen = living
            .keys()
            .nth(fastrand::usize(..living.len().max(1)))
            .cloned();
        let status = STATUSES[fastrand::usize(..4)];
        match (fastrand::u8(..10), chosen) {
            (0..2, Some(id)) => {
                customers::apply(client, "delete", json!({ "id": id })).await;
                deletions += 1;
                living.remove(&id);
                deleted.push(id);
            }
            (2, _) if !deleted.is_empty() => {
                let id = deleted.swap_remove(fastrand::usize(..deleted.len()));
                let restored = customers::apply(client, "restore", json!({ "id": id })).await;
                restorations += 1;
                let status = STATUSES
                    .into_iter()
                    .find(|status| restored["status"] == *status)
                    .expect("a status");
                living.insert(id, status);
            }
            (3..6, Some(id)) => {
                customers::apply(client, "update", json!({ "id": id, "status": status })).await;
                living.insert(id, status);
            }
            _ => {
                let input = json!({ "name": "C", "email": format!("c{turn}@example.com"), "status": status });
                let created = customers::apply(client, "create", input).await;
                living.insert(created["id"].as_str().expect("an id").to_owned(), status);
            }
        }
    }
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for status in living.values() {
        *expected.entry((*status).to_owned()).or_default() += 1;
    }
    let created = (living.len() + deleted.len()) as u64;
    eventually(
        &format!(
            "total {}, {expected:?}, {created} created, {deletions} deleted",
            living.len()
        ),
        tests::waiting::SOON,
        async || {
            let statistics = customers::statistics(client).await;
            let by_day = |field: &str| sum(&statistics["byDay"], field);
            let is_exact = statistics["total"] == living.len()
                && by_status(&statistics) == expected
                && by_day("created") == created
                && by_day("deleted") == deletions
                && by_day("restored") == restorations;
            is_exact.then_some(())
        },
    )
    .await;
}

/// Counts that are not zero.
fn by_status(statistics: &Value) -> BTreeMap<String, u64> {
    let rows = statistics["byStatus"].as_array().expect("rows").iter();
    rows.filter_map(|row| {
        Some((
            row["status"].as_str()?.to_owned(),
            row["count"].as_u64().filter(|count| *count > 0)?,
        ))
    })
    .collect()
}

fn sum(rows: &Value, field: &str) -> u64 {
    rows.as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row[field].as_u64())
        .sum()
}

async fn days_can_be_limited(setup: Setup) {
    let app = setup.start();
    customers::create(app.client(), "Ada", "ada@example.com").await;
    let document =
        "query($last: Int) { customerStatistics { byDay(last: $last) { day created deleted } } }";
    eventually("today counts one", tests::waiting::SOON, async || {
        let answer = app.client().run(document, json!({ "last": 1 })).await;
        let days = answer.data()["customerStatistics"]["byDay"]
            .as_array()
            .expect("days")
            .clone();
        assert!(days.len() <= 2, "{days:?}");
        (days.iter().any(|day| day["created"] == 1)).then_some(())
    })
    .await;
    for last in [-1, 1_000_000_000] {
        let answer = app.client().run(document, json!({ "last": last })).await;
        assert!(
            matches!(
                answer.code(),
                Some("BAD_REQUEST" | "VALIDATION" | "LIMIT_EXCEEDED")
            ),
            "{last}: {}",
            answer.http.text()
        );
    }
}

tests::both_ways!(come_to_the_exact_counts, days_can_be_limited);
