//! The tables beside the live ones, modelled on these in the database's catalog, so that a migration that changes a read model
//! also changes what is built. Indexes other than primary keys follow when the rows are there.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DbBackend, TryGetableMany};

use super::{ModelTable, RebuildError, Result, SUFFIX, build::take_time};
use crate::{
    Database, DatabaseTransaction, Error,
    database::Pool,
    sql::{Dialect, query_as, query_one_as},
};

/// A table's columns, and which of them are its primary key.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) key: Vec<String>,
    pub(super) others: Vec<String>,
}

/// An index, as created by `create {unique} index {name} on {table} {rest}`.
struct Index {
    name: String,
    unique: &'static str,
    rest: String,
}

/// Creates the tables, empty, and replaces any that an earlier rebuild left.
pub(super) async fn make_tables(tx: &DatabaseTransaction, tables: &[ModelTable]) -> Result<()> {
    for ModelTable { name, .. } in tables {
        let new = format!("{name}{SUFFIX}");
        tx.execute_unprepared(&format!("drop table if exists {new}"))
            .await?;
        let create = match tx.get_database_backend() {
            DbBackend::Postgres => {
                let sql = "select conname as name, pg_get_constraintdef(oid) as definition
                           from pg_constraint where conrelid = $1::text::regclass and contype = 'p'";
                let (key, definition): (String, String) = one(tx, sql, name).await?;
                format!(
                    "create table {new} (like {name} including all excluding indexes,
                     constraint {key}{SUFFIX} {definition})"
                )
            }
            _ => {
                let sql = "select sql from sqlite_master where type = 'table' and name = $1";
                let text: String = one(tx, sql, name).await?;
                let body = text.find('(').map_or("", |at| &text[at..]);
                format!("create table {new} {body}")
            }
        };
        tx.execute_unprepared(&create).await?;
    }
    Ok(())
}

async fn one<T: TryGetableMany>(
    tx: &DatabaseTransaction,
    sql: &str,
    table: &str,
) -> Result<T, Error> {
    let row = query_one_as(tx, sql, vec![table.into()]).await?;
    row.ok_or_else(|| {
        let what = format!("the table {table} of the read model");
        Error::Database(sea_orm::DbErr::RecordNotFound(what))
    })
}

/// Creates the missing indexes, each in a transaction of its own, and has the planner analyze the rows.
pub(super) async fn finish_tables(
    database: &Database,
    tables: &'static [ModelTable],
) -> Result<()> {
    for ModelTable { name, .. } in tables {
        let mut statements = index_statements(&database.background, name).await?;
        if database.backend().is_postgres() {
            statements.push(format!("analyze {name}{SUFFIX}"));
        }
        for sql in statements {
            database
                .transaction(Pool::Patient, |tx| {
                    let sql = sql.clone();
                    Box::pin(async move {
                        take_time(tx).await?;
                        tx.execute_unprepared(&sql).await.map_err(Error::from)?;
                        Ok::<_, Error>(())
                    })
                })
                .await?;
        }
    }
    Ok(())
}

