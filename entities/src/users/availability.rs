//! Availability: the state that a user chose, shown while they are connected. A user who chose OFFLINE shows nothing else, not
//! even when they were last seen, so that nobody can tell whether they are connected.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    Availability, ChangeUser, User, UserError, UserEventKind, Users,
    presence::tables::user_presence::{Column, Entity, Model},
};
use crate::{CommandContext, access::UserId, boxed};

/// Whether a user is connected, and otherwise until when they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserPresence {
    is_online: bool,
    seen_at: DateTime<Utc>,
}

impl From<Model> for UserPresence {
    fn from(row: Model) -> Self {
        Self {
            is_online: row.is_online,
            seen_at: row.seen_at,
        }
    }
}

/// The availability that others see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownAvailability {
    /// The chosen availability while the user is connected, else `Offline`.
    pub availability: Availability,
    /// When the last connection ended; `None` while the user is connected, was never connected, or chose `Offline`.
    pub last_seen_at: Option<DateTime<Utc>>,
}

impl User {
    /// Returns the availability that others see, given the state of the user's connections.
    pub fn shown_availability(&self, presence: Option<UserPresence>) -> ShownAvailability {
        let is_hidden = self.availability == Availability::Offline;
        let (availability, last_seen_at) = match presence {
            _ if is_hidden => (Availability::Offline, None),
            Some(presence) if !presence.is_online => {
                (Availability::Offline, Some(presence.seen_at))
            }
            Some(_) if self.deactivated_at.is_none() => (self.availability, None),
            _ => (Availability::Offline, None),
        };
        ShownAvailability {
            availability,
            last_seen_at,
        }
    }
}

impl Users {
    /// Sets the availability that is shown while the caller is connected. Setting the same one again appends no event.
    #[boxed]
    pub async fn set_availability(
        &self,
        context: CommandContext,
        availability: Availability,
    ) -> Result<User, UserError> {
        let target = ChangeUser {
            id: context.viewer.require_user()?,
            expected_version: None,
        };
        let kind = UserEventKind::AvailabilityChanged;
        self.change(context, target, kind, move |user| {
            user.availability = availability;
            Ok(())
        })
        .await
    }

    /// Returns the presences of those users who were ever connected, in one statement.
    #[boxed]
    pub async fn load_presences(
        &self,
        ids: &[UserId],
    ) -> ::events::Result<Vec<(UserId, UserPresence)>> {
        let found = Entity::find()
            .filter(Column::UserId.is_in(ids.iter().copied()))
            .all(&self.log.database().reader)
            .await?;
        Ok(found
            .into_iter()
            .map(|row| (row.user_id, row.into()))
            .collect())
    }
}
