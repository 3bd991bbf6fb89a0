//! Imports of many in one mutation: all or nothing, or each row for itself, and again.

use serde_json::{Value, json};
use tests::{Setup, students};

fn rows(numbers: std::ops::Range<usize>) -> Vec<Value> {
    numbers.map(students::row).collect()
}

fn outcomes(imported: &Value) -> Vec<&str> {
    let rows = imported["rows"].as_array().expect("rows").iter();
    rows.map(|row| row["outcome"].as_str().expect("an outcome"))
        .collect()
}

/// The fields and codes of a list of violations.
fn violated(list: &Value) -> Vec<String> {
    let text = |violation: &Value, key: &str| violation[key].as_str().expect("a text").to_owned();
    let list = list.as_array().expect("violations").iter();
    list.map(|it| format!("{}:{}", text(it, "field"), text(it, "code")))
        .collect()
}

/// A thousand rows come in whole and in order, with an event each; more are too many.
async fn a_thousand_at_once(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    let imported = students::import(client, json!({ "rows": rows(0..1_000) })).await;
    assert_eq!(
        (&imported["created"], &imported["refused"]),
        (&json!(1_000), &json!(0))
    );
    for (number, row) in imported["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .enumerate()
    {
        assert_eq!(row["index"], number);
        assert_eq!(row["student"]["email"], students::row(number)["email"]);
    }
    assert_eq!(students::count(client).await, 1_000);
    client.head_after(&start, 1_000).await;
    let id = &imported["rows"][500]["student"]["id"];
    assert_eq!(students::find(client, id).await["version"], 1);
    super::subscription::await_cached(client, id, 1).await;
    for refused in [json!([]), json!(rows(0..1_001))] {
        let answer = students::send_import(client, json!({ "rows": refused })).await;
        assert_eq!(
            violated(&answer.expect_code("VALIDATION")["violations"]),
            ["rows:length"]
        );
    }
}

async fn all_or_nothing(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    students::create(client, "Ada", "S1@example.com").await;
    let mut wrong = rows(0..5);
    wrong[3]["name"] = json!("");
    wrong[3]["year"] = json!(99);
    wrong[4]["email"] = json!("s0@EXAMPLE.com");
    let answer = students::send_import(client, json!({ "rows": wrong })).await;
    let violations = answer.expect_code("VALIDATION")["violations"].clone();
    assert_eq!(
        violated(&violations),
        [
            "rows.1.email:taken",
            "rows.3.name:length",
            "rows.3.year:range",
            "rows.4.email:duplicate"
        ]
    );
    assert_eq!(students::count(client).await, 1, "nothing was imported");
    let log = tests::database::log(&setup.database().await).await;
    let of_students = log.iter().filter(|entry| entry.stream == "student");
    assert_eq!(of_students.count(), 1, "nor is there an event of it");
}

async fn each_row_for_itself(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = students::create(client, "Ada", "s1@example.com").await;
    let mut mixed = rows(0..6);
    mixed[2]["course"] = json!(" ");
    mixed[3]["studentNumber"] = json!("N-1");
    mixed[4]["studentNumber"] = json!("n-1");
    let input = json!({ "rows": mixed, "mode": "EACH" });
    let imported = students::import(client, input).await;
    assert_eq!(
        outcomes(&imported),
        [
            "CREATED", "REFUSED", "REFUSED", "CREATED", "REFUSED", "CREATED"
        ]
    );
    assert_eq!(
        violated(&imported["rows"][1]["violations"]),
        ["email:taken"]
    );
    assert_eq!(
        violated(&imported["rows"][2]["violations"]),
        ["course:length"]
    );
    assert_eq!(
        violated(&imported["rows"][4]["violations"]),
        ["studentNumber:duplicate"]
    );
    assert!(imported["rows"][1]["student"].is_null());
    assert_eq!(students::count(client).await, 4);
    assert_eq!(students::find(client, &ada["id"]).await["version"], 1);
}

/// What an interrupted import has done is found done, and what changed since is skipped or updated, as asked.
async fn a_repeat_is_safe(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    students::import(client, json!({ "rows": rows(0..3) })).await;
    let mut again = rows(0..4);
    again[1]["year"] = json!(7);
    let input = |existing: &str| json!({ "rows": again, "existing": existing });
    let answer = students::send_import(client, input("REFUSE")).await;
    answer.expect_code("VALIDATION");
    let skipped = students::import(client, input("SKIP")).await;
    assert_eq!(
        outcomes(&skipped),
        ["UNCHANGED", "UNCHANGED", "UNCHANGED", "CREATED"]
    );
    let updated = students::import(client, input("UPDATE")).await;
    assert_eq!(
        outcomes(&updated),
        ["UNCHANGED", "UPDATED", "UNCHANGED", "UNCHANGED"]
    );
    assert_eq!(updated["rows"][1]["student"]["version"], 2);
    let updated = students::import(client, input("UPDATE")).await;
    assert_eq!(
        (&updated["unchanged"], &updated["updated"]),
        (&json!(4), &json!(0))
    );

    // The same request under the same key has the same answer, and imports nothing anew.
    let input = json!({ "rows": rows(10..12) });
    let first = students::send_import_with_key(client, input.clone(), Some("import-1")).await;
    let second = students::send_import_with_key(client, input, Some("import-1")).await;
    assert_eq!(first.data(), second.data());
    assert_eq!(students::count(client).await, 6);
}

/// Of imports at once that overlap, each student is created by one, and found there by the others.
async fn imports_at_once_create_each_student_once(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let importing = (0..6).map(|number| {
        let client = app.gateways[number % app.gateways.len()].client.clone();
        let mut rows = rows(0..60);
        rows.rotate_left(number * 10);
        async move {
            students::import(
                &client,
                json!({ "rows": rows, "mode": "EACH", "existing": "SKIP" }),
            )
            .await
        }
    });
    let imported = futures::future::join_all(importing).await;
    let created: u64 = imported
        .iter()
        .map(|it| it["created"].as_u64().expect("a number"))
        .sum();
    assert_eq!(created, 60);
    assert!(imported.iter().all(|it| it["refused"] == 0), "{imported:?}");
    assert_eq!(students::count(app.client()).await, 60);
}

tests::both_ways!(
    a_thousand_at_once,
    all_or_nothing,
    each_row_for_itself,
    a_repeat_is_safe,
    imports_at_once_create_each_student_once,
);
