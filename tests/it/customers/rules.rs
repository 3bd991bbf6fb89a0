//! What may be written: violations are listed all at once, and an e-mail address belongs to one living customer.

use serde_json::{Value, json};
use tests::graphql::Answer;
use tests::{Setup, customers};

/// The fields and codes of all violations, sorted.
fn violations(answer: &Answer) -> Vec<(String, String)> {
    let list = answer.expect_code("VALIDATION")["violations"]
        .as_array()
        .expect("a list")
        .clone();
    let text = |violation: &Value, key: &str| {
        violation[key]
            .as_str()
            .unwrap_or_else(|| panic!("no {key}: {violation}"))
            .to_owned()
    };
    let mut found: Vec<_> = list
        .iter()
        .inspect(|violation| assert!(!text(violation, "message").is_empty()))
        .map(|violation| (text(violation, "field"), text(violation, "code")))
        .collect();
    found.sort();
    found
}

async fn violations_are_listed_all_at_once(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let head = client.head().await;
    let long = "x".repeat(10_000);
    let cases = [
        (
            json!({ "name": "", "email": "ada@example.com" }),
            vec!["name"],
        ),
        (
            json!({ "name": "   ", "email": "ada@example.com" }),
            vec!["name"],
        ),
        (
            json!({ "name": long, "email": "ada@example.com" }),
            vec!["name"],
        ),
        (
            json!({ "name": "a\u{7}b", "email": "ada@example.com" }),
            vec!["name"],
        ),
        (json!({ "name": "Ada", "email": "" }), vec!["email"]),
        (json!({ "name": "Ada", "email": "ada" }), vec!["email"]),
        (
            json!({ "name": "Ada", "email": "ada@@example.com" }),
            vec!["email"],
        ),
        (
            json!({ "name": "Ada", "email": format!("{long}@example.com") }),
            vec!["email"],
        ),
        (
            json!({ "name": "Ada", "email": "a\u{7}da@example.com" }),
            vec!["email"],
        ),
        (
            json!({ "name": "Ada", "email": "ada@example.com", "phone": long }),
            vec!["phone"],
        ),
        (
            json!({ "name": "", "email": "ada", "phone": long }),
            vec!["email", "name", "phone"],
        ),
    ];
    for (input, fields) in cases {
        let shown = input.to_string().chars().take(100).collect::<String>();
        let answer = customers::send(client, "create", input).await;
        assert_eq!(
            answer.code(),
            Some("VALIDATION"),
            "{shown}: {}",
            answer.http.text()
        );
        let mut found: Vec<String> = violations(&answer)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        found.dedup();
        assert_eq!(found, fields, "{shown}");
    }
    assert_eq!(client.head().await, head, "nothing was written");
}

async fn updates_have_the_same_rules(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let id = customers::create(client, "Ada", "ada@example.com").await["id"].clone();
    let answer = customers::send(
        client,
        "update",
        json!({ "id": id, "name": "", "email": "nobody" }),
    )
    .await;
    let fields: Vec<String> = violations(&answer)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["email", "name"]);
    assert_eq!(customers::find(client, &id).await["version"], 1);
}

async fn addresses_are_unique_in_any_case(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = customers::create(client, "Ada", "ada@example.com").await;
    let bob = customers::create(client, "Bob", "bob@example.com").await;
    for email in ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.Com"] {
        let taken = customers::send(client, "create", json!({ "name": "C", "email": email })).await;
        assert_eq!(taken.expect_code("CONFLICT")["field"], "email");
        let taken =
            customers::send(client, "update", json!({ "id": bob["id"], "email": email })).await;
        assert_eq!(taken.expect_code("CONFLICT")["field"], "email");
    }
    let same = customers::apply(
        client,
        "update",
        json!({ "id": ada["id"], "email": "ADA@example.com" }),
    )
    .await;
    assert_eq!(
        same["email"], "ADA@example.com",
        "one's own address in another case is no conflict"
    );
}

async fn deleting_frees_the_address(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let first = customers::create(client, "Ada", "ada@example.com").await;
    customers::apply(client, "delete", json!({ "id": first["id"] })).await;
    let second = customers::create(client, "Ada the second", "ADA@example.com").await;
    let taken = customers::send(client, "restore", json!({ "id": first["id"] })).await;
    assert_eq!(
        taken.expect_code("CONFLICT")["field"],
        "email",
        "the address is another's now"
    );
    customers::apply(client, "delete", json!({ "id": second["id"] })).await;
    customers::apply(client, "restore", json!({ "id": first["id"] })).await;
}

async fn restoring_the_living_changes_nothing(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = customers::create(client, "Ada", "ada@example.com").await;
    let answer = customers::send(client, "restore", json!({ "id": ada["id"] })).await;
    match answer.code() {
        None => assert_eq!(customers::changed("restore", &answer)["version"], 1),
        Some(code) => assert_eq!(code, "CONFLICT"),
    }
    assert_eq!(customers::find(client, &ada["id"]).await["version"], 1);
}

async fn one_of_many_gets_the_address(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    for round in 0..10 {
        let email = format!("wanted-{round}@example.com");
        let attempts = (0..16).map(|number| {
            let client = app.gateways[number % app.gateways.len()].client.clone();
            let input = json!({ "name": format!("C {number}"), "email": email });
            async move { customers::send(&client, "create", input).await }
        });
        let answers = futures::future::join_all(attempts).await;
        let won = answers
            .iter()
            .filter(|answer| answer.code().is_none())
            .count();
        assert_eq!(won, 1, "round {round}");
        for answer in answers.iter().filter(|answer| answer.code().is_some()) {
            assert_eq!(answer.expect_code("CONFLICT")["field"], "email");
        }
    }
}

tests::both_ways!(
    violations_are_listed_all_at_once,
    updates_have_the_same_rules,
    addresses_are_unique_in_any_case,
    deleting_frees_the_address,
    restoring_the_living_changes_nothing,
    one_of_many_gets_the_address,
);
