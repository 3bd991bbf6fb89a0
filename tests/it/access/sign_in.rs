//! Signing in: who does not know the password learns nothing, not even from a clock; who tries often has to wait; and who
//! starts for the first time is told how. Attempts are counted in memory, and a password is checked alike both ways: that runs
//! embedded.

use std::process::Output;
use std::time::Duration;

use serde_json::json;
use tests::graphql::Client;
use tests::people::{self, ADMIN_EMAIL};
use tests::recipe::finish;
use tests::waiting::SOON;
use tests::{Setup, eventually};

use super::errors_of;

/// Of each kind, by turns.
const TURNS: u32 = 4;
const TRIES: u32 = 8;
/// How much longer one kind of failure may take than another.
const TOLERANCE: f64 = 1.5;

async fn failures_look_alike(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let gone = people::register(client, "Gone").await;
    people::deactivate(&gone.client(client), None).await.data();
    let unknown = people::send_sign_in(client, "nobody@example.com", &ada.password).await;
    let wrong = people::send_sign_in(client, &ada.email, "not the password").await;
    let deactivated = people::send_sign_in(client, &gone.email, &gone.password).await;
    assert_eq!(
        unknown.code(),
        Some("UNAUTHENTICATED"),
        "{}",
        unknown.http.text()
    );
    for other in [&wrong, &deactivated] {
        assert_eq!(errors_of(other), errors_of(&unknown));
        assert_eq!(other.status, unknown.status);
        assert_eq!(other.http.body.len(), unknown.http.body.len());
    }
    // However the address is written, it is the same one.
    let shouted = format!(" {} ", ada.email.to_uppercase());
    let found = people::sign_in(client, &shouted, &ada.password).await;
    assert_eq!(found.id, ada.id);
    people::send_sign_in(client, &ada.email, &ada.password.to_uppercase())
        .await
        .expect_code("UNAUTHENTICATED");
    people::send_sign_in(client, "", "")
        .await
        .expect_code("UNAUTHENTICATED");
}

/// With the product's own cost of a password, and the failures by turns. It is the processor's time of the gateway that is
/// measured, as what else the machine does is not in it.
async fn failures_take_alike_long(mut setup: Setup) {
    setup.settings.leave("MILLRACE_PASSWORD_MEMORY_KIB");
    setup.settings.leave("MILLRACE_PASSWORD_ITERATIONS");
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let gone = people::register(client, "Gone").await;
    people::deactivate(&gone.client(client), None).await.data();
    let attempts = [
        (
            "an unknown address",
            "nobody@example.com",
            "not the password",
        ),
        ("a wrong password", ada.email.as_str(), "not the password"),
        (
            "a deactivated user",
            gone.email.as_str(),
            gone.password.as_str(),
        ),
    ];
    let gateway = &app.gateways[0].process;
    let mut times = [Duration::ZERO; 3];
    for _ in 0..TURNS {
        for (index, (_, email, password)) in attempts.iter().enumerate() {
            let before = gateway.processor_time();
            for _ in 0..TRIES {
                let answer = people::send_sign_in(client, email, password).await;
                answer.expect_code("UNAUTHENTICATED");
            }
            times[index] += gateway.processor_time() - before;
        }
    }
    let times = times.map(|time| time / (TURNS * TRIES));
    for (index, (what, ..)) in attempts.iter().enumerate() {
        println!("{what}: {:?}", times[index]);
    }
    let (least, most) = (
        times.iter().min().expect("three"),
        times.iter().max().expect("three"),
    );
    assert!(
        most.as_secs_f64() < least.as_secs_f64() * TOLERANCE,
        "they can be told apart by a clock: {times:?}"
    );
    assert!(
        *least > Duration::from_millis(5),
        "a password costs something: {least:?}"
    );
}

