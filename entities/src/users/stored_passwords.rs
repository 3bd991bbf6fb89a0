//! The table of password hashes, read and written in transactions that hold the lock of the user's row. Called by `sign_in`,
//! `mailing` and `making`.

use ::events::{
    Tx,
    sql::{execute, query_one_as},
};

use super::{
    User, UserError, UserEventKind, UserRefusal,
    commands::append,
    email_tokens,
    events::{EmailPurpose, Revocation},
    passwords::salt_of,
    sessions::{Session, end_sessions},
};
use crate::{CommandContext, access::UserId};

type Result<T, E = UserError> = std::result::Result<T, E>;

/// Sets a password, and ends these of the sessions that began with the one before.
pub(super) async fn set_password(
    tx: &Tx<'_>,
    context: &CommandContext,
    user: User,
    hash: &str,
    is_ended: impl Fn(&Session) -> bool,
) -> Result<User> {
    store_hash(tx, user.id, hash).await?;
    // Whoever has a mail from before must not set another one.
    email_tokens::remove(tx, user.id, EmailPurpose::ResetPassword).await?;
    let role = user.active_role();
    let user = append(tx, context, UserEventKind::PasswordChanged, user, role).await?;
    let revocation = Revocation::PasswordChanged;
    end_sessions(tx, context, user.id, is_ended, revocation).await?;
    Ok(user)
}

/// Checks, with the user's row locked, that the checked password is still the user's: the check takes long, and a change of the
/// password meanwhile has ended all sessions that began with the old one. Every decision that depends on a password has to
/// check it again here. A hash of another cost with the same salt is of the same password.
pub(super) async fn still_has(tx: &Tx<'_>, user_id: UserId, checked: &str) -> Result<()> {
    let sql = "select hash from user_password where user_id = $1";
    let hash: Option<String> = query_one_as(&**tx, sql, vec![user_id.into()]).await?;
    let is_same = |hash: &str| {
        let salt = salt_of(hash);
        hash == checked || (salt.is_some() && salt == salt_of(checked))
    };
    match hash.as_deref().is_some_and(is_same) {
        true => Ok(()),
        false => Err(UserRefusal::WrongCredentials.into()),
    }
}

/// Deletes the password, so that the user can no longer sign in.
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
