//! The keys that tokens are signed with: changed without a gap, demanded where gateways must agree on them, made and kept where
//! there is one gateway only. Settings alone run embedded.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::json;
use tests::people;
use tests::recipe::{finish, product_command};
use tests::tokens::{KEY_ID, SECRET, header_of, keys};
use tests::{Gateway, Setup, guard};

use super::expect_unauthenticated;

const NEW_KEY: &str = "new:an-even-better-secret-of-tests-with-32-bytes";

/// A gateway with these keys; the one before has ended, as SQLite has one process.
fn with_keys(setup: &mut Setup, before: Option<Gateway>, keys: &str) -> Gateway {
    drop(before);
    setup.settings.set("MILLRACE_TOKEN_KEYS", keys);
    setup.gateway(&[])
}

async fn keys_change_without_a_gap(mut setup: Setup) {
    let gateway = with_keys(&mut setup, None, &keys());
    let old = people::register(&gateway.client, "Ada").await;
    assert_eq!(header_of(&old.access_token)["kid"], KEY_ID);
    assert_eq!(header_of(&old.access_token)["alg"], "HS256");

    // First the new key is made known, then it signs, then the old one goes.
    let both = format!("{},{NEW_KEY}", keys());
    let gateway = with_keys(&mut setup, Some(gateway), &both);
    let still = people::sign_in(&gateway.client, &old.email, &old.password).await;
    assert_eq!(
        header_of(&still.access_token)["kid"],
        KEY_ID,
        "the first key signs"
    );

    let gateway = with_keys(&mut setup, Some(gateway), &format!("{NEW_KEY},{}", keys()));
    people::me(&old.client(&gateway.client)).await.data();
    let new = people::sign_in(&gateway.client, &old.email, &old.password).await;
    assert_eq!(header_of(&new.access_token)["kid"], "new");
    people::me(&new.client(&gateway.client)).await.data();

    let gateway = with_keys(&mut setup, Some(gateway), NEW_KEY);
    people::me(&new.client(&gateway.client)).await.data();
    expect_unauthenticated(&people::me(&old.client(&gateway.client)).await, "INVALID");
    let renewed = people::refresh(&gateway.client, &old).await;
    assert_eq!(
        header_of(&renewed.access_token)["kid"],
        "new",
        "the session goes on"
    );
    drop(gateway);
}

/// Tells what a gateway says that does not start.
fn refused(setup: &Setup, keys: Option<&str>) -> String {
    let mut command = product_command("serve", &setup.directory);
    command.args([
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        &setup.database_url,
    ]);
    if let Some(keys) = keys {
        command.env("MILLRACE_TOKEN_KEYS", keys);
    }
    let output = finish(&mut command);
    let said = said(&output);
    assert!(!output.status.success(), "it runs with {keys:?}: {said}");
    said
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn gateways_that_share_a_database_need_keys(setup: Setup) {
    let said = refused(&setup, None);
    assert!(
        said.contains("--token-keys") || said.contains("MILLRACE_TOKEN_KEYS"),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}

async fn keys_that_are_no_good_are_refused(setup: Setup) {
    let twice = format!("a:{SECRET},a:{SECRET}");
    let cases = [
        ("a:short-and-easily-guessed", "32 bytes"),
        (SECRET, "id:secret"),
        ("", ""),
        (":0123456789abcdef0123456789abcdef", "id"),
        (&twice, "same id"),
    ];
    for (keys, told) in cases {
        let said = refused(&setup, Some(keys));
        assert!(said.contains(told), "{keys:?}: {said}");
        for secret in ["short-and-easily-guessed", SECRET, "0123456789abcdef"] {
            assert!(!said.contains(secret), "it tells the secret: {said}");
        }
    }
}

/// Without keys of its own an embedded gateway makes one, keeps it for itself, and takes it again.
#[test]
fn an_embedded_gateway_keeps_its_own_key() {
    tests::setup::run(async || {
        let mut setup = Setup::embedded();
        setup.settings.leave("MILLRACE_TOKEN_KEYS");
        let mut gateway = setup.gateway(&[]);
        let client = gateway.client.anonymous();
        let person = people::register(&client, "Ada").await;
        gateway.kill_and_restart();
        people::me(&person.client(&client)).await.data();
        expect_unauthenticated(&people::me(&gateway.client).await, "INVALID");
        let secrets: Vec<_> = std::fs::read_dir(&setup.directory)
            .expect("the directory of the database")
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().contains("key"))
            .collect();
        assert_eq!(secrets.len(), 1, "one file of keys: {secrets:?}");
        let mode = secrets[0]
            .metadata()
            .expect("its mode")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "nobody else may read it: {mode:o}");

        // Another database has another key.
        let mut other = Setup::embedded();
        other.settings.leave("MILLRACE_TOKEN_KEYS");
        let stranger = other.gateway(&[]);
        expect_unauthenticated(
            &people::me(&person.client(&stranger.client)).await,
            "INVALID",
        );
    });
}

/// Lifetimes are what the settings say, and wrong ones are refused.
async fn lifetimes_are_settings(mut setup: Setup) {
    setup.settings.leave("MILLRACE_ACCESS_TOKEN_LIFETIME");
    let gateway = setup.gateway(&[
        "--access-token-lifetime",
        "90s",
        "--refresh-token-lifetime",
        "1h",
    ]);
    let person = people::register(&gateway.client, "Ada").await;
    let claims = tests::tokens::claims(&person.access_token);
    let number = |name: &str| claims[name].as_i64().expect("a number");
    assert_eq!(number("exp") - number("iat"), 90);
    assert!(number("nbf") <= number("iat"));
    assert_eq!(claims["iss"], "millrace");
    let sessions = gateway.client.anonymous();
    let document = "mutation($input: RefreshInput!) { refresh(input: $input) { session { accessTokenExpiresAt refreshTokenExpiresAt } } }";
    let answer = sessions
        .run(
            document,
            json!({ "input": { "refreshToken": person.refresh_token } }),
        )
        .await;
    let session = &answer.data()["refresh"]["session"];
    let seconds = |name: &str| {
        let text = session[name].as_str().expect("a time");
        assert!(text.ends_with('Z') || text.ends_with("+00:00"), "{text}");
        text.to_owned()
    };
    assert!(
        seconds("accessTokenExpiresAt") < seconds("refreshTokenExpiresAt"),
        "{session}"
    );
    drop(gateway);
    let directory = guard::new_directory("lifetimes");
    for wrong in ["0s", "forever", "-1m"] {
        let mut command = product_command("serve", &directory);
        command.args(["--access-token-lifetime", wrong, "--listen", "127.0.0.1:0"]);
        let output = finish(&mut command);
        assert!(
            !output.status.success(),
            "{wrong} was taken: {}",
            said(&output)
        );
    }
}

tests::both_ways!(keys_change_without_a_gap);
tests::embedded!(keys_that_are_no_good_are_refused, lifetimes_are_settings);
tests::distributed!(gateways_that_share_a_database_need_keys);
