//! The boundaries of transactions, as SQLx has them for both kinds of database: it counts how deep a connection is inside of them.
//! Called by `lease`.

use sea_orm::sqlx::{self, Connection, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;

pub(super) fn depth<C>(connection: &C) -> usize
where
    C: Connection,
    C::Database: sqlx::Database<Connection = C>,
{
    <C::Database as sqlx::Database>::TransactionManager::get_transaction_depth(connection)
}

pub(super) async fn begin<C>(connection: &mut C, statement: &'static str) -> sqlx::Result<()>
where
    C: Connection,
    C::Database: sqlx::Database<Connection = C>,
{
    let statement = Some(statement.into_sql_str());
    <C::Database as sqlx::Database>::TransactionManager::begin(connection, statement).await
}

pub(super) async fn commit<C>(connection: &mut C) -> sqlx::Result<()>
where
    C: Connection,
    C::Database: sqlx::Database<Connection = C>,
{
    <C::Database as sqlx::Database>::TransactionManager::commit(connection).await
}

pub(super) async fn rollback<C>(connection: &mut C) -> sqlx::Result<()>
where
    C: Connection,
    C::Database: sqlx::Database<Connection = C>,
{
    <C::Database as sqlx::Database>::TransactionManager::rollback(connection).await
}
