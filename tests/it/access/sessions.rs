//! Sessions end: by a refresh token that comes twice, by signing out, by a new password, by deactivation; on every gateway.

use sea_orm::ConnectionTrait;
use tests::graphql::Answer;
use tests::people::{self, Person};
use tests::waiting::SOON;
use tests::{Running, Setup, eventually};

use super::expect_unauthenticated;

/// A refresh token that comes a second time may have been stolen: the whole family ends.
async fn reused_refresh_tokens_end_their_session(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let first = people::register(client, "Ada").await;
    let elsewhere = people::sign_in(client, &first.email, &first.password).await;
    let second = people::refresh(client, &first).await;
    let third = people::refresh(client, &second).await;
    assert_eq!((&second.id, &third.id), (&first.id, &first.id));
    for person in [&first, &second, &third] {
        people::me(&person.client(client)).await.data();
    }
    let reused = people::send_refresh(client, &first.refresh_token).await;
    reused.expect_code("UNAUTHENTICATED");
    let refused = people::send_refresh(client, &third.refresh_token).await;
    refused.expect_code("UNAUTHENTICATED");
    for person in [&first, &second, &third] {
        expect_unauthenticated(&people::me(&person.client(client)).await, "REVOKED");
        ends_everywhere(&app, person).await;
    }
    people::me(&elsewhere.client(client)).await.data();
    people::refresh(client, &elsewhere).await;
    let unknown = people::send_refresh(client, "never given to anybody").await;
    assert_eq!(
        unknown.code(),
        refused.code(),
        "what was and what never was look alike"
    );
    assert_eq!(
        unknown.body["errors"][0]["message"],
        refused.body["errors"][0]["message"]
    );
}

/// On every gateway the token is soon no good.
async fn ends_everywhere(app: &Running, person: &Person) {
    for gateway in &app.gateways {
        eventually("the session has ended on every gateway", SOON, async || {
            let answer = people::me(&person.client(&gateway.client)).await;
            (answer.extensions()["reason"] == "REVOKED").then_some(())
        })
        .await;
    }
}

/// Refreshes at once with one token, as of two tabs, are one: all get the same tokens, and the session goes on.
async fn simultaneous_refreshes_are_one(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    for round in 0..10 {
        let person = people::register(app.client(), &format!("Ada {round}")).await;
        let attempts = (0..6).map(|number| {
            let client = app.clients()[number % app.gateways.len()].clone();
            let token = person.refresh_token.clone();
            async move { people::send_refresh(&client, &token).await }
        });
        let answers = futures::future::join_all(attempts).await;
        let given = |answer: &Answer| answer.data()["refresh"]["session"].clone();
        for answer in &answers {
            assert_eq!(given(answer), given(&answers[0]));
        }
        let next = Person::of(&answers[0], "refresh", &person.password);
        people::me(&next.client(app.client())).await.data();
        people::refresh(app.client(), &next).await;
    }
}

/// A client whose answer was lost asks again and gets the same tokens, whether it names a key or not; once it has used what it
/// got, the old token is a stolen one.
async fn a_lost_answer_is_given_again(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let person = people::register(client, "Ada").await;
    let first = people::send_refresh(client, &person.refresh_token).await;
    let body = people::refresh_body(&person.refresh_token);
    for repeat in 0..4 {
        let client = &app.clients()[repeat % app.gateways.len()];
        let key = ("idempotency-key", "the-same");
        let again = client.anonymous().post(&body, &[key]).await;
        let again = again.expect("an answer");
        assert_eq!(
            again.data()["refresh"]["session"],
            first.data()["refresh"]["session"]
        );
        let token = |answer: &Answer| answer.body["extensions"]["readAfter"].clone();
        assert_eq!(token(&again), token(&first));
    }
    let next = Person::of(&first, "refresh", &person.password);
    let last = people::refresh(client, &next).await;
    let stolen = people::send_refresh(client, &person.refresh_token).await;
    stolen.expect_code("UNAUTHENTICATED");
    ends_everywhere(&app, &last).await;
}

