//! The tests' own databases, and views of their schemas.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use tests::{guard, postgres::Postgres};

pub(crate) use tests::Way;

/// Returns the URL of an empty database.
pub(crate) fn empty(way: Way) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    match way {
        Way::Embedded => {
            let directory = guard::new_directory("migrations");
            format!("sqlite://{}", directory.join("millrace.db").display())
        }
        Way::Distributed => Postgres::shared().empty_database(&format!("migrations_{number}")),
    }
}

/// Opens a connection beside the migration's.
pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let url = match url.starts_with("sqlite:") {
        true => format!("{url}?mode=rwc"),
        false => url.to_owned(),
    };
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("a connection")
}

pub(crate) async fn texts(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter()
        .map(|row| row.try_get("", "text").expect("a text"))
        .collect()
}

/// Returns everything that the schema consists of.
pub(crate) async fn schema(connection: &DatabaseConnection) -> Vec<String> {
    let queries: &[&str] = match connection.get_database_backend() {
        DbBackend::Postgres => &[
            "select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) as text
             from information_schema.columns where table_schema = 'public' order by 1",
            "select indexdef || ' ' || indisvalid as text from pg_indexes
             join pg_index on indexrelid = indexname::regclass where schemaname = 'public' order by 1",
            "select pg_get_functiondef(oid) as text from pg_proc
             where pronamespace = 'public'::regnamespace order by 1",
            "select conrelid::regclass || ' ' || pg_get_constraintdef(oid) as text from pg_constraint
             where connamespace = 'public'::regnamespace order by 1",
        ],
        _ => &["select name || ' ' || coalesce(sql, '') as text from sqlite_master order by 1"],
    };
    let mut schema = Vec::new();
    for query in queries {
        schema.extend(texts(connection, query).await);
    }
    schema
}
