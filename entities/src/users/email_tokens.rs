//! The tables behind mails: tokens, by their hashes, and who has shown that their address is theirs. Who reads them cannot use a token.
//! Written with the lock of the user's row. Called by `mailing`.

use std::time::Duration;

use ::events::{
    Tx, now,
    sql::{execute, query_one_as},
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait};
use sha2::{Digest, Sha256};

use super::{Secret, UserError, events::EmailPurpose};
use crate::access::UserId;

type Result<T, E = UserError> = std::result::Result<T, E>;

/// The most mails for one purpose that a user gets within an hour, whoever asks for them.
const MOST_AN_HOUR: i64 = 3;
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) mod verified_email {
    //! The table of addresses that were shown to be their users'.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::access::UserId;

    #[sea_orm::model]
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "verified_email")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        pub verified_at: DateTime<Utc>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

impl EmailPurpose {
    const fn name(self) -> &'static str {
        match self {
            Self::ResetPassword => "RESET_PASSWORD",
            Self::VerifyAddress => "VERIFY_ADDRESS",
        }
    }

    /// Returns how long a token for it is valid.
    pub(super) const fn lifetime(self) -> Duration {
        match self {
            Self::ResetPassword => HOUR,
            Self::VerifyAddress => HOUR.saturating_mul(24),
        }
    }
}

fn hash(token: &Secret) -> Vec<u8> {
    Sha256::digest(token.reveal().as_bytes()).to_vec()
}

/// Stores a token; returns false when the user has had enough of them lately.
pub(super) async fn store(
    tx: &Tx<'_>,
    user_id: UserId,
    purpose: EmailPurpose,
    token: &Secret,
) -> Result<bool> {
    let at = now();
    // One that lies so far in the future was before the clock went back.
    let sql = "select count(*) from email_token
               where user_id = $1 and purpose = $2 and created_at > $3 and created_at < $4";
    let values = vec![
        user_id.into(),
        purpose.name().into(),
        (at - HOUR).into(),
        (at + HOUR).into(),
    ];
    let count: Option<i64> = query_one_as(&**tx, sql, values).await?;
    if count.unwrap_or_default() >= MOST_AN_HOUR {
        return Ok(false);
    }
    let sql = "insert into email_token (hash, user_id, purpose, created_at, expires_at)
               values ($1, $2, $3, $4, $5)";
    let values = vec![
        hash(token).into(),
        user_id.into(),
        purpose.name().into(),
        at.into(),
        (at + purpose.lifetime()).into(),
    ];
    execute(&**tx, sql, values).await?;
    Ok(true)
}

/// Leaves a token out of account when the next one is asked for: its mail could not be sent. It stays valid, as a mail server may have taken
/// what it gave no answer to.
pub(super) async fn discount(tx: &Tx<'_>, token: &Secret) -> Result<()> {
    let sql = "update email_token set created_at = $2 where hash = $1";
    let values = vec![hash(token).into(), (now() - HOUR).into()];
    execute(&**tx, sql, values).await?;
    Ok(())
}

/// Returns whose token this is, if it is valid.
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    purpose: EmailPurpose,
    token: &Secret,
) -> Result<Option<UserId>> {
    let sql = "select user_id from email_token
               where hash = $1 and purpose = $2 and expires_at > $3";
    let values = vec![hash(token).into(), purpose.name().into(), now().into()];
    Ok(query_one_as(connection, sql, values).await?)
}

/// Removes all tokens of a user for a purpose; with the user's row locked, none of them is used again.
pub(super) async fn remove(tx: &Tx<'_>, user_id: UserId, purpose: EmailPurpose) -> Result<()> {
    let sql = "delete from email_token where user_id = $1 and purpose = $2";
    execute(&**tx, sql, vec![user_id.into(), purpose.name().into()]).await?;
    Ok(())
}

/// Returns when a user's address was shown to be theirs.
pub(super) async fn verified_at(tx: &Tx<'_>, user_id: UserId) -> Result<Option<DateTime<Utc>>> {
    let found = verified_email::Entity::find_by_id(user_id)
        .one(&**tx)
        .await?;
    Ok(found.map(|row| row.verified_at))
}

pub(super) async fn set_verified(tx: &Tx<'_>, user_id: UserId) -> Result<()> {
    let sql = "insert into verified_email (user_id, verified_at) values ($1, $2)";
    execute(&**tx, sql, vec![user_id.into(), now().into()]).await?;
    Ok(())
}

/// Forgets what is known of a user's address.
pub(super) async fn forget(tx: &Tx<'_>, user_id: UserId) -> Result<()> {
    for table in ["email_token", "verified_email"] {
        let sql = format!("delete from {table} where user_id = $1");
        execute(&**tx, &sql, vec![user_id.into()]).await?;
    }
    Ok(())
}