/// Creates those indexes that are missing.
pub(super) async fn make_indexes(
    tx: &DatabaseTransaction,
    tables: &[ModelTable],
) -> Result<(), Error> {
    take_time(tx).await?;
    for ModelTable { name, .. } in tables {
        for sql in index_statements(tx, name).await? {
            tx.execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

/// Returns whether the tables beside the live ones have their columns.
pub(super) async fn are_alike(
    connection: &impl ConnectionTrait,
    tables: &[ModelTable],
) -> Result<bool> {
    let sql = connection.get_database_backend().either(
        "select attname::text as name, format_type(atttypid, atttypmod) as type from pg_attribute
         where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attname",
        "select name, type from pragma_table_info($1) order by name",
    );
    for ModelTable { name, .. } in tables {
        let live: Vec<(String, String)> = query_as(connection, sql, vec![(*name).into()]).await?;
        let beside = vec![format!("{name}{SUFFIX}").into()];
        if query_as::<(String, String)>(connection, sql, beside).await? != live {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns whether they have as many indexes, too.
async fn are_complete(tx: &DatabaseTransaction, tables: &[ModelTable]) -> Result<bool> {
    for ModelTable { name, .. } in tables {
        let beside = indexes(tx, &format!("{name}{SUFFIX}")).await?;
        if beside.len() != indexes(tx, name).await?.len() {
            return Ok(false);
        }
    }
    are_alike(tx, tables).await
}

async fn index_statements(
    connection: &impl ConnectionTrait,
    table: &str,
) -> Result<Vec<String>, Error> {
    let indexes = indexes(connection, table).await?;
    let statement = |index: &Index| {
        let Index { name, unique, rest } = index;
        format!("create {unique} index if not exists {name} on {table}{SUFFIX} {rest}")
    };
    Ok(indexes.iter().map(statement).collect())
}

/// Returns the indexes that the table beside `table` needs besides its primary key. SQLite cannot rename indexes, so there the
/// names alternate with every rebuild between the one with the suffix and the one without.
async fn indexes(connection: &impl ConnectionTrait, table: &str) -> Result<Vec<Index>, Error> {
    let is_postgres = connection.get_database_backend().is_postgres();
    let sql = match is_postgres {
        true => {
            "select c.relname as name, pg_get_indexdef(i.indexrelid) as definition
             from pg_index i join pg_class c on c.oid = i.indexrelid
             where i.indrelid = $1::text::regclass and not i.indisprimary order by c.relname"
        }
        false => {
            "select name, sql as definition from sqlite_master
             where type = 'index' and tbl_name = $1 and sql is not null order by name"
        }
    };
    let rows: Vec<(String, String)> = query_as(connection, sql, vec![table.into()]).await?;
    rows.into_iter()
        .map(|(name, definition)| {
            let lower = definition.to_lowercase();
            let at = match is_postgres {
                true => lower.find(" using "),
                false => lower.find('('),
            };
            Ok(Index {
                unique: if lower.starts_with("create unique ") {
                    "unique"
                } else {
                    ""
                },
                rest: at.map_or("", |at| &definition[at..]).to_owned(),
                name: match name.strip_suffix(SUFFIX) {
                    Some(without) => without.to_owned(),
                    None => format!("{name}{SUFFIX}"),
                },
            })
        })
        .collect()
}

/// Drops the live tables and renames those beside them. Readers wait for the commit.
///
/// # Errors
/// `Outdated` when the live ones have something that these lack: no migration runs beside the lock.
pub(super) async fn change_tables(tx: &DatabaseTransaction, tables: &[ModelTable]) -> Result<()> {
    let is_postgres = tx.get_database_backend().is_postgres();
    if is_postgres {
        let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
        let lock = format!("lock table {} in access exclusive mode", names.join(", "));
        tx.execute_unprepared(&lock).await?;
    }
    if !are_complete(tx, tables).await? {
        return Err(RebuildError::Outdated);
    }
    let mut sql = String::new();
    for ModelTable { name, .. } in tables {
        let _ = write!(
            sql,
            "drop table {name}; alter table {name}{SUFFIX} rename to {name};"
        );
    }
    tx.execute_unprepared(&sql).await?;
    if is_postgres {
        rename_indexes(tx, tables).await?;
    }
    Ok(())
}

async fn rename_indexes(tx: &DatabaseTransaction, tables: &[ModelTable]) -> Result<()> {
    for ModelTable { name, .. } in tables {
        let sql = "select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
                   where i.indrelid = $1::text::regclass";
        for index in query_as::<String>(tx, sql, vec![(*name).into()]).await? {
            if let Some(without) = index.strip_suffix(SUFFIX) {
                tx.execute_unprepared(&format!("alter index {index} rename to {without}"))
                    .await?;
            }
        }
    }
    Ok(())
}

/// Returns the columns of a live table, as the catalog has them.
pub(super) async fn columns(connection: &impl ConnectionTrait, table: &str) -> Result<Columns> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "select a.attname as name,
                    case when a.attnum = any (i.indkey) then 1 else 0 end as key
             from pg_attribute a
             join pg_index i on i.indrelid = a.attrelid and i.indisprimary
             where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum"
        }
        _ => {
            "select name, case when pk > 0 then 1 else 0 end as key from pragma_table_info($1) order by cid"
        }
    };
    let mut columns = Columns {
        key: Vec::new(),
        others: Vec::new(),
    };
    let rows: Vec<(String, i32)> = query_as(connection, sql, vec![table.into()]).await?;
    for (name, key) in rows {
        let list = match key {
            1 => &mut columns.key,
            _ => &mut columns.others,
        };
        list.push(name);
    }
    Ok(columns)
}
