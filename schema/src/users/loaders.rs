//! Loaders: the users of a page are read in at most one statement for each kind of data, however many there are. They cache
//! nothing, so the schema has one of each for all requests, and concurrent requests share a statement.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql::{Context, context::DataContext, dataloader::Loader};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entities::users::{
    self, EMAIL_STREAM, PRESENCE_STREAM, UserId, UserPresence, UserSockets, Users,
};
use events::StreamKey;

use crate::{
    batches::{Batches, Noted},
    error::Result,
    reads::{Read, Reads},
    request::reads,
};

/// The largest number of users in one statement.
const USERS_AT_ONCE: usize = 10_000;

/// Loads users by id.
pub(crate) struct UserLoader(Users);

/// Loads presences by the user's id; there is none for a user who was never connected.
pub(crate) struct PresenceLoader(Users);

/// Loads when the addresses of users were verified; there is nothing for others.
pub(crate) struct VerificationLoader(Users);

/// Loads the open sockets of users, by gateway; there is nothing for a user without any.
pub(crate) struct SocketsLoader(Users);

#[async_trait]
impl Loader<UserId> for SocketsLoader {
    type Value = Vec<UserSockets>;
    type Error = Arc<events::Error>;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, Self::Value>, Self::Error> {
        let mut by_user: HashMap<_, Vec<_>> = HashMap::new();
        for (id, sockets) in self.0.load_sockets(ids).await? {
            by_user.entry(id).or_default().push(sockets);
        }
        Ok(by_user)
    }
}

#[async_trait]
impl Loader<UserId> for VerificationLoader {
    type Value = DateTime<Utc>;
    type Error = Arc<events::Error>;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, Self::Value>, Self::Error> {
        Ok(self.0.load_verifications(ids).await?.into_iter().collect())
    }
}

#[async_trait]
impl Loader<UserId> for UserLoader {
    type Value = Arc<users::User>;
    type Error = Arc<events::Error>;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, Self::Value>, Self::Error> {
        let found = self.0.load_users(ids).await?;
        Ok(found.into_iter().map(|user| (user.id, user)).collect())
    }
}

#[async_trait]
impl Loader<UserId> for PresenceLoader {
    type Value = UserPresence;
    type Error = Arc<events::Error>;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, Self::Value>, Self::Error> {
        Ok(self.0.load_presences(ids).await?.into_iter().collect())
    }
}

impl Noted<UserId> for UserLoader {
    fn note(reads: &Reads, id: &UserId, _: Option<&Self::Value>) {
        reads.note(Read::Stream(id.stream()));
    }
}

impl Noted<UserId> for PresenceLoader {
    fn note(reads: &Reads, id: &UserId, _: Option<&Self::Value>) {
        reads.note(Read::Stream(StreamKey {
            kind: PRESENCE_STREAM,
            id: id.uuid(),
        }));
    }
}

impl Noted<UserId> for SocketsLoader {
    /// That a user comes or goes is an event; that they open or close one socket of several is none.
    fn note(reads: &Reads, id: &UserId, _: Option<&Self::Value>) {
        reads.note(Read::Stream(StreamKey {
            kind: PRESENCE_STREAM,
            id: id.uuid(),
        }));
    }
}

impl Noted<UserId> for VerificationLoader {
    fn note(reads: &Reads, id: &UserId, _: Option<&Self::Value>) {
        reads.note(Read::Stream(StreamKey {
            kind: EMAIL_STREAM,
            id: id.uuid(),
        }));
    }
}

/// The loaders of users.
pub(crate) type UserLoaders = (
    Batches<UserLoader>,
    Batches<PresenceLoader>,
    Batches<VerificationLoader>,
    Batches<SocketsLoader>,
);

/// Returns the loaders for the schema's data.
pub(crate) fn loaders(users: &Users) -> UserLoaders {
    (
        Batches::new(UserLoader(users.clone())),
        Batches::new(PresenceLoader(users.clone())),
        Batches::new(VerificationLoader(users.clone())),
        Batches::new(SocketsLoader(users.clone())),
    )
}

/// Returns these users, whom the caller must be allowed to see.
pub(crate) async fn load_all(
    users: &Users,
    ids: HashSet<UserId>,
) -> Result<HashMap<UserId, Arc<users::User>>, Arc<events::Error>> {
    let ids: Vec<UserId> = ids.into_iter().collect();
    let mut found = HashMap::new();
    for ids in ids.chunks(USERS_AT_ONCE) {
        let users = users.load_users(ids).await?;
        found.extend(users.into_iter().map(|user| (user.id, user)));
    }
    Ok(found)
}

/// Notes that these users are shown.
pub(crate) fn note_users(reads: &Reads, ids: impl Iterator<Item = UserId>) {
    for id in ids {
        reads.note(Read::Stream(id.stream()));
    }
}

/// Returns the user with this id, loaded together with all others that are requested at the moment. The caller must be allowed
/// to see them.
pub(super) async fn load_user<'a>(
    ctx: &impl DataContext<'a>,
    id: UserId,
) -> Result<Option<Arc<users::User>>> {
    let loader = ctx.data::<Batches<UserLoader>>()?;
    Ok(loader.load_one(reads(ctx), id).await?)
}

/// Returns the user's presence, loaded in the same way.
pub(super) async fn load_presence(ctx: &Context<'_>, id: UserId) -> Result<Option<UserPresence>> {
    let loader = ctx.data::<Batches<PresenceLoader>>()?;
    Ok(loader.load_one(reads(ctx), id).await?)
}

/// Returns when the user's address was verified, loaded in the same way.
pub(super) async fn load_verification(
    ctx: &Context<'_>,
    id: UserId,
) -> Result<Option<DateTime<Utc>>> {
    let loader = ctx.data::<Batches<VerificationLoader>>()?;
    Ok(loader.load_one(reads(ctx), id).await?)
}

/// Returns the user's open sockets by gateway, loaded in the same way. The caller must be allowed to see them.
pub(super) async fn load_sockets(ctx: &Context<'_>, id: UserId) -> Result<Vec<UserSockets>> {
    let loader = ctx.data::<Batches<SocketsLoader>>()?;
    let found = loader.load_one(reads(ctx), id).await?;
    Ok(found.unwrap_or_default())
}
