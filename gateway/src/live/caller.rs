//! Callers as the domains know them: from credentials to a user, during the life of a socket, and across renewals of its token.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_graphql::ServerError;
use entities::{
    Entities,
    access::{AccessError, Reason, Viewer},
    grants::{Dismissal, Grant},
    users::{self, Presence},
};
use events::Claimant;

use crate::{credentials::Credentials, operation::Departure};

/// The pause after a check of a session that failed, or found the token expired.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long operations of an ended session have to tell their clients.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The caller, the address that it calls from, and what its program says about itself.
#[derive(Clone)]
pub struct Caller {
    pub(super) user: users::Caller,
    pub(super) address: Option<IpAddr>,
    pub(super) user_agent: Option<Arc<str>>,
}

impl Caller {
    /// Returns the caller's current viewer.
    pub(super) async fn viewer(&self, entities: &Entities) -> Result<Viewer, ServerError> {
        entities.users.viewer_of(&self.user).await.map_err(refused)
    }
}

/// Does `work` in the caller's turns at the database, or in those shared by its whole network when it has not signed in.
pub(super) async fn claim<F: Future>(caller: &Caller, work: F) -> F::Output {
    match claimant(caller) {
        Some(claimant) => claimant.claim(work).await,
        None => work.await,
    }
}

/// Returns on whose behalf the caller's work is done.
pub(super) fn claimant(caller: &Caller) -> Option<Claimant> {
    let user = caller.user.user_id().map(|id| Claimant::User(id.uuid()));
    let network = caller.address.map(users::network_of);
    user.or(network.map(Claimant::Network))
}

/// Returns the client's error for it.
pub(super) fn refused(cause: AccessError) -> ServerError {
    let error = schema::Error::from(cause).0;
    let error = error.into_server_error(async_graphql::Pos::default());
    // The error concerns the request, not a place in the document.
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
        user_agent: credentials.user_agent,
    })
}

/// Replaces a user's token with a new one, for running operations, too. An anonymous caller becomes a user for later operations.
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

/// Keeps the user present for as long as it lives. Ends when the user is deactivated or disconnected.
pub(super) fn stay(
    entities: &Entities,
    presence: &Presence,
    caller: &Caller,
) -> impl Future<Output = Departure> + Send + use<> {
    let user_id = caller.user.user_id();
    // The subscription starts before anything is awaited, so that everything from here on is heard.
    let staying = user_id.map(|id| {
        let grant = entities.grants.open(caller.user.clone());
        (entities.grants.dismissals(id), presence.enter(id), grant)
    });
    async move {
        let Some((dismissals, _present, grant)) = staying else {
            return std::future::pending().await;
        };
        tokio::select! {
            dismissal = dismissals.dismissed() => match dismissal {
                Dismissal::Deactivated => Departure::Forbidden,
                Dismissal::Disconnected => Departure::Disconnected,
            },
            () = ended(&grant) => Departure::Forbidden,
        }
    }
}

/// Resolves when the session has ended, and its operations have had time to say so. An expired token is no such end, as it may be
/// renewed; and the token of an ended session may be replaced by that of another one.
async fn ended(grant: &Grant) {
    let mut was_ended = false;
    loop {
        grant.stale().await;
        match grant.recheck().await {
            Err(AccessError::Unauthenticated(Reason::Revoked)) if was_ended => return,
            Err(AccessError::Unauthenticated(Reason::Revoked)) => {
                was_ended = true;
                tokio::time::sleep(LAST_WORDS).await;
                grant.mark();
            }
            // It stays stale until it is renewed, or the database is back.
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            Ok(_) => was_ended = false,
        }
    }
}

/// Resolves when the user is disconnected.
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