async fn many_attempts_have_to_wait(mut setup: Setup) {
    setup
        .settings
        .set("MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT", "3");
    setup
        .settings
        .set("MILLRACE_SIGN_IN_ATTEMPTS_PER_ADDRESS", "12");
    let app = setup.start();
    let client = app.client();
    let [ada, bob] = [
        people::register(client, "Ada").await,
        people::register(client, "Bob").await,
    ];
    for _ in 0..3 {
        people::send_sign_in(client, &ada.email, "not the password")
            .await
            .expect_code("UNAUTHENTICATED");
    }
    // The right password is not let through either: it would tell that it is right.
    for password in ["not the password", &ada.password] {
        expect_to_wait(client, &ada.email, password).await;
    }
    let shouted = ada.email.to_uppercase();
    expect_to_wait(client, &shouted, &ada.password).await;
    // Others can, until too many have come from here; one that does not exist has to wait like one that does.
    people::sign_in(client, &bob.email, &bob.password).await;
    let mut refused = 0;
    for number in 0..12 {
        let email = format!("nobody{number}@example.com");
        let answer = people::send_sign_in(client, &email, "not the password").await;
        match answer.code() {
            Some("UNAUTHENTICATED") => assert_eq!(refused, 0, "once refused, always refused"),
            _ => {
                answer.expect_code("RATE_LIMITED");
                refused += 1;
            }
        }
    }
    assert!((3..=11).contains(&refused), "{refused} were refused");
    expect_to_wait(client, &bob.email, &bob.password).await;
    // Who has signed in is not bothered.
    people::me(&ada.client(client)).await.data();
    people::refresh(client, &ada).await;
}

async fn accounts_that_do_not_exist_wait_too(mut setup: Setup) {
    setup
        .settings
        .set("MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT", "2");
    let app = setup.start();
    for _ in 0..2 {
        people::send_sign_in(app.client(), "nobody@example.com", "not the password")
            .await
            .expect_code("UNAUTHENTICATED");
    }
    expect_to_wait(app.client(), "nobody@example.com", "not the password").await;
}

async fn expect_to_wait(client: &Client, email: &str, password: &str) {
    let answer = people::send_sign_in(client, email, password).await;
    let seconds = answer.expect_code("RATE_LIMITED")["retryAfterSeconds"].as_u64();
    assert!(
        seconds.is_some_and(|seconds| (1..=60).contains(&seconds)),
        "{}",
        answer.http.text()
    );
}

/// Whose address counts: the connection's, or with the flag what the proxy in front says.
async fn addresses_come_from_the_proxy_only_if_told(mut setup: Setup) {
    setup
        .settings
        .set("MILLRACE_SIGN_IN_ATTEMPTS_PER_ADDRESS", "2");
    for (flags, is_told_apart) in [(&[][..], false), (&["--forwarded-addresses"][..], true)] {
        let gateway = setup.gateway(flags);
        let mut limited = 0;
        for number in 0..5 {
            // What the client itself says comes before what the proxy adds.
            let forwarded = format!("198.51.100.7, 203.0.113.{number}");
            let body = json!({
                "query": "mutation($input: SignInInput!) { signIn(input: $input) { user { id } } }",
                "variables": { "input": { "email": format!("nobody{number}@example.com"), "password": "not the password" } },
            });
            let anonymous = gateway.client.anonymous();
            let answer = anonymous
                .post(&body, &[("x-forwarded-for", &forwarded)])
                .await
                .expect("an answer");
            limited += usize::from(answer.code() == Some("RATE_LIMITED"));
        }
        assert_eq!(limited, if is_told_apart { 0 } else { 3 }, "with {flags:?}");
    }
}

/// The first start makes an administrator and tells how to sign in; no later one does.
#[test]
fn the_first_start_tells_how_to_sign_in() {
    tests::setup::run(async || {
        let setup = Setup::embedded_from_nothing();
        let mut gateway = setup.gateway(&[]);
        let said = eventually("it tells the password", SOON, async || {
            let said = gateway.process.output();
            said.contains(ADMIN_EMAIL).then_some(said)
        })
        .await;
        let mut words = said.split_whitespace();
        words
            .find(|word| word.contains(ADMIN_EMAIL))
            .expect("the address");
        let mut found = None;
        // Where it is on the line is for the eye; that one of the words lets in is the promise.
        for word in words {
            let answer = people::send_sign_in(&gateway.client, ADMIN_EMAIL, word).await;
            if answer.code().is_none() {
                found = Some(word.to_owned());
                break;
            }
        }
        let password = found.unwrap_or_else(|| panic!("no password in {said}"));
        assert!(password.len() >= 12, "it can be guessed: {password}");
        let admin = people::sign_in(&gateway.client, ADMIN_EMAIL, &password).await;
        let me = people::me(&admin.client(&gateway.client)).await;
        assert_eq!(me.data()["me"]["role"], "ADMIN");
        assert!(
            !gateway.process.log().contains(&password),
            "it is printed, not logged"
        );

        gateway.kill_and_restart();
        let said = gateway.process.output();
        assert!(
            !said.contains(&password) && !said.contains(ADMIN_EMAIL),
            "{said}"
        );
        people::sign_in(&gateway.client, ADMIN_EMAIL, &password).await;
    });
}

