//! Upgrades every earlier schema, with data in it, to the newest: nothing is lost, and the result is the schema of a new database.

use migration::{Migrator, MigratorTrait, check, migrate};
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};

use crate::places::{Way, connect, empty, schema, texts};

/// The rows written under each migration, in SQL for both databases: `ID` is an id, `NOW` a time.
const DATA: &[(u32, &[&str])] = &[
    (
        1,
        &[
            "insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at PREVIOUS)
             values (ID, 3, 'customer', ID, 1, 'CustomerCreated', 1, '{\"name\":\"Ada\"}', '{\"actor\":\"process_test\"}', NOW PREVIOUSLY)",
            "insert into checkpoint (follower, part, position) values ('customer_statistics', 3, 1)",
        ],
    ),
    (
        2,
        &[
            "insert into customer values (ID, 'Ada', 'ada@example.com', 'ada@example.com', 'ada', null, 'PROSPECT', 1, NOW, NOW, null)",
            "insert into idempotency values ('user_1', 'key', ID, '{}', NOW)",
        ],
    ),
    (
        3,
        &[
            "insert into app_user values (ID, 'ada@example.com', 'ada@example.com', 'Ada', 'ada', null, 'MEMBER', 'ONLINE', 1, NOW, NOW, null)",
            "insert into session values (ID, ID, 1, NOW, NOW, null)",
            "insert into refresh_token values (BYTES, ID, null)",
            "insert into presence_socket values (ID, ID)",
        ],
    ),
];

/// Tables that have data, and how many rows.
const COUNTS: &str = "select 'event ' || count(*) as text from event union all
    select 'position ' || count(*) from event_position union all
    select 'checkpoint ' || count(*) from checkpoint";
const LATER_COUNTS: &[(u32, &str)] = &[
    (2, "customer"),
    (2, "idempotency"),
    (3, "app_user"),
    (3, "session"),
    (3, "refresh_token"),
    (3, "presence_socket"),
];

async fn fill(connection: &DatabaseConnection, number: u32) {
    let replaced = match connection.get_database_backend() {
        DbBackend::Postgres => [
            ("ID", "'01a1fdb9-0000-7000-8000-000000000001'"),
            ("NOW", "'2026-01-02 03:04:05+00'"),
            ("BYTES", "'\\x0102'"),
            ("PREVIOUSLY", ""),
            ("PREVIOUS", ""),
        ],
        _ => [
            ("ID", "x'01a1fdb9000070008000000000000001'"),
            ("NOW", "'2026-01-02T03:04:05+00:00'"),
            ("BYTES", "x'0102'"),
            ("PREVIOUSLY", ", 0"),
            ("PREVIOUS", ", previous"),
        ],
    };
    for (since, statements) in DATA.iter().filter(|(since, _)| *since == number) {
        for statement in *statements {
            let words = replaced
                .iter()
                .fold((*statement).to_owned(), |text, (word, value)| {
                    replace_word(&text, word, value)
                });
            let done = connection.execute_unprepared(&words).await;
            done.unwrap_or_else(|error| panic!("{since}: {words}: {error}"));
        }
    }
    if connection.get_database_backend() == DbBackend::Postgres {
        let numbered = connection.execute_unprepared("select sequence_events()");
        numbered.await.expect("positions");
    }
}

/// Replaces a word only where it stands alone.
fn replace_word(text: &str, word: &str, value: &str) -> String {
    let pieces = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let replaced = pieces.map(|piece| {
        let end = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        match end == word {
            true => piece.replacen(word, value, 1),
            false => piece.to_owned(),
        }
    });
    replaced.collect()
}

async fn counts(connection: &DatabaseConnection, number: u32) -> Vec<String> {
    let mut sql = COUNTS.to_owned();
    for (_, table) in LATER_COUNTS.iter().filter(|(since, _)| *since <= number) {
        sql.push_str(&format!(
            " union all select '{table} ' || count(*) from {table}"
        ));
    }
    texts(connection, &sql).await
}

async fn every_schema_becomes_the_newest(way: Way) {
    let new = empty(way);
    migrate(&new).await.expect("a new database");
    let newest = schema(&connect(&new).await).await;
    let all = u32::try_from(Migrator::migrations().len()).expect("a number");
    for steps in 1..all {
        let url = empty(way);
        let connection = connect(&url).await;
        for number in 1..=steps {
            Migrator::up(&connection, Some(1)).await.expect("a step");
            fill(&connection, number).await;
        }
        let before = counts(&connection, steps).await;
        assert!(check(&connection).await.is_err(), "{steps}: it is old");
        connection.close().await.expect("closed");

        let applied = migrate(&url).await.expect("the newest schema");
        assert_eq!(applied.len() as u32, all - steps);
        let connection = connect(&url).await;
        check(&connection).await.expect("it is up to date");
        assert_eq!(counts(&connection, steps).await, before, "from {steps}");
        assert_eq!(schema(&connection).await, newest, "from {steps}");
        assert_eq!(migrate(&url).await.expect("nothing to do").len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schema_becomes_the_newest_embedded() {
    every_schema_becomes_the_newest(Way::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schema_becomes_the_newest_distributed() {
    every_schema_becomes_the_newest(Way::Distributed).await;
}
