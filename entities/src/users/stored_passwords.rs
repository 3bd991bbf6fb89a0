//! The hashes of passwords in their table, written and looked at in transactions that hold the lock of the user's row. Called by
//! `sign_in`.

use ::events::{
    Tx,
    sql::{execute, query_one_as},
};

use super::{User, UserError, UserEventKind, UserRefusal, commands::append};
use crate::{CommandContext, access::UserId};

type Result<T, E = UserError> = std::result::Result<T, E>;

pub(super) async fn set_password(
    tx: &Tx<'_>,
    context: &CommandContext,
    user: User,
    hash: &str,
) -> Result<User> {
    store_hash(tx, user.id, hash).await?;
    append(tx, context, UserEventKind::PasswordChanged, user).await
}

/// Looks, with the user's row locked, whether the password that was checked is still the user's: checking takes long, and whoever
/// changed it meanwhile has ended all sessions that began with it. Whatever is decided by a password has to look again.
pub(super) async fn still_has(tx: &Tx<'_>, user_id: UserId, checked: &str) -> Result<()> {
    let sql = "select hash from user_password where user_id = $1";
    let hash: Option<String> = query_one_as(&**tx, sql, vec![user_id.into()]).await?;
    match hash.as_deref() == Some(checked) {
        true => Ok(()),
        false => Err(UserRefusal::WrongCredentials.into()),
    }
}

/// The user can sign in with nothing.
pub(super) async fn forget_password(tx: &Tx<'_>, user_id: UserId) -> Result<()> {
    let sql = "delete from user_password where user_id = $1";
    execute(&**tx, sql, vec![user_id.into()]).await?;
    Ok(())
}

pub(super) async fn store_hash(tx: &Tx<'_>, user_id: UserId, hash: &str) -> Result<()> {
    let sql = "insert into user_password (user_id, hash) values ($1, $2)
               on conflict (user_id) do update set hash = excluded.hash";
    execute(&**tx, sql, vec![user_id.into(), hash.into()]).await?;
    Ok(())
}
