//! Read-After: a query waits until the read models show what its client wrote, or reports that they do not in time. Only queries with a
//! token wait, and only for events that their caller has written: any other token, whoever made it, is refused in the same way before
//! anything is looked up. So nobody learns by waiting what exists.

use async_graphql::ServerError;
use entities::{
    Entities,
    access::{UserId, Viewer},
};
use events::Receipt;

use super::{Shared, caller::Caller};
use crate::{
    errors::{Code, typed},
    params::ReadAfter,
};

/// Returns the token of what was written. The request does not know who signs in with it, but the log does.
pub(super) fn token(shared: &Shared, user_id: Option<UserId>, receipt: &Receipt) -> Option<String> {
    let last = receipt.last()?;
    let owner = user_id.map_or(last.actor, |id| id.to_string());
    let users = &shared.entities.users;
    Some(users.read_after_token(&owner, &last.written))
}

pub(super) async fn wait(
    shared: &Shared,
    caller: &Caller,
    viewer: &Viewer,
    token: &ReadAfter,
) -> Result<(), ServerError> {
    // An anonymous viewer owns nothing.
    let owner = viewer
        .user_id()
        .map(|id| id.to_string())
        .unwrap_or_default();
    let users = &shared.entities.users;
    let written = users.open_read_after_token(&owner, &token.0);
    let Some(written) = written.filter(|_| !owner.is_empty()) else {
        let message = "This is not a token from the `extensions.readAfter` of a mutation of yours";
        return Err(typed(Code::BadRequest, message));
    };
    let _place = shared.holdings.wait(caller)?;
    let limit = shared.limits.read_after_timeout;
    let read_models = Entities::read_models_of(&written.kind);
    match shared
        .log
        .await_applied(&written, &read_models, limit)
        .await
    {
        Ok(true) => Ok(()),
        Ok(false) => {
            let limit = limit.as_millis();
            let message = format!(
                "The read models do not show this yet, after {limit} ms; try again, or read without"
            );
            Err(typed(Code::ReadAfterTimeout, message))
        }
        Err(error) => {
            tracing::warn!(%error, "waiting for the read models failed");
            let message = "The event log cannot be read; try again";
            Err(typed(Code::Unavailable, message))
        }
    }
}
