//! Tokens that are not what they say, or not any more: each is refused with its reason, whatever is asked with it, over HTTP
//! and on sockets. Tokens are checked in memory, so that these run embedded; what the database says of sessions is in `sessions`.

use serde_json::{Value, json};
use tests::people::{self, Person};
use tests::socket::{Frame, Socket};
use tests::tokens::{KEY_ID, SECRET, Signature, altered, claims, forge, header, now};
use tests::{Running, Setup};

use super::expect_unauthenticated;

const STRICT: (&str, &str) = ("accept", "application/graphql-response+json");
const UNKNOWN_UUID: &str = "01938c5e-7f2a-7bcd-8ef0-123456789abc";

/// Tokens that must not be taken for the person's, and the reason that is told.
fn bad_tokens(person: &Person) -> Vec<(&'static str, String, &'static str)> {
    let good = person.access_token.as_str();
    let claims = claims(good);
    let with_header = |changes: Value| {
        let mut header = header();
        for (name, value) in changes.as_object().expect("an object") {
            header[name] = value.clone();
        }
        header
    };
    let signed = |header: Value| forge(&header, &claims, Signature::Sha256(SECRET));
    let no_key = json!({ "alg": "HS256", "typ": "JWT" });
    let (body, signature) = good.rsplit_once('.').expect("three parts");
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let turned = format!("{body}.{other}{}", &signature[1..]);
    let none = with_header(json!({ "alg": "none" }));
    vec![
        ("a wrong signature", turned, "INVALID"),
        (
            "another secret",
            forge(
                &header(),
                &claims,
                Signature::Sha256("another secret of 32 bytes or more"),
            ),
            "INVALID",
        ),
        (
            "no signature",
            forge(&header(), &claims, Signature::Missing),
            "INVALID",
        ),
        (
            "half a signature",
            format!("{body}.{}", &signature[..20]),
            "INVALID",
        ),
        (
            "a signature that is no base64",
            forge(&header(), &claims, Signature::Text("!")),
            "INVALID",
        ),
        (
            "algorithm none",
            forge(&none, &claims, Signature::Missing),
            "INVALID",
        ),
        ("algorithm none, signed", signed(none), "INVALID"),
        (
            "algorithm None",
            forge(
                &with_header(json!({ "alg": "None" })),
                &claims,
                Signature::Missing,
            ),
            "INVALID",
        ),
        (
            "HS512",
            forge(
                &with_header(json!({ "alg": "HS512" })),
                &claims,
                Signature::Sha512(SECRET),
            ),
            "INVALID",
        ),
        (
            "HS256 called HS512",
            signed(with_header(json!({ "alg": "HS512" }))),
            "INVALID",
        ),
        (
            "HS256 called RS256",
            signed(with_header(json!({ "alg": "RS256" }))),
            "INVALID",
        ),
        (
            "HS256 called ES256",
            signed(with_header(json!({ "alg": "ES256" }))),
            "INVALID",
        ),
        (
            "no algorithm",
            signed(json!({ "typ": "JWT", "kid": KEY_ID })),
            "INVALID",
        ),
        (
            "an unknown key id",
            signed(with_header(json!({ "kid": "other" }))),
            "INVALID",
        ),
        (
            "an empty key id",
            signed(with_header(json!({ "kid": "" }))),
            "INVALID",
        ),
        (
            "a key id that is a path",
            signed(with_header(json!({ "kid": "../../dev/null" }))),
            "INVALID",
        ),
        ("no key id", signed(no_key), "INVALID"),
        (
            "a key of its own",
            signed(with_header(
                json!({ "kid": "other", "jwk": { "kty": "oct", "k": "c2VjcmV0" } }),
            )),
            "INVALID",
        ),
        (
            "expired",
            altered(good, &json!({ "exp": now() - 1 })),
            "EXPIRED",
        ),
        ("expired long ago", tests::tokens::expired(good), "EXPIRED"),
        (
            "expired at the beginning of time",
            altered(good, &json!({ "exp": 0 })),
            "EXPIRED",
        ),
        (
            "not yet valid",
            altered(good, &json!({ "nbf": now() + 600 })),
            "NOT_YET_VALID",
        ),
        (
            "no expiry",
            altered(good, &json!({ "exp": null })),
            "INVALID",
        ),
        (
            "an expiry that is a text",
            altered(good, &json!({ "exp": "never" })),
            "INVALID",
        ),
        (
            "another issuer",
            altered(good, &json!({ "iss": "elsewhere" })),
            "INVALID",
        ),
        (
            "no issuer",
            altered(good, &json!({ "iss": null })),
            "INVALID",
        ),
        (
            "no subject",
            altered(good, &json!({ "sub": null })),
            "INVALID",
        ),
        (
            "no session",
            altered(good, &json!({ "sid": null })),
            "INVALID",
        ),
        (
            "a subject that is no id",
            altered(good, &json!({ "sub": "admin" })),
            "INVALID",
        ),
        (
            "somebody else's session",
            altered(good, &json!({ "sub": UNKNOWN_UUID })),
            "REVOKED",
        ),
        (
            "a session that never was",
            altered(good, &json!({ "sid": UNKNOWN_UUID })),
            "REVOKED",
        ),
        (
            "claims that are a list",
            forge(&header(), &json!([1]), Signature::Sha256(SECRET)),
            "INVALID",
        ),
        ("two parts", body.to_owned(), "INVALID"),
        ("four parts", format!("{good}.x"), "INVALID"),
        ("the refresh token", person.refresh_token.clone(), "INVALID"),
        ("garbage", "garbage".to_owned(), "INVALID"),
        ("4 KB of it", "x".repeat(4_000), "INVALID"),
    ]
}