fn administer(setup: &Setup, email: &str, password: Option<&str>) -> Output {
    let mut command = setup.command(&["admin"]);
    command.args(["--email", email]);
    if let Some(password) = password {
        command.env("MILLRACE_ADMIN_PASSWORD", password);
    }
    finish(&mut command)
}

async fn administrators_are_made_at_the_console(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let made = administer(&setup, "root@example.com", Some("a password of root"));
    assert!(made.status.success(), "{made:?}");
    assert!(
        !String::from_utf8_lossy(&made.stdout).contains("a password of root"),
        "{made:?}"
    );
    let root = people::sign_in(client, "root@example.com", "a password of root").await;
    assert_eq!(
        people::me(&root.client(client)).await.data()["me"]["role"],
        "ADMIN"
    );

    // A member becomes one, with a new password, which the gateway that runs learns by itself.
    let ada = people::register(client, "Ada").await;
    let given = administer(&setup, &ada.email, None);
    assert!(given.status.success(), "{given:?}");
    let said = String::from_utf8_lossy(&given.stdout).into_owned();
    people::send_sign_in(client, &ada.email, &ada.password)
        .await
        .expect_code("UNAUTHENTICATED");
    let mut signed_in = None;
    for word in said.split_whitespace() {
        let answer = people::send_sign_in(client, &ada.email, word).await;
        if answer.code().is_none() {
            signed_in = Some(people::sign_in(client, &ada.email, word).await);
        }
    }
    let ada_again = signed_in.unwrap_or_else(|| panic!("no password in {said}"));
    assert_eq!(ada_again.id, ada.id);
    eventually(
        "the gateway learns of the role",
        tests::waiting::SOON,
        async || {
            let me = people::me(&ada_again.client(client)).await;
            (me.data()["me"]["role"] == "ADMIN").then_some(())
        },
    )
    .await;
    for (email, password) in [
        ("nowhere", Some("a password of root")),
        ("new@example.com", Some("short")),
    ] {
        let refused = administer(&setup, email, password);
        assert!(
            !refused.status.success(),
            "{email} {password:?}: {refused:?}"
        );
    }
}

async fn the_last_administrator_stays(setup: Setup) {
    let app = setup.start();
    let admin = setup.admin();
    let refused = people::set_role(app.client(), &admin.id, "MEMBER").await;
    refused.expect_code("CONFLICT");
    people::deactivate(app.client(), None)
        .await
        .expect_code("CONFLICT");
    // Two who depose each other at once: one of them stays.
    let other = people::with_role(app.client(), "ADMIN").await;
    let (other_client, client) = (other.client(app.client()), app.client());
    let (one, two) = tokio::join!(
        people::set_role(client, &other.id, "MEMBER"),
        people::set_role(&other_client, &admin.id, "MEMBER"),
    );
    let done = [&one, &two]
        .iter()
        .filter(|answer| answer.code().is_none())
        .count();
    assert_eq!(done, 1, "{} {}", one.http.text(), two.http.text());
}

tests::both_ways!(
    administrators_are_made_at_the_console,
    the_last_administrator_stays
);
tests::embedded!(
    failures_look_alike,
    failures_take_alike_long,
    many_attempts_have_to_wait,
    accounts_that_do_not_exist_wait_too
);
tests::distributed!(addresses_come_from_the_proxy_only_if_told);
