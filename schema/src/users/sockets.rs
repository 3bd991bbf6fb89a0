//! The open sockets of a user, as administrators see them.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use entities::users;

/// The open sockets of a user at one gateway.
#[derive(SimpleObject)]
pub(crate) struct UserSockets {
    /// What the gateway is called: its host and port, such as `web-1:8080`. Empty when it is of a version that does not say.
    gateway: String,
    /// The number of sockets when the gateway last renewed its lease, which it does every 5 seconds (a third of `--presence-lease`).
    socket_count: u32,
    /// Since when the user has had sockets there. A gateway that was cut off from the database for longer than its lease counts anew.
    since: DateTime<Utc>,
}

impl From<users::UserSockets> for UserSockets {
    fn from(sockets: users::UserSockets) -> Self {
        Self {
            gateway: sockets.gateway,
            socket_count: sockets.count,
            since: sockets.since,
        }
    }
}
