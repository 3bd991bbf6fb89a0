//! Signing in under attack: a password that is changed while it is checked, accounts that strangers guess at, and a crowd before the hashing.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tests::{Setup, database, people};
use tokio::sync::Notify;

use super::Beside;

/// Each hash takes 19 MiB, and the allocator keeps some of what hashes took for the next.
const MOST_GROWTH: u64 = 256 << 20;

/// Passwords that cost what they cost in production.
fn dear(setup: &mut Setup) {
    setup.settings.leave("MILLRACE_PASSWORD_MEMORY_KIB");
    setup.settings.leave("MILLRACE_PASSWORD_ITERATIONS");
}

/// Who signs in with a password that is being changed is signed in before that, and out by it, or not at all.
async fn a_session_of_the_old_password_ends_with_it(mut setup: Setup) {
    dear(&mut setup);
    let app = setup.start_many(1, 0, &[]);
    let client = app.client().anonymous();
    for round in 0..6 {
        let ada = people::register(&client, "Ada").await;
        let mine = ada.client(&client);
        let changing = people::change_password(&mine, &ada.password, "the next password");
        let signing_in = join_all((0..8).map(|number| {
            let (client, ada) = (client.clone(), ada.clone());
            async move {
                tokio::time::sleep(Duration::from_millis(number * 15)).await;
                people::send_sign_in(&client, &ada.email, &ada.password).await
            }
        }));
        let (changed, answers) = tokio::join!(changing, signing_in);
        if changed.code().is_some() {
            // Hashes are refused when too many wait.
            changed.expect_code("RATE_LIMITED");
            continue;
        }
        for answer in answers.iter().filter(|answer| answer.code().is_none()) {
            let guest = people::Person::of(answer, "signIn", &ada.password);
            let still = people::me(&guest.client(&client)).await;
            assert!(still.code() == Some("UNAUTHENTICATED"), "in round {round}");
        }
        people::me(&mine).await.data();
    }
}

/// Of two who change it at once, one knew the password that it had then.
async fn of_two_changes_at_once_one_counts(mut setup: Setup) {
    dear(&mut setup);
    let app = setup.start_many(1, 0, &[]);
    let client = app.client().anonymous();
    let ada = people::register(&client, "Ada").await;
    let mine = ada.client(&client);
    let other = people::sign_in(&client, &ada.email, &ada.password)
        .await
        .client(&client);
    let (one, two) = tokio::join!(
        people::change_password(&mine, &ada.password, "the first of two"),
        people::change_password(&other, &ada.password, "the second of two")
    );
    let refused = [&one, &two].map(|answer| answer.code().is_some());
    assert_ne!(refused[0], refused[1], "{:?} {:?}", one.code(), two.code());
}

/// The cost of hashes was raised: who signs in has a hash that costs as much, also who does so twice at once.
async fn a_dearer_hash_takes_the_place_of_a_cheaper_one(mut setup: Setup) {
    let app = setup.start_many(1, 0, &[]);
    let ada = people::register(&app.client().anonymous(), "Ada").await;
    drop(app);
    dear(&mut setup);
    let app = setup.start_many(1, 0, &[]);
    let client = app.client().anonymous();
    let sign_in = || people::send_sign_in(&client, &ada.email, &ada.password);
    let answers = join_all((0..4).map(|_| sign_in())).await;
    for answer in &answers {
        assert_ne!(answer.code(), Some("UNAUTHENTICATED"), "{answer:?}");
    }
    assert!(answers.iter().any(|answer| answer.code().is_none()));
    let database = setup.database().await;
    let of_ada = format!(
        "select p.hash as text from user_password p join app_user u on u.id = p.user_id where u.email_key = '{}'",
        ada.email
    );
    let hash = database::texts(&database, &of_ada).await.remove(0);
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    sign_in().await.data();
    people::send_sign_in(&client, &ada.email, "another password")
        .await
        .expect_code("UNAUTHENTICATED");
}

