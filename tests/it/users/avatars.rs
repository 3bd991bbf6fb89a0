//! Avatars: sent by multipart requests, made anew, shown under addresses that never lead to anything else, and gone when they are removed or
//! their user is erased.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::http::Response;
use tests::people;
use tests::uploads::{self, BLUE, CLEAR, PREFLIGHT, RED, png};
use tests::waiting::SOON;
use tests::{Setup, database, eventually, ids};

const COMMENT: &[u8] = b"zq7marker";

const SET: &str = "mutation Set($picture: Upload!) { setAvatar(input: { picture: $picture }) { user { avatarUrl version } } }";
const REMOVE: &str = "mutation { removeAvatar { user { avatarUrl version } } }";

async fn send(client: &Client, file: &[u8], headers: &[(&str, &str)]) -> Answer {
    uploads::send(client, SET, file, headers).await
}

async fn set(client: &Client, picture: &str) -> (String, u64) {
    let answer = send(client, &png(picture), &[PREFLIGHT]).await;
    let user = &answer.data()["setAvatar"]["user"];
    let url = user["avatarUrl"].as_str().expect("an address");
    (url.to_owned(), user["version"].as_u64().expect("a version"))
}

async fn get(client: &Client, url: &str) -> Response {
    client.anonymous().get(url, &[]).await
}

async fn an_avatar_is_shown_under_its_own_address(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let own = ada.client(client);
    let before = client.head().await;
    let (red, version) = set(&own, RED).await;
    assert_eq!(version, 2);
    // Any gateway shows it to anybody who knows the address.
    let other = &app.gateways[app.gateways.len() - 1].client;
    let shown = get(other, &red).await;
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (200, Some("image/jpeg"))
    );
    assert_eq!(
        shown.header("cache-control"),
        Some("private, max-age=31536000, immutable")
    );
    assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
    assert!(shown.body.starts_with(&[0xff, 0xd8]) && shown.body.len() < 20_000);
    let says = |body: &[u8]| body.windows(COMMENT.len()).any(|it| it == COMMENT);
    assert!(says(&png(RED)) && !says(&shown.body));
    // The same changes nothing; another one has another address, and the one before is gone.
    assert_eq!(set(&own, RED).await, (red.clone(), 2));
    let (blue, version) = set(&own, BLUE).await;
    assert_eq!(version, 3);
    assert_ne!(blue, red);
    assert_eq!(get(client, &red).await.status, 404);
    let bob = people::register(client, "Bob").await;
    let (bobs, _) = set(&bob.client(client), BLUE).await;
    assert_ne!(bobs, blue, "nobody shares an address");
    let (clear, _) = set(&own, CLEAR).await;
    assert_eq!(
        get(client, &clear).await.header("content-type"),
        Some("image/webp")
    );
    assert_eq!(get(client, &bobs).await.status, 200);

    let document = "subscription($id: ID!, $after: String) { userChanged(id: $id, after: $after) { type version user { avatarUrl } } }";
    let mut socket = client.socket().await;
    let variables = json!({ "id": ada.id, "after": before });
    socket.subscribe("1", document, variables).await;
    for (number, url) in [(2, &red), (3, &blue), (4, &clear)] {
        let mut change = socket.payload("1").await["data"]["userChanged"].take();
        // The cursor may be of the moment before the registration was numbered.
        if change["version"] == 1 {
            change = socket.payload("1").await["data"]["userChanged"].take();
        }
        let expected =
            json!({ "type": "PROFILE_UPDATED", "version": number, "user": { "avatarUrl": url } });
        assert_eq!(change, expected);
    }
    let removed = own.run(REMOVE, json!({})).await;
    let nothing = json!({ "avatarUrl": null, "version": 5 });
    assert_eq!(removed.data()["removeAvatar"]["user"], nothing);
    let again = own.run(REMOVE, json!({})).await;
    assert_eq!(again.data()["removeAvatar"]["user"], nothing);
    assert_eq!(get(client, &clear).await.status, 404);
    for wrong in [
        "/avatars/",
        "/avatars/x",
        &format!("/avatars/{}", "0".repeat(64)),
    ] {
        assert_eq!(get(client, wrong).await.status, 404, "{wrong}");
    }
}

