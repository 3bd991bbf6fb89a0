//! Callers as the domains know them: from credentials to a user, while a socket is open, and from one token to the next.

use std::net::IpAddr;

use async_graphql::ServerError;
use entities::{
    Entities,
    access::{AccessError, Dismissal, Viewer},
    users::{self, Presence},
};
use events::Claimant;
use schema::from_access;

use crate::{credentials::Credentials, operation::Departure};

/// Who is calling, and from where.
#[derive(Clone)]
pub struct Caller {
    pub(super) user: users::Caller,
    pub(super) address: Option<IpAddr>,
}

impl Caller {
    /// What the caller is now.
    pub(super) async fn viewer(&self, entities: &Entities) -> Result<Viewer, ServerError> {
        entities.users.viewer_of(&self.user).await.map_err(refused)
    }
}

/// Does `work` in the caller's turns at the database, or in those of all who come from the same network and have not signed in.
pub(super) async fn claim<F: Future>(caller: &Caller, work: F) -> F::Output {
    let claimant = match (caller.user.user_id(), caller.address) {
        (Some(user_id), _) => Claimant::User(user_id),
        (None, Some(address)) => Claimant::Network(users::network_of(address)),
        (None, None) => return work.await,
    };
    claimant.claim(work).await
}

/// The error that a client gets for it.
pub(super) fn refused(cause: AccessError) -> ServerError {
    let error = from_access(cause).into_server_error(async_graphql::Pos::default());
    // It is about the request, not about a place in the document.
    ServerError {
        locations: Vec::new(),
        ..error
    }
}

pub(super) async fn admit(
    entities: &Entities,
    credentials: Credentials,
) -> Result<Caller, ServerError> {
    let user = entities.users.admit(credentials.token.as_deref()).await;
    Ok(Caller {
        user: user.map_err(refused)?,
        address: credentials.address,
    })
}

/// A user's new token takes the place of the old one, for running operations too. Who was nobody becomes somebody for
/// the operations to come.
pub(super) async fn renew(
    entities: Entities,
    caller: Caller,
    token: String,
) -> Result<Caller, ServerError> {
    if caller.user.user_id().is_none() {
        let user = entities.users.admit(Some(&token)).await.map_err(refused)?;
        return Ok(Caller { user, ..caller });
    }
    let renewed = entities.users.renew(&caller.user, &token).await;
    renewed.map_err(refused)?;
    Ok(caller)
}

/// While this lives the user is present. Ends when the user was deactivated, or disconnected.
pub(super) fn stay(
    entities: &Entities,
    presence: &Presence,
    caller: &Caller,
) -> impl Future<Output = Departure> + Send + use<> {
    let user_id = caller.user.user_id();
    // Before anything is awaited: what happens from here on is heard.
    let staying = user_id.map(|id| (entities.grants.dismissals(id), presence.enter(id)));
    async move {
        match staying {
            Some((dismissals, _present)) => match dismissals.dismissed().await {
                Dismissal::Deactivated => Departure::Forbidden,
                Dismissal::Disconnected => Departure::Disconnected,
            },
            None => std::future::pending().await,
        }
    }
}

/// Ends when the user was disconnected.
pub(super) fn disconnected(
    entities: &Entities,
    caller: &Caller,
) -> impl Future<Output = ()> + Send + use<> {
    let user_id = caller.user.user_id();
    let dismissals = user_id.map(|id| entities.grants.dismissals(id));
    async move {
        match dismissals {
            Some(dismissals) => dismissals.disconnected().await,
            None => std::future::pending().await,
        }
    }
}
