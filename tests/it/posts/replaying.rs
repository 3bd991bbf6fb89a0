//! Logs that others wrote: events of schema version 1 are read, folded, shown and continued by those who write version 2.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, Value as SqlValue};
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::{Setup, database, eventually, ids, waiting::SOON};

use super::api::{apply, becomes, comment, find, find_at, like, person};

/// Appends an event as an older Millrace did, long ago.
pub async fn append(
    database: &DatabaseConnection,
    id: u128,
    version: i64,
    event_type: &str,
    data: &Value,
) {
    let long_ago = 1_577_836_800;
    append_at(database, id, version, event_type, data, long_ago).await;
}

/// The same at any time, in seconds since 1970; on SQLite with the position before it in its part.
pub async fn append_at(
    database: &DatabaseConnection,
    id: u128,
    version: i64,
    event_type: &str,
    data: &Value,
    occurred_at_s: i64,
) {
    let bytes = id.to_be_bytes();
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let part = (hash % 16) as i64;
    let id = format!("{id:032x}");
    let event_id = format!("{:032x}", fastrand::u128(..));
    let values: Vec<SqlValue> = vec![
        event_id.into(),
        part.into(),
        id.into(),
        version.into(),
        event_type.into(),
        data.to_string().into(),
        r#"{"actor":"an older Millrace"}"#.into(),
        occurred_at_s.into(),
    ];
    let columns =
        "event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at";
    let sql = if database::is_postgres(database) {
        format!(
            "insert into event ({columns}) values ($1::text::uuid, $2, 'post', $3::text::uuid, $4, $5, 1, $6::text::json,
                 $7::text::json,
                 to_timestamp($8::bigint))"
        )
    } else {
        format!(
            "insert into event ({columns}, previous) values (unhex($1), $2, 'post', unhex($3), $4, $5, 1, $6, $7,
                 strftime('%Y-%m-%dT%H:%M:%S+00:00', $8, 'unixepoch'),
                 coalesce((select max(inserted) from event where part = $2), 0))"
        )
    };
    let backend = database.get_database_backend();
    let insert = Statement::from_sql_and_values(backend, sql, values);
    database.execute_raw(insert).await.expect("an event");
}

pub fn uuid(id: &str) -> String {
    let digits = ids::uuid_digits(id).expect("an id");
    format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

/// Waits until the read model has a post, whoever wrote it.
pub async fn appears(client: &Client, id: &Value) -> Value {
    eventually("the post is in the read model", SOON, async || {
        let found = find(client, id).await;
        (!found.is_null()).then_some(found)
    })
    .await
}

async fn a_log_of_version_1_is_read(setup: Setup) {
    let app = setup.start();
    let (ada_person, ada) = person(app.client(), "Ada").await;
    let start = ada.head().await;
    let post = 0x0191_8c5e_7f2a_7bcd_8ef0_1234_5678_9abc_u128;
    let id = json!(ids::global_id("post", post));
    let database = setup.database().await;
    let author = uuid(&ada_person.id);
    let created = json!({ "authorId": author, "text": "Written long ago" });
    append(&database, post, 1, "PostCreated", &created).await;
    append(
        &database,
        post,
        2,
        "PostLiked",
        &json!({ "userId": author }),
    )
    .await;

    let shown = eventually("both events are shown", SOON, async || {
        let found = find(&ada, &id).await;
        (found["version"] == 2).then_some(found)
    })
    .await;
    assert_eq!(shown["message"], "Written long ago");
    assert_eq!(shown["author"]["name"], "Ada");
    assert_eq!(
        (&shown["likeCount"], &shown["likedByMe"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(find_at(&ada, &id, 2).await, shown, "the fold says the same");
    assert_eq!(find_at(&ada, &id, 1).await["message"], "Written long ago");

    // The stream goes on in the new version.
    let post = shown.clone();
    comment(&ada, &post, "Still here").await;
    let edit = json!({ "id": id, "message": "Written anew", "expectedVersion": 3 });
    let edited = apply(&ada, "updatePost", edit).await["post"].clone();
    assert_eq!(
        like(&ada, &post).await["version"],
        4,
        "liked already, in the old log"
    );
    becomes(&ada, &edited).await;

    let mut socket = ada.socket().await;
    let changes = "subscription($id: ID!, $after: String) { postChanged(id: $id, after: $after) { \
        type version actor { name ... on User { id } } post { message } } }";
    socket
        .subscribe("1", changes, json!({ "id": id, "after": start }))
        .await;
    let first = socket.payload("1").await["data"]["postChanged"].clone();
    assert_eq!(
        (&first["type"], &first["actor"]["name"]),
        (&json!("CREATED"), &json!("an older Millrace"))
    );
    assert_eq!(
        first["post"]["message"], "Written anew",
        "as it is now, never older"
    );
}

tests::both_ways!(a_log_of_version_1_is_read);
