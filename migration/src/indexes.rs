//! Creates indexes on tables in use, on Postgres: concurrently, so that no writer waits. An existing index is left alone. An
//! interrupted build leaves an index that is kept up to date and never used; it is dropped, and built again. Called for the
//! migrations in `CONCURRENT`, and for the search indexes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Creates the indexes of a script, which must contain nothing else. It runs outside a transaction, as a concurrent build requires.
pub(crate) async fn make_concurrently(
    connection: &DatabaseConnection,
    script: &str,
) -> Result<(), DbErr> {
    for statement in statements(script) {
        let (name, statement) = concurrent(&statement).map_err(DbErr::Custom)?;
        match is_valid(connection, &name).await? {
            Some(true) => {
                tracing::info!(index = name, "the index {name} exists already");
                continue;
            }
            Some(false) => {
                tracing::info!(
                    index = name,
                    "the index {name} was left unfinished; building it again"
                );
                let drop = format!("drop index concurrently if exists {name}");
                connection.execute_unprepared(&drop).await?;
            }
            None => {}
        }
        tracing::info!(index = name, "building the index {name}");
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// The search indexes. Their names and operators are those that `entities/src/searching.rs` relies on.
const SEARCHING: &str = "
    create index customer_search on customer using gin (search_text gin_trgm_ops);
    create index app_user_search on app_user using gin (search_text gin_trgm_ops);
    create index student_search on student using gin (search_text gin_trgm_ops);
    create index post_search on post using gin (search_text gin_trgm_ops);
";

/// What is known of the indexes of a Postgres database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexFacts {
    /// Whether search indexes can be created: the extension `pg_trgm` is there.
    pub has_trigrams: bool,
    /// The search indexes that are missing, or cannot be used.
    pub missing: Vec<String>,
    /// The indexes that cannot be used: they are being built, or were left by a build that was interrupted.
    pub unfinished: Vec<String>,
}

/// Looks at the indexes, and changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn examine_indexes(connection: &DatabaseConnection) -> Result<IndexFacts, DbErr> {
    let operators = "select 'gin_trgm_ops' as name from pg_opclass
        where opcname = 'gin_trgm_ops' and pg_opclass_is_visible(oid) limit 1";
    let unfinished = "select c.relname::text as name from pg_index i join pg_class c on c.oid = i.indexrelid
        where not (i.indisvalid and i.indisready) and c.relnamespace = current_schema()::regnamespace order by 1";
    let mut missing = Vec::new();
    for statement in statements(SEARCHING) {
        let (name, _) = concurrent(&statement).map_err(DbErr::Custom)?;
        if is_valid(connection, &name).await? != Some(true) {
            missing.push(name);
        }
    }
    Ok(IndexFacts {
        has_trigrams: !names(connection, operators).await?.is_empty(),
        missing,
        unfinished: names(connection, unfinished).await?,
    })
}

async fn names(connection: &DatabaseConnection, sql: &str) -> Result<Vec<String>, DbErr> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get("", "name")).collect()
}

/// Returns whether search indexes are missing that can be created.
pub(crate) async fn can_be_searched_faster(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    let facts = examine_indexes(connection).await?;
    Ok(facts.has_trigrams && !facts.missing.is_empty())
}

/// Creates the missing search indexes.
pub(crate) async fn make_search_indexes(connection: &DatabaseConnection) -> Result<(), DbErr> {
    match can_be_searched_faster(connection).await? {
        true => make_concurrently(connection, SEARCHING).await,
        false => Ok(()),
    }
}

/// Returns whether an index is valid; `None` if it does not exist.
async fn is_valid(connection: &DatabaseConnection, name: &str) -> Result<Option<bool>, DbErr> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "select indisvalid and indisready as valid from pg_index where indexrelid = to_regclass($1)",
        [name.into()],
    );
    let row = connection.query_one_raw(statement).await?;
    row.map(|row| row.try_get("", "valid")).transpose()
}

