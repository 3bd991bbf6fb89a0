//! Consistency that a query asks for: it waits until the read models show what its client wrote, or says that they do not
//! in time. Only queries that name a token wait.

use async_graphql::ServerError;
use entities::Entities;
use events::Written;

use super::Shared;
use crate::{
    errors::{Code, typed},
    operation::ReadAfter,
};

pub(super) async fn wait(shared: &Shared, token: &ReadAfter) -> Result<(), ServerError> {
    let written: Written = token
        .0
        .parse()
        .map_err(|error: events::NotWritten| typed(Code::BadRequest, error.to_string()))?;
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
