//! Mails with tokens, to a mail server: they do what they are for once, for whoever reads them and nobody else, and the answers to those who
//! ask for them tell nothing.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::mail::MailServer;
use tests::people::{self, register};
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

const NEW_PASSWORD: &str = "knit a blue hat";

async fn ask_for_reset(client: &Client, email: &str) -> Answer {
    let document = "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { isAccepted } }";
    let input = json!({ "input": { "email": email } });
    client.anonymous().run(document, input).await
}

async fn reset(client: &Client, token: &str, password: &str) -> Answer {
    let document =
        "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { user { id } } }";
    let input = json!({ "input": { "token": token, "newPassword": password } });
    client.anonymous().run(document, input).await
}

async fn ask_for_verification(client: &Client, email: &str) -> Answer {
    let document = "mutation($input: RequestEmailVerificationInput!) { requestEmailVerification(input: $input) { isAccepted } }";
    let input = json!({ "input": { "email": email } });
    client.run(document, input).await
}

async fn verify(client: &Client, token: &str) -> Answer {
    let document = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { id emailVerifiedAt } } }";
    client
        .anonymous()
        .run(document, json!({ "input": { "token": token } }))
        .await
}

async fn verified_at(client: &Client) -> Value {
    let answer = client.run("{ me { emailVerifiedAt } }", json!({})).await;
    answer.data()["me"]["emailVerifiedAt"].clone()
}

/// Has the product send its mails to a server of the test.
async fn with_mail(setup: &mut Setup) -> MailServer {
    let server = MailServer::start().await;
    setup.settings.set("MILLRACE_SMTP_URL", &server.url());
    let from = "Millrace <no-reply@example.org>";
    setup.settings.set("MILLRACE_MAIL_FROM", from);
    server
}

async fn an_address_is_verified_by_whoever_reads_its_mail(mut setup: Setup) {
    let mails = with_mail(&mut setup).await;
    let app = setup.start();
    let ada = register(app.client(), "Ada").await;
    let client = ada.client(app.client());
    assert_eq!(verified_at(&client).await, Value::Null);
    ask_for_verification(&client, &ada.email).await.data();
    let mail = mails.next().await;
    assert_eq!(mail.to, ada.email);
    assert!(
        mail.text.contains("From: Millrace <no-reply@example.org>"),
        "{mail:?}"
    );
    let token = mail.token();
    // It is for nothing else.
    reset(&client, &token, NEW_PASSWORD)
        .await
        .expect_code("VALIDATION");
    verify(&client, "an unknown token")
        .await
        .expect_code("VALIDATION");
    let answer = verify(&client, &token).await;
    let user = &answer.data()["verifyEmail"]["user"];
    assert_eq!(user["id"], json!(ada.id));
    assert!(user["emailVerifiedAt"].is_string(), "{user}");
    assert_eq!(verified_at(&client).await, user["emailVerifiedAt"]);
    verify(&client, &token).await.expect_code("VALIDATION");
    // Others see it if they see the address.
    let document = format!("{{ user(id: \"{}\") {{ name emailVerifiedAt }} }}", ada.id);
    let bob = register(app.client(), "Bob").await;
    let shown = bob.client(app.client()).run(&document, json!({})).await;
    assert_eq!(shown.data()["user"]["emailVerifiedAt"], Value::Null);
    let shown = app.client().run(&document, json!({})).await;
    assert!(shown.data()["user"]["emailVerifiedAt"].is_string());
    // There is nothing more to verify: the next mail is Bob's.
    for email in [&ada.email, "nobody@example.com", &bob.email] {
        ask_for_verification(&client, email).await.data();
    }
    assert_eq!(mails.next().await.to, bob.email);
}