/// Splits a script into statements, without comments.
fn statements(script: &str) -> Vec<String> {
    let lines = script.lines().map(|line| match line.find("--") {
        Some(comment) => &line[..comment],
        None => line,
    });
    let script = lines.collect::<Vec<_>>().join("\n");
    let statements = script.split(';').map(|it| it.trim().to_owned());
    statements.filter(|it| !it.is_empty()).collect()
}

/// Returns the index's name, and the statement that creates it concurrently.
fn concurrent(statement: &str) -> Result<(String, String), String> {
    let refused = || format!("this cannot be done outside of a transaction: {statement}");
    let (create, rest) = ["create index ", "create unique index "]
        .iter()
        .find_map(|create| Some((*create, statement.strip_prefix(create)?)))
        .ok_or_else(refused)?;
    let name = rest.split_whitespace().next().ok_or_else(refused)?;
    Ok((name.to_owned(), format!("{create}concurrently {rest}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CONCURRENT;

    /// Tables of a few rows at most, on which an index is created at once.
    const SMALL: &[&str] = &["log_head"];
    /// The first migration whose versions check what is taken away.
    const LOOKED_AT: &str = "0016";

    /// Returns what a script must not do to existing tables, but does.
    fn harms(number: &str, script: &str) -> Vec<String> {
        let statements = statements(script);
        let made: Vec<&str> = statements
            .iter()
            .filter_map(|it| it.strip_prefix("create table ")?.split_whitespace().next())
            .collect();
        let is_old = |table: &str| !made.contains(&table) && !SMALL.contains(&table);
        let raises = statements
            .iter()
            .any(|it| it.starts_with("update schema_compatibility set lowest = "));
        let harm = |statement: &&String| {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let after = |word: &str| {
                let place = words.iter().position(|it| *it == word)?;
                words.get(place + 1).copied()
            };
            let is_index = concurrent(statement).is_ok();
            let contracts = statement.starts_with("drop table")
                || statement.starts_with("alter table")
                    && ["drop", "rename", "type"]
                        .iter()
                        .any(|word| words.contains(word));
            (is_index && after("on").is_some_and(is_old))
                || (contracts && !raises && number > LOOKED_AT)
        };
        statements.iter().filter(harm).cloned().collect()
    }

    #[test]
    fn an_index_is_made_concurrently() {
        let made = concurrent("create unique index a on b (c)");
        let (name, statement) = made.expect("an index");
        assert_eq!(name, "a");
        assert_eq!(statement, "create unique index concurrently a on b (c)");
        assert!(concurrent("create table a (b int)").is_err());
    }

    #[test]
    fn what_harms_is_seen() {
        let harms = |script: &str| harms("0017", script);
        assert!(harms("create table a (b int);\ncreate index c on a (b);").is_empty());
        assert!(harms("alter table a add column c int;").is_empty());
        for harmful in [
            "create index c on a (b);",
            "-- so\nalter table a drop column b;",
            "alter table a rename column b to c;",
            "drop table a;",
        ] {
            assert_eq!(harms(harmful).len(), 1, "{harmful}");
        }
        let told = "drop table a; update schema_compatibility set lowest = 17;";
        assert!(harms(told).is_empty());
    }

    /// A script that runs in a transaction creates no index on a table that may be large, and removes nothing silently; one that
    /// does not run in a transaction contains only indexes.
    #[test]
    fn migrations_keep_the_rules() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).expect("the scripts") {
            let path = entry.expect("a script").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            let Some(name) = name.strip_suffix(".postgres.sql") else {
                continue;
            };
            let script = std::fs::read_to_string(&path).expect("a script");
            seen += 1;
            if CONCURRENT.contains(&format!("m{name}").as_str()) {
                for statement in statements(&script) {
                    assert!(concurrent(&statement).is_ok(), "{name}: {statement}");
                }
            } else {
                let number = name.split('_').next().unwrap_or_default();
                assert_eq!(harms(number, &script), Vec::<String>::new(), "{name}");
            }
        }
        assert!(seen >= CONCURRENT.len() + 12, "{seen} scripts");
    }
}
