//! Two fragments that select one list, beside writers: each row is of one customer. Read twice, the list would have moved in between, and
//! the rows of one moment would have been joined with those of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tests::{Setup, customers};

const LISTS: usize = 60;
const DOCUMENT: &str = "{ ...Names ...Addresses }
    fragment Names on Query { customers(first: 10) { nodes { id name } } }
    fragment Addresses on Query { customers(first: 10) { nodes { email } } }";

async fn rows_beside_writers_are_of_one_customer(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let (client, is_over) = (client.clone(), is_over.clone());
            tokio::spawn(async move {
                let mut written = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let name = format!("n{writer}-{written}");
                    customers::create(&client, &name, &format!("{name}@example.com")).await;
                    written += 1;
                }
                written
            })
        })
        .collect();
    let mut seen = 0;
    for _ in 0..LISTS {
        let answer = client.run(DOCUMENT, json!({})).await;
        let nodes = answer.data()["customers"]["nodes"].as_array().cloned();
        for row in nodes.expect("nodes") {
            let name = row["name"].as_str().expect("a name");
            assert_eq!(row["email"], format!("{name}@example.com"), "{row}");
            seen += 1;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.expect("a writer") > 0);
    }
    assert!(seen > LISTS, "{seen} rows are few");
}

tests::both_ways!(rows_beside_writers_are_of_one_customer);
