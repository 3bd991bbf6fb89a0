//! Callers as the domains know them: from credentials to a user, while a socket is open, and from one token to the next.

use std::{net::IpAddr, time::Duration};

use async_graphql::ServerError;
use entities::{
    Entities,
    access::{AccessError, Reason, Viewer},
    grants::{Dismissal, Grant},
    users::{self, Presence},
};
use events::Claimant;

use crate::{credentials::Credentials, operation::Departure};

/// After a look at a session that could not be made, or whose token is over.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// For the operations of a session that has ended to tell their clients.
const LAST_WORDS: Duration = Duration::from_millis(500);

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
    let error = schema::Error::from(cause).0;
    let error = error.into_server_error(async_graphql::Pos::default());
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

/// Resolves when the session has ended, and what was open under it has had time to say so. A token that is over is no such end: it may
/// be renewed; and so may one of a session that has ended, by another one.
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
            // It stays stale until it is renewed, or the database is there again.
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            Ok(_) => was_ended = false,
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