async fn bad_tokens_are_refused(setup: Setup) {
    let app = setup.start();
    let person = people::register(app.client(), "Ada").await;
    let bad = bad_tokens(&person);
    for (what, token, reason) in &bad {
        let client = app.client().signed_in_as(token);
        // Whatever is asked, also what needs nobody.
        for document in [
            "{ __typename }",
            "mutation { signOut(input: {}) { signedOut } }",
        ] {
            let body = json!({ "query": document });
            for (accept, status) in [(STRICT, 401), (("accept", "application/json"), 200)] {
                let answer = client.post(&body, &[accept]).await.expect("an answer");
                assert_eq!(answer.status, status, "{what}: {}", answer.http.text());
                assert_eq!(
                    answer.code(),
                    Some("UNAUTHENTICATED"),
                    "{what}: {}",
                    answer.http.text()
                );
                assert_eq!(
                    answer.extensions()["reason"],
                    *reason,
                    "{what}: {}",
                    answer.http.text()
                );
                assert!(
                    answer.body["data"].is_null(),
                    "{what}: {}",
                    answer.http.text()
                );
            }
        }
        let got = client
            .get("/graphql?query=%7B__typename%7D", &[STRICT])
            .await;
        assert_eq!(got.status, 401, "{what}: {}", got.text());
        let streamed = json!({ "query": "subscription { customerStatistics { total } }" });
        let answer = client
            .post(&streamed, &[("accept", "text/event-stream")])
            .await
            .expect("an answer");
        assert!(
            answer.http.text().contains("UNAUTHENTICATED"),
            "{what}: {}",
            answer.http.text()
        );
        assert_eq!(
            socket_end(&app, token).await,
            4403,
            "{what} in connection_init"
        );
    }
    println!("{} kinds of bad tokens", bad.len());
    person
        .client(app.client())
        .run("{ me { id } }", json!({}))
        .await
        .data();
}

