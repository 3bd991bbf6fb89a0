//! Tokens of what was written tell nobody what exists: those of others, forged ones and those of nobody are refused in the same way, at once.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tests::graphql::{Answer, Client};
use tests::{Setup, customers, ids, people, tokens};

use super::Beside;

const QUERY: &str = "{ __typename }";
/// Far less than what a wait takes that comes to nothing.
const AT_ONCE: Duration = Duration::from_secs(12);

async fn read(client: &Client, token: &str) -> Answer {
    client
        .run_with(QUERY, json!({}), &[("read-after", token)])
        .await
}

async fn only_what_one_has_written_is_waited_for(setup: Setup) {
    let app = setup.start_many(1, 1, &["--read-after-timeout", "20s"]);
    let admin = app.client();
    let ada = people::register(admin, "Ada").await;
    let anonymous = admin.anonymous();
    let document = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }";
    let input = json!({ "input": { "name": "Bob", "email": "bob@example.org" } });
    let created = admin.run(document, input).await;
    let token = created.body["extensions"]["readAfter"]
        .as_str()
        .expect("a token");
    assert!(read(admin, token).await.code().is_none());
    // Who signs in has a token of their own.
    let signed_in = people::send_sign_in(&anonymous, &ada.email, &ada.password).await;
    let of_ada = signed_in.body["extensions"]["readAfter"]
        .as_str()
        .expect("a token");
    assert!(read(&ada.client(admin), of_ada).await.code().is_none());

    let (written, code) = token.rsplit_once('.').expect("a code");
    let id = created.data()["createCustomer"]["customer"]["id"].as_str();
    let id = id.and_then(ids::uuid_digits).expect("an id");
    let nobody = "00000000000000000000000000000007";
    let forged = [
        token.to_owned(),
        written.to_owned(),
        format!("{written}."),
        format!("customer-{nobody}-1.{code}"),
        format!("customer-{id}-2.{code}"),
        format!("presence-{nobody}-5"),
        tokens::read_after("", written),
        tokens::read_after("anonymous", written),
        tokens::read_after("", &format!("chat-{nobody}-3")),
    ];
    for token in &forged {
        for client in [&anonymous, &ada.client(admin)] {
            let asked = Instant::now();
            let refused = read(client, token).await;
            refused.expect_code("BAD_REQUEST");
            let message = &refused.body["errors"][0]["message"];
            assert!(
                message
                    .as_str()
                    .is_some_and(|it| it.starts_with("This is not a token")),
                "{message}"
            );
            assert!(asked.elapsed() < AT_ONCE, "{token}: {:?}", asked.elapsed());
        }
    }
}

async fn each_request_of_a_batch_waits(setup: Setup) {
    let app = setup.start_many(1, 0, &["--batching"]);
    let batch = json!([{ "query": QUERY }, { "query": "{ me { id } }" }]);
    let header = [("read-after", "nonsense")];
    let answer = app.client().post(&batch, &header).await;
    let answers = answer.expect("an answer").body;
    for at in 0..2 {
        let code = &answers[at]["errors"][0]["extensions"]["code"];
        assert_eq!(code, "BAD_REQUEST", "{answers}");
    }
}

/// Three hundred who wait for what does not come look at the database as one, and no user waits more than a few times.
async fn who_waits_costs_others_nothing(setup: Setup) {
    let limit = Duration::from_secs(4);
    let app = setup.start_many(1, 0, &["--read-after-timeout", "4s"]);
    let admin = app.client();
    let beside = Beside::begin(&app).await;
    let nobody = "00000000000000000000000000000007";
    let token = tokens::read_after(&setup.admin().id, &format!("customer-{nobody}-3"));
    let began = Instant::now();
    let waiting = join_all((0..300).map(|_| async {
        let answer = read(admin, &token).await;
        (answer, began.elapsed())
    }));
    let writing = async {
        let mut slowest = Duration::ZERO;
        let mut socket = admin.socket().await;
        socket
            .subscribe("1", "subscription { customerChanged { type } }", json!({}))
            .await;
        for number in 0..10 {
            let asked = Instant::now();
            customers::create(admin, "Eve", &format!("eve{number}@example.org")).await;
            socket.change("1").await;
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(waiting, writing);
    let refused = answers
        .iter()
        .filter(|(answer, _)| answer.code() == Some("RATE_LIMITED"));
    let waited = answers
        .iter()
        .filter(|(answer, _)| answer.code() == Some("READ_AFTER_TIMEOUT"));
    let (refused, waited) = (refused.collect::<Vec<_>>(), waited.count());
    println!("the slowest mutation was heard of after {slowest:?}");
    assert_eq!(refused.len() + waited, 300);
    // Who comes so late on a slow machine that the first have waited has a place of theirs.
    let is_in_time = refused.iter().all(|(_, after)| *after < limit);
    assert!(waited == 64 || waited > 64 && !is_in_time, "{waited}");
    beside.end("300 reads that wait").await;
}

tests::embedded!(
    only_what_one_has_written_is_waited_for,
    each_request_of_a_batch_waits
);
tests::embedded!(alone: who_waits_costs_others_nothing);