async fn only_pictures_that_were_asked_for_are_taken(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let own = people::register(client, "Ada").await.client(client);
    send(&client.anonymous(), &png(RED), &[PREFLIGHT])
        .await
        .expect_code("UNAUTHENTICATED");
    for headers in [&[][..], &[("graphql-preflight", "")]] {
        let refused = send(&own, &png(RED), headers).await;
        refused.expect_code("FORBIDDEN");
        assert_eq!(refused.status, 403);
    }
    let encoded = send(&own, &png(RED), &[PREFLIGHT, ("content-encoding", "gzip")]).await;
    assert_eq!(encoded.status, 415);
    let (_, version) = set(&own, RED).await;
    let apollo = ("apollo-require-preflight", "true");
    send(&own, &png(RED), &[apollo]).await.data();
    // A text stands for no file.
    let text = json!({ "picture": "#__graphql_file__:0" });
    own.run(SET, text)
        .await
        .expect_code("GRAPHQL_VALIDATION_FAILED");
    let document =
        "mutation { setAvatar(input: { picture: \"#__graphql_file__:x\" }) { user { id } } }";
    own.run(document, json!({}))
        .await
        .expect_code("GRAPHQL_VALIDATION_FAILED");
    for (file, code) in [
        (b"<svg/>".to_vec(), "format"),
        (Vec::new(), "format"),
        (png(RED)[..50].to_vec(), "format"),
        (vec![0; 2 * 1024 * 1024 + 1], "size"),
    ] {
        let refused = send(&own, &file, &[PREFLIGHT]).await;
        let violation = &refused.expect_code("VALIDATION")["violations"][0];
        assert_eq!(
            (&violation["field"], &violation["code"]),
            (&json!("picture"), &json!(code))
        );
    }
    // More than all of it may have is refused by what is announced, and nobody else uses that connection.
    let head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=x\r\n\
        graphql-preflight: 1\r\ncontent-length: 4194304\r\n\r\n";
    let alone = Client::new(own.address).signed_in_as(own.token().expect("a token"));
    let large = alone.send(&alone.signed(head)).await.expect("an answer");
    assert_eq!(large.status, 413);
    assert_eq!(people::me_at_version(&own).await["version"], version);

    // Who repeats it gets the answer that was there; another picture is another request.
    let keyed = [PREFLIGHT, ("idempotency-key", "key-1")];
    let first = send(&own, &png(BLUE), &keyed).await;
    set(&own, CLEAR).await;
    let again = send(&own, &png(BLUE), &keyed).await;
    assert_eq!(again.data(), first.data());
    let other = send(&own, &png(RED), &keyed).await;
    other.expect_code("IDEMPOTENCY_KEY_REUSED");
}

async fn an_erased_user_is_not_shown(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let store = setup.database().await;
    let is_gone = async |url: &str| {
        assert_eq!(get(client, url).await.status, 404);
        let rows = "select count(*) as number from app_user where avatar is not null";
        assert_eq!(database::number(&store, rows).await, 0);
        let rows = "select count(*) as number from avatar";
        assert_eq!(database::number(&store, rows).await, 0);
    };
    let ada = people::register(client, "Ada").await;
    let (url, _) = set(&ada.client(client), RED).await;
    people::deactivate(client, Some(&ada.id)).await.data();
    assert_eq!(
        get(client, &url).await.status,
        200,
        "what they wrote stays, too"
    );
    let erase = "mutation($input: EraseUserInput!) { eraseUser(input: $input) { erasure { user { avatarUrl } } } }";
    let erased = client
        .run(erase, json!({ "input": { "id": ada.id } }))
        .await;
    let user = &erased.data()["eraseUser"]["erasure"]["user"];
    assert_eq!(user["avatarUrl"], Value::Null);
    is_gone(&url).await;
    let hash = url.rsplit('/').next().expect("a hash");
    let log = eventually("the log is redacted", SOON, async || {
        let log = database::log(&store).await;
        let has = log
            .iter()
            .any(|event| event.data.to_string().contains(hash));
        (!has).then_some(log)
    })
    .await;
    let of_ada = log
        .iter()
        .filter(|event| event.kind == "UserProfileUpdated");
    assert_eq!(of_ada.count(), 1);

    // A version before deletes the password, and knows nothing of pictures.
    let bob = people::register(client, "Bob").await;
    let (url, _) = set(&bob.client(client), BLUE).await;
    let digits = ids::uuid_digits(&bob.id).expect("an id");
    let id = match database::is_postgres(&store) {
        true => format!("'{digits}'"),
        false => format!("x'{digits}'"),
    };
    let deleted = format!("delete from user_password where user_id = {id}");
    store
        .execute_unprepared(&deleted)
        .await
        .expect("a deletion");
    is_gone(&url).await;
}

tests::both_ways!(
    an_avatar_is_shown_under_its_own_address,
    only_pictures_that_were_asked_for_are_taken,
    an_erased_user_is_not_shown,
);
