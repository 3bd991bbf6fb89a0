//! `availabilityChanged`. A change shows the current value, which is never older than its event. The initial values are read
//! for each subscriber separately, after it began to listen to the changes, which are the same for all.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    Entities, Violations,
    users::{self, PRESENCE_STREAM, STREAM, UserEventKind, UserId},
};
use events::{Event, EventSource, Topic};
use futures::{Stream, StreamExt, TryStreamExt};

use super::object::{Availability, User};
use crate::{
    error::{Result, invalid},
    id,
};

/// The largest number of users in one subscription.
const MAX_USERS: usize = 100;

/// The availability of a user.
#[derive(SimpleObject)]
pub(crate) struct AvailabilityChange {
    /// The user.
    user: User,
    /// The availability that the user chose while they are connected, and OFFLINE otherwise.
    availability: Availability,
    /// When the user's last connection ended. Null while they are connected, when they never were, and when they chose to
    /// be OFFLINE.
    last_seen_at: Option<DateTime<Utc>>,
}

/// Returns the users' ids, each once.
pub(super) fn decode_ids(ids: &[ID]) -> Result<Vec<UserId>> {
    if !(1..=MAX_USERS).contains(&ids.len()) {
        let message = format!("must have 1 to {MAX_USERS} ids");
        return Err(invalid(Violations::one("userIds", "length", &message)));
    }
    let mut decoded = Vec::with_capacity(ids.len());
    for id in ids {
        let id = id::decode("userIds", id)?;
        if !decoded.contains(&id) {
            decoded.push(id);
        }
    }
    Ok(decoded)
}

pub(super) fn follow(
    source: &EventSource,
    entities: &Entities,
    ids: Vec<UserId>,
) -> impl Stream<Item = Result<AvailabilityChange>> + use<> {
    let is_replay = source.is_replay();
    let of_kind = |kind| {
        ids.iter().map(move |id| Topic {
            kind,
            id: Some(id.uuid()),
        })
    };
    let topics: Vec<_> = of_kind(STREAM).chain(of_kind(PRESENCE_STREAM)).collect();
    // The values for a replay are read after its end is fixed, so they include the changes before the end.
    let changes = (!is_replay).then(|| source.follow(topics));
    let users = entities.users.clone();
    let at_start = is_replay.then(|| {
        let users = users.clone();
        let loaded = async move { load(&users, &ids, |_| true).await };
        futures::stream::once(loaded)
    });
    let later = futures::stream::iter(changes).flatten().then(move |event| {
        let users = users.clone();
        async move {
            let event = event?;
            let id = UserId::from_uuid(event.stream_id);
            load(&users, &[id], |user| is_shown_by(&event, user)).await
        }
    });
    let lists = futures::stream::iter(at_start).flatten().chain(later);
    lists
        .map_ok(|list| futures::stream::iter(list.into_iter().map(Ok)))
        .try_flatten()
}

/// Returns whether the event changes the user's visible availability. Connections of users who chose OFFLINE are secret, even
/// from subscribers who would guess them from items that show nothing new.
fn is_shown_by(event: &Event, user: &users::User) -> bool {
    if event.stream == PRESENCE_STREAM {
        return user.availability != users::Availability::Offline;
    }
    [
        UserEventKind::AvailabilityChanged.name(),
        UserEventKind::Deactivated.name(),
        UserEventKind::Reactivated.name(),
    ]
    .contains(&event.event_type.as_str())
}

/// Returns the visible availability of these users now, in this order.
async fn load(
    users: &users::Users,
    ids: &[UserId],
    is_wanted: impl Fn(&users::User) -> bool,
) -> Result<Vec<AvailabilityChange>> {
    // The presences are read last: the one of an event is never missed, and the chosen availability is in the row that decides
    // what is shown.
    let mut found = users.load_users(ids).await?;
    let presences = users.load_presences(ids).await?;
    found.retain(|user| is_wanted(user));
    found.sort_by_key(|user| ids.iter().position(|id| *id == user.id));
    let shown = found.into_iter().map(|user| {
        let presence = presences.iter().find(|(id, _)| *id == user.id);
        let shown = user.shown_availability(presence.map(|(_, presence)| *presence));
        AvailabilityChange {
            availability: shown.availability.into(),
            last_seen_at: shown.last_seen_at,
            user: user.into(),
        }
    });
    Ok(shown.collect())
}