/// A token that comes again after the grace time ends the session.
async fn after_the_grace_time_a_repeat_is_a_reuse(setup: Setup) {
    let app = setup.start_many(1, 1, &[]);
    let client = app.client();
    let person = people::register(client, "Ada").await;
    let next = people::refresh(client, &person).await;
    let later = match setup.is_distributed() {
        true => "update refresh_repeat set exchanged_at = exchanged_at - interval '10 seconds'",
        false => "update refresh_repeat set exchanged_at = exchanged_at - 10",
    };
    let database = setup.database().await;
    let moved = database.execute_unprepared(later).await;
    assert_eq!(moved.expect("time passes").rows_affected(), 1);
    let reused = people::send_refresh(client, &person.refresh_token).await;
    reused.expect_code("UNAUTHENTICATED");
    expect_unauthenticated(&people::me(&next.client(client)).await, "REVOKED");
}

async fn signing_out_ends_sessions(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let first = people::register(client, "Ada").await;
    let second = people::sign_in(client, &first.email, &first.password).await;
    let third = people::sign_in(client, &first.email, &first.password).await;
    assert_eq!(people::sign_out(&first.client(client), false).await, 1);
    expect_unauthenticated(&people::me(&first.client(client)).await, "REVOKED");
    people::send_refresh(client, &first.refresh_token)
        .await
        .expect_code("UNAUTHENTICATED");
    ends_everywhere(&app, &first).await;
    people::me(&second.client(client)).await.data();
    // Nobody is signed out with a session that has expired.
    people::sign_in(client, &first.email, &first.password).await;
    let expire = "update session set expires_at = created_at where created_at = (select max(created_at) from session)";
    let expired = setup.database().await.execute_unprepared(expire).await;
    assert_eq!(expired.expect("it expires").rows_affected(), 1);
    assert_eq!(people::sign_out(&third.client(client), true).await, 2);
    for person in [&second, &third] {
        ends_everywhere(&app, person).await;
        people::send_refresh(client, &person.refresh_token)
            .await
            .expect_code("UNAUTHENTICATED");
    }
    people::sign_in(client, &first.email, &first.password).await;
}

async fn changing_the_password_ends_other_sessions(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let first = people::register(client, "Ada").await;
    let second = people::sign_in(client, &first.email, &first.password).await;
    let wrong = people::change_password(
        &first.client(client),
        "not the password",
        "another password",
    )
    .await;
    assert!(wrong.code().is_some(), "{}", wrong.http.text());
    let weak = people::change_password(&first.client(client), &first.password, "short").await;
    weak.expect_code("VALIDATION");
    people::me(&second.client(client)).await.data();
    people::change_password(&first.client(client), &first.password, "another password")
        .await
        .data();
    people::me(&first.client(client)).await.data();
    people::refresh(client, &first).await;
    ends_everywhere(&app, &second).await;
    let old = people::send_sign_in(client, &first.email, &first.password).await;
    old.expect_code("UNAUTHENTICATED");
    people::sign_in(client, &first.email, "another password").await;
}

async fn deactivation_ends_everything(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let first = people::register(client, "Ada").await;
    let second = people::sign_in(client, &first.email, &first.password).await;
    people::deactivate(&first.client(client), None).await.data();
    for person in [&first, &second] {
        expect_unauthenticated(&people::me(&person.client(client)).await, "REVOKED");
        ends_everywhere(&app, person).await;
        people::send_refresh(client, &person.refresh_token)
            .await
            .expect_code("UNAUTHENTICATED");
    }
    people::send_sign_in(client, &first.email, &first.password)
        .await
        .expect_code("UNAUTHENTICATED");
    let again = people::send_register(client, "Ada", &first.email, "a password as good").await;
    again.expect_code("CONFLICT");
}

tests::both_ways!(
    reused_refresh_tokens_end_their_session,
    simultaneous_refreshes_are_one,
    a_lost_answer_is_given_again,
    after_the_grace_time_a_repeat_is_a_reuse,
    signing_out_ends_sessions,
    changing_the_password_ends_other_sessions,
    deactivation_ends_everything,
);
