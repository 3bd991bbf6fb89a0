//! Who did something, as clients see them: a user, or a process of Millrace. A user is loaded when the field is resolved, together
//! with all others that are requested at the moment.

use async_graphql::{
    ContextSelectionSet, Interface, OutputType, Positioned, ServerResult, SimpleObject, Value,
    parser::types::Field,
};
use entities::users::UserId;
use futures::future::BoxFuture;

use super::{loaders::load_user, object::User};
use crate::{actor::LoggedActor, error::Result};

/// Who did something.
#[derive(Interface)]
#[graphql(field(
    name = "name",
    ty = "String",
    desc = "The name of the user or of the process, to show to people."
))]
pub(crate) enum Actor {
    User(User),
    System(System),
}

/// A process that acts on its own behalf, such as a worker, or a caller who was not signed in.
#[derive(SimpleObject)]
pub(crate) struct System {
    /// The name, such as `signal_aggregator`; `anonymous` for a caller who was not signed in.
    #[graphql(owned)]
    name: String,
}

/// Resolves a field that is an actor.
pub(crate) fn resolve_actor<'a>(
    actor: &'a LoggedActor,
    ctx: &'a ContextSelectionSet<'a>,
    field: &'a Positioned<Field>,
) -> BoxFuture<'a, ServerResult<Value>> {
    Box::pin(async move {
        let actor = load(actor, ctx).await;
        let actor =
            actor.map_err(|cause| ctx.set_error_path(cause.0.into_server_error(field.pos)))?;
        actor.resolve(ctx, field).await
    })
}

async fn load(actor: &LoggedActor, ctx: &ContextSelectionSet<'_>) -> Result<Actor> {
    let LoggedActor(name) = actor;
    if let Ok(id) = name.parse::<UserId>()
        && let Some(user) = load_user(ctx, id).await?
    {
        return Ok(Actor::User(user.into()));
    }
    // Users are never removed. Should one be missing all the same, the log still says who it was.
    Ok(Actor::System(System { name: name.clone() }))
}