/// A password with all marks that may be letters can be read in thousands of ways. Nobody waits until they are all tried.
async fn passwords_of_marks_hold_nobody_up(setup: Setup) {
    let app = setup.start_many(1, 0, &[]);
    let client = app.client().anonymous();
    let beside = Beside::begin(&app).await;
    let password = "4@8({[<3691!|70$5+%2".repeat(4);
    let register = async |number: usize| {
        let email = format!("marks.{number}@example.com");
        people::send_register(&client, "Marks", &email, &password).await
    };
    let answers = join_all((0..24).map(register)).await;
    assert!(answers.iter().any(|answer| answer.code().is_none()));
    beside
        .end_within("24 passwords of marks", MOST_GROWTH)
        .await;
}

/// Strangers who guess lock nobody out elsewhere.
async fn the_owner_gets_in_from_elsewhere(mut setup: Setup) {
    setup
        .settings
        .leave("MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT");
    let app = setup.start_many(1, 0, &["--forwarded-addresses"]);
    let client = app.client().anonymous();
    let ada = people::register(&client, "Ada").await;
    let attempt = async |address: &str, password: &str| {
        let document = "mutation($input: SignInInput!) { signIn(input: $input) { user { id } } }";
        let input = serde_json::json!({ "input": { "email": ada.email, "password": password } });
        client
            .run_with(document, input, &[("x-forwarded-for", address)])
            .await
    };
    for last in 1..=12 {
        let address = format!("192.0.2.{last}:4711");
        attempt(&address, "a guess")
            .await
            .expect_code("UNAUTHENTICATED");
    }
    attempt("192.0.2.13", &ada.password).await.data();
    // From one place they are stopped, with the right one, too.
    for _ in 0..10 {
        attempt("[2001:db8::1]:4711", "a guess").await;
    }
    attempt("2001:db8::2", &ada.password)
        .await
        .expect_code("RATE_LIMITED");
    attempt("192.0.2.13", &ada.password).await.data();
}

async fn a_crowd_is_refused_before_anybody_waits(mut setup: Setup) {
    dear(&mut setup);
    let app = setup.start_many(1, 0, &["--forwarded-addresses"]);
    let client = app.client().anonymous();
    let ada = people::register(&client, "Ada").await;
    let document = "mutation($input: SignInInput!) { signIn(input: $input) { user { id } } }";
    let attempt = async |address: &str| {
        let input =
            serde_json::json!({ "input": { "email": ada.email, "password": ada.password } });
        client
            .run_with(document, input, &[("x-forwarded-for", address)])
            .await
    };
    let beside = Beside::begin(&app).await;
    let begun = Notify::new();
    let crowd = join_all((0..300).map(|_| async {
        let answer = attempt("192.0.2.1").await;
        begun.notify_one();
        answer
    }));
    let one_more = async {
        // One of the crowd is answered, so the others are there.
        begun.notified().await;
        let asked = Instant::now();
        (attempt("192.0.2.2").await, asked.elapsed())
    };
    let (answers, (one_more, waited)) = tokio::join!(crowd, one_more);
    let refused = answers
        .iter()
        .filter(|answer| answer.code() == Some("RATE_LIMITED"));
    println!(
        "{} of 300 were refused; one more waited {waited:?}",
        refused.count()
    );
    if one_more.code().is_some() {
        let error = one_more.expect_code("RATE_LIMITED");
        assert!(error["retryAfterSeconds"].is_number(), "{error}");
    }
    assert!(waited < super::SLOWEST, "{waited:?}");
    beside.end_within("300 sign-ins at once", MOST_GROWTH).await;
}

tests::embedded!(
    a_dearer_hash_takes_the_place_of_a_cheaper_one,
    a_session_of_the_old_password_ends_with_it,
    of_two_changes_at_once_one_counts,
    the_owner_gets_in_from_elsewhere
);
tests::embedded!(alone:
    a_crowd_is_refused_before_anybody_waits,
    passwords_of_marks_hold_nobody_up
);