async fn a_password_is_reset_by_mail(mut setup: Setup) {
    let mails = with_mail(&mut setup).await;
    let app = setup.start();
    let ada = register(app.client(), "Ada").await;
    let client = ada.client(app.client());
    let mut socket = client.socket().await;
    let unknown = ask_for_reset(&client, "nobody@example.com").await;
    let known = ask_for_reset(&client, &ada.email.to_uppercase()).await;
    assert_eq!(unknown.data(), known.data());
    let mail = mails.next().await;
    assert_eq!(mail.to, ada.email);
    let token = mail.token();
    // A password that was changed meanwhile takes the mail with it.
    let changed = people::change_password(&client, &ada.password, "a red hat, knitted").await;
    changed.data();
    reset(&client, &token, NEW_PASSWORD)
        .await
        .expect_code("VALIDATION");
    ask_for_reset(&client, &ada.email).await.data();
    let token = mails.next().await.token();
    // The second is known only when the token has told whose it is.
    for weak in ["password1", &ada.email] {
        let refused = reset(&client, &token, weak).await;
        let violations = &refused.expect_code("VALIDATION")["violations"];
        assert_eq!(violations[0]["code"], "guessable", "{violations}");
    }
    let both = [
        reset(&client, &token, NEW_PASSWORD),
        reset(&client, &token, "another blue hat"),
    ];
    let answers = futures::future::join_all(both).await;
    let done: Vec<bool> = answers.iter().map(|it| it.code().is_none()).collect();
    assert_eq!(
        done.iter().filter(|it| **it).count(),
        1,
        "used once: {answers:?}"
    );
    let password = if done[0] {
        NEW_PASSWORD
    } else {
        "another blue hat"
    };
    assert_eq!(socket.closed().await, 4403);
    client
        .run("{ me { id } }", json!({}))
        .await
        .expect_code("UNAUTHENTICATED");
    people::send_sign_in(&client.anonymous(), &ada.email, &ada.password)
        .await
        .expect_code("UNAUTHENTICATED");
    people::sign_in(&client.anonymous(), &ada.email, password).await;
    reset(&client, &token, NEW_PASSWORD)
        .await
        .expect_code("VALIDATION");

    // Whoever asks, and however often, a user gets three mails an hour.
    let database = setup.database().await;
    let tokens = "select count(*) as number from email_token";
    assert_eq!(database::number(&database, tokens).await, 0);
    for _ in 0..5 {
        ask_for_reset(&client, &ada.email).await.data();
    }
    for _ in 0..3 {
        assert_eq!(mails.next().await.to, ada.email);
    }
    eventually("three are stored", SOON, async || {
        (database::number(&database, tokens).await == 3).then_some(())
    })
    .await;
    let bob = register(app.client(), "Bob").await;
    ask_for_reset(&client, &bob.email).await.data();
    assert_eq!(mails.next().await.to, bob.email);
    // The log tells that, and neither the token nor the address.
    let events = "select count(*) as number from event where stream = 'email'";
    assert_eq!(database::number(&database, events).await, 6);
    for secret in [token.as_str(), &ada.email, &bob.email] {
        let sql = format!("{events} and cast(data as text) like '%{secret}%'");
        assert_eq!(database::number(&database, &sql).await, 0);
    }
}

/// A user gets three mails an hour. What the server refused was none, and what was asked for at a time to come is long ago.
async fn mails_that_nobody_got_do_not_count(mut setup: Setup) {
    let mails = with_mail(&mut setup).await;
    let app = setup.start();
    let ada = register(app.client(), "Ada").await;
    let database = setup.database().await;
    let (long_ago, in_a_day) = match database::is_postgres(&database) {
        true => (
            "created_at < now() - interval '50 minutes'",
            "created_at + interval '1 day'",
        ),
        false => (
            "julianday(created_at) < julianday('now', '-50 minutes')",
            "strftime('%Y-%m-%dT%H:%M:%f000+00:00', created_at, '+1 day')",
        ),
    };
    let uncounted = format!("select count(*) as number from email_token where {long_ago}");
    mails.refuse(true);
    for _ in 0..3 {
        ask_for_reset(app.client(), &ada.email).await.data();
    }
    eventually("they are given up", SOON, async || {
        (database::number(&database, &uncounted).await == 3).then_some(())
    })
    .await;
    mails.refuse(false);
    for _ in 0..3 {
        ask_for_reset(app.client(), &ada.email).await.data();
        assert_eq!(mails.next().await.to, ada.email);
    }
    // The clock was wrong then.
    let set = format!("update email_token set created_at = {in_a_day} where not ({long_ago})");
    let moved = database.execute_unprepared(&set).await;
    assert_eq!(moved.expect("an update").rows_affected(), 3);
    ask_for_reset(app.client(), &ada.email).await.data();
    let token = mails.next().await.token();
    reset(app.client(), &token, NEW_PASSWORD).await.data();
}

async fn without_a_mail_server_production_sends_none(setup: Setup) {
    let app = setup.start();
    let ada = register(app.client(), "Ada").await;
    // In development they are in the log.
    ask_for_reset(app.client(), &ada.email).await.data();
    drop(app);
    let app = setup.start_many(1, 0, &["--production"]);
    ask_for_reset(app.client(), &ada.email)
        .await
        .expect_code("FORBIDDEN");
    ask_for_verification(app.client(), &ada.email)
        .await
        .expect_code("FORBIDDEN");
}

tests::both_ways!(
    an_address_is_verified_by_whoever_reads_its_mail,
    a_password_is_reset_by_mail,
    mails_that_nobody_got_do_not_count
);
tests::embedded!(without_a_mail_server_production_sends_none);