/// The code that a socket with this token is closed with.
async fn socket_end(app: &Running, token: &str) -> u16 {
    let mut socket = Socket::upgrade(app.address(), "graphql-transport-ws")
        .await
        .expect("an upgrade");
    match socket.initialise_as(Some(token)).await {
        Ok(()) => panic!("the token was taken"),
        Err(problem) => {
            let code = problem
                .split("code: ")
                .nth(1)
                .and_then(|rest| rest.split(',').next());
            code.and_then(|code| code.parse().ok())
                .unwrap_or_else(|| panic!("no code: {problem}"))
        }
    }
}

async fn headers_that_are_no_bearer_are_refused(setup: Setup) {
    let app = setup.start();
    let person = people::register(app.client(), "Ada").await;
    let anonymous = app.client().anonymous();
    let body = json!({ "query": "{ me { id } }" });
    for value in [
        "Basic YWRhOnNlY3JldA==",
        "Bearer",
        "Bearer ",
        &person.access_token,
    ] {
        let answer = anonymous
            .post(&body, &[("authorization", value)])
            .await
            .expect("an answer");
        expect_unauthenticated(&answer, "INVALID");
    }
    let token = &person.access_token;
    for value in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER  {token}"),
    ] {
        let answer = anonymous
            .post(&body, &[("authorization", &value)])
            .await
            .expect("an answer");
        assert_eq!(answer.data()["me"]["id"], person.id, "{value}");
    }
    let own = person.client(app.client());
    let twice = own
        .post(&body, &[("authorization", "Bearer x")])
        .await
        .expect("an answer");
    assert!(
        twice.code().is_some(),
        "two tokens are none: {}",
        twice.http.text()
    );
}

/// A socket signs in with `connection_init` or with the header of its upgrade.
async fn sockets_sign_in_either_way(setup: Setup) {
    let app = setup.start();
    let person = people::register(app.client(), "Ada").await;
    let bearer = format!("Bearer {}", person.access_token);
    for key in ["authorization", "Authorization", "AUTHORIZATION"] {
        let mut socket = Socket::upgrade(app.address(), "graphql-transport-ws")
            .await
            .expect("an upgrade");
        socket
            .send(json!({ "type": "connection_init", "payload": { key: bearer } }))
            .await;
        assert_eq!(socket.message().await["type"], "connection_ack", "{key}");
        assert_eq!(me(&mut socket).await, person.id, "{key}");
    }
    let header = [("authorization", bearer.as_str())];
    let mut socket = Socket::upgrade_with(app.address(), "graphql-transport-ws", &header)
        .await
        .expect("an upgrade");
    socket.initialise().await.expect("an acknowledgement");
    assert_eq!(me(&mut socket).await, person.id, "by the header");
    let mut nobody = Socket::connect(app.address()).await;
    assert_eq!(me(&mut nobody).await, Value::Null);

    let header = [("authorization", "Bearer garbage")];
    match Socket::upgrade_with(app.address(), "graphql-transport-ws", &header).await {
        Err(error) => assert!(error.to_string().contains("401"), "{error}"),
        Ok(mut socket) => {
            let _ = socket.initialise().await;
            match socket.receive().await {
                Frame::Closed { code, .. } => assert_eq!(code, 4403),
                // `initialise` has read the closing frame already.
                Frame::Cut(_) => {}
                Frame::Message(message) => panic!("it was taken: {message}"),
            }
        }
    }
    for payload in [
        json!({ "authorization": 1 }),
        json!({ "authorization": "Basic x" }),
    ] {
        let mut socket = Socket::upgrade(app.address(), "graphql-transport-ws")
            .await
            .expect("an upgrade");
        socket
            .send(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert!(matches!(socket.closed().await, 4400 | 4403), "{payload}");
    }
}

async fn me(socket: &mut Socket) -> Value {
    socket.subscribe("me", "{ me { id } }", json!({})).await;
    let payload = socket.payload("me").await;
    assert_eq!(socket.message().await["type"], "complete");
    payload["data"]["me"]["id"].clone()
}

tests::embedded!(
    bad_tokens_are_refused,
    headers_that_are_no_bearer_are_refused,
    sockets_sign_in_either_way
);
