//! `millrace seed --file people.json`: what is loaded, what is refused, and what a repeat does.

use serde_json::{Value, json};
use tests::{Setup, customers};

/// Runs it to its end: whether it was a success, and what it said.
fn seed(setup: &Setup, name: &str, text: &str) -> (bool, String) {
    let path = setup.directory.join(name);
    std::fs::write(&path, text).expect("a file");
    let output = setup
        .command(&["seed"])
        .arg("--file")
        .arg(path)
        .output()
        .expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.success(), said)
}

async fn a_file_is_loaded_once(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    customers::create(client, "There", "c7@example.com").await;
    let people = |more: Value| {
        let mut all: Vec<_> = (0..1_200)
            .map(|number| json!({ "name": format!("C {number}"), "email": format!("C{number}@example.com") }))
            .collect();
        all.push(more);
        let student = json!({ "name": "S", "email": "s@example.com", "course": "Law", "studentNumber": "N-1" });
        json!({ "customers": all, "students": [student] }).to_string()
    };
    let counted = async || {
        let document = "{ customers(first: 1) { totalCount } students(first: 1) { totalCount } }";
        let answer = client.run(document, json!({})).await;
        let count = |list: &str| answer.data()[list]["totalCount"].as_u64();
        (count("customers"), count("students"))
    };
    for broken in [
        "{".to_owned(),
        json!({ "clients": [] }).to_string(),
        json!({ "customers": [{ "name": "A" }] }).to_string(),
        json!({ "customers": [{ "name": "A", "email": "a@b.co",
            "address": { "lines": ["1"], "city": "X", "country": "GB", "postcode": "Y" } }] })
        .to_string(),
        json!({ "students": [{ "name": "A", "email": "a@b.co", "course": "Law", "status": "LOST" }] }).to_string(),
    ] {
        let (is_done, said) = seed(&setup, "broken.json", &broken);
        assert!(!is_done && said.contains("broken.json"), "{said}");
    }
    assert_eq!(counted().await, (Some(1), Some(0)));
    let refused = json!({ "name": "", "email": "nowhere" });
    let (is_done, said) = seed(&setup, "people.json", &people(refused));
    assert!(!is_done, "{said}");
    assert!(
        said.contains("1199 created, 1 there already, 1 refused"),
        "{said}"
    );
    assert!(
        said.contains("customers, number 1201: email must be"),
        "{said}"
    );
    assert_eq!(counted().await, (Some(1_200), Some(1)));
    let last = json!({ "name": "Last", "email": "last@example.com", "status": "ACTIVE" });
    let (is_done, said) = seed(&setup, "people.json", &people(last));
    assert!(is_done, "{said}");
    assert!(
        said.contains("1 created, 1200 there already, 0 refused"),
        "{said}"
    );
    assert_eq!(counted().await, (Some(1_201), Some(1)));
}

tests::both_ways!(a_file_is_loaded_once);
