//! Repeated exchanges of a refresh token. A client whose answer was lost, and two tabs that renew at once, harmlessly exchange
//! a token twice: for a grace time they get the first successor again. It is not stored: it is an HMAC of a random salt, keyed
//! with the old token. The table has the salt and hashes, so nobody can compute the successor from the table alone, nor from an
//! old token alone. A session's next exchange overwrites the salt, so the repeat of an earlier token is a reuse, as is one
//! after the grace time, by the database's clock.

use std::time::Duration;

use ::events::{
    Database, Tx,
    sql::{Dialect, execute, query_one_as},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sea_orm::{ConnectionTrait, DbBackend};
use sha2::Sha256;

use super::{Secret, UserError, tokens::random_bytes};
use crate::access::SessionId;

/// Separates the successor from all other uses of the same inputs.
const PURPOSE: &[u8] = b"millrace refresh token successor 1\0";

/// The longest grace time that can be set.
pub const LONGEST_GRACE: Duration = Duration::from_secs(60);

/// The successor of a token, or what is needed to compute it from that token.
pub(super) struct Successor {
    salt: Vec<u8>,
    /// When the first exchange was, in seconds since 1970, by the clock of the process that did it.
    pub(super) issued_at: u64,
}

impl Successor {
    /// Draws a random salt.
    pub(super) fn draw(issued_at: u64) -> Result<Self, UserError> {
        let salt = random_bytes().map_err(|error| UserError::Log(::events::Error::Task(error)))?;
        Ok(Self {
            salt: salt.to_vec(),
            issued_at,
        })
    }

    /// Returns the successor of `token`: 256 bits as text, always the same.
    pub(super) fn of(&self, token: &Secret) -> Secret {
        // HMAC accepts keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.reveal().as_bytes()) else {
            unreachable!("HMAC takes keys of every length")
        };
        mac.update(PURPOSE);
        mac.update(&self.salt);
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

/// Returns the condition that the exchange is not older than the number of seconds in a parameter. One that lies so far in the future was
/// before the clock went back.
fn is_recent(backend: DbBackend, parameter: usize) -> String {
    let (first, last) = (
        backend.clock_minus(parameter),
        backend.clock_plus(parameter),
    );
    format!("(exchanged_at > {first} and exchanged_at < {last})")
}

/// Stores the salt for the token with this hash, in place of the session's previous one.
pub(super) async fn remember(
    tx: &Tx<'_>,
    session_id: SessionId,
    hash: Vec<u8>,
    successor: &Successor,
) -> Result<(), UserError> {
    let backend = tx.get_database_backend();
    let sql = format!(
        "insert into refresh_repeat (session_id, hash, salt, issued_at, exchanged_at) values ($1, $2, $3, $4, {now})
         on conflict (session_id) do update
         set hash = excluded.hash, salt = excluded.salt, issued_at = excluded.issued_at, exchanged_at = {now}",
        now = backend.clock()
    );
    let issued_at = i64::try_from(successor.issued_at).unwrap_or(i64::MAX);
    let values = vec![
        session_id.into(),
        hash.into(),
        successor.salt.clone().into(),
        issued_at.into(),
    ];
    execute(&**tx, &sql, values).await?;
    Ok(())
}

/// Returns the successor of the token with this hash, if it was the session's last exchange and at most `grace` ago.
pub(super) async fn find(
    tx: &Tx<'_>,
    session_id: SessionId,
    hash: Vec<u8>,
    grace: Duration,
) -> Result<Option<Successor>, UserError> {
    let backend = tx.get_database_backend();
    let sql = format!(
        "select salt, issued_at from refresh_repeat where session_id = $1 and hash = $2 and {}",
        is_recent(backend, 3)
    );
    let values = vec![session_id.into(), hash.into(), grace.as_secs_f64().into()];
    let found: Option<(Vec<u8>, i64)> = query_one_as(&**tx, &sql, values).await?;
    Ok(found.map(|(salt, issued_at)| Successor {
        salt,
        issued_at: u64::try_from(issued_at).unwrap_or_default(),
    }))
}

/// Deletes salts that are older than any grace time.
pub(super) async fn forget_old(database: &Database) -> ::events::Result<()> {
    let is_old = format!("not {}", is_recent(database.backend(), 1));
    let values = vec![LONGEST_GRACE.as_secs_f64().into()];
    let salts = ("refresh_repeat", "session_id");
    database.remove_rows(salts, &is_old, values).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_needs_the_token_and_the_salt() {
        let (token, other) = (Secret::new("a token"), Secret::new("another token"));
        let (one, two) = (Successor::draw(1), Successor::draw(1));
        let (one, two) = (one.expect("randomness"), two.expect("randomness"));
        assert_eq!(one.of(&token), one.of(&token));
        assert_ne!(one.of(&token), one.of(&other));
        assert_ne!(one.of(&token), two.of(&token));
        assert_eq!(one.of(&token).reveal().len(), 43, "256 bits");
    }
}
