//! The table of usernames, which keeps them apart: a name belongs to one user, deactivated or not, until they take another or are erased.
//! Written in the transaction that changes the user's row, which has the name as well, and refers to it.

use ::events::{Tx, sql::execute};

use super::{UserError, error::refused_row};
use crate::access::UserId;

/// Gives a name to a user whose row is locked, or takes theirs away. It comes before the change of the row, whose name must be in this table;
/// a name that was there is replaced in both.
///
/// # Errors
/// `Taken` when another user has the name.
pub(super) async fn hold(
    tx: &Tx<'_>,
    user_id: UserId,
    name: Option<&str>,
) -> Result<(), UserError> {
    let held = match name {
        Some(name) => {
            let sql = "insert into username (user_id, name) values ($1, $2)
                       on conflict (user_id) do update set name = excluded.name";
            execute(&**tx, sql, vec![user_id.into(), name.into()]).await
        }
        None => {
            let sql = "delete from username where user_id = $1";
            execute(&**tx, sql, vec![user_id.into()]).await
        }
    };
    held.map(drop).map_err(refused_row)
}
