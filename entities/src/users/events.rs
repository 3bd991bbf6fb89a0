//! The events of users, their sessions and their presence. User events carry the whole user after the event; session events
//! never carry a token. The shape of `data` is a contract, and `schema_version` grows when it changes.

use ::events::{Event, NewEvent};
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::User;
use crate::access::{SessionId, UserId};

/// The kind of stream of users.
pub const STREAM: &str = UserId::KIND;
/// The kind of stream of sessions.
pub const SESSION_STREAM: &str = SessionId::KIND;
/// The kind of stream of presences; the stream's id is the user's.
pub const PRESENCE_STREAM: &str = "presence";

const SCHEMA_VERSION: i16 = 1;
/// Version 2: sessions can be ended by an administrator.
const SESSION_SCHEMA_VERSION: i16 = 2;

/// The kinds of user events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserEventKind {
    /// The user was created.
    Registered,
    /// The name or the text about the user changed.
    ProfileUpdated,
    /// The password changed.
    PasswordChanged,
    /// The user chose another availability.
    AvailabilityChanged,
    /// An administrator changed the role.
    RoleChanged,
    /// The user was deactivated.
    Deactivated,
    /// The user's personal data was erased.
    Erased,
}

impl UserEventKind {
    const ALL: [Self; 7] = [
        Self::Registered,
        Self::ProfileUpdated,
        Self::PasswordChanged,
        Self::AvailabilityChanged,
        Self::RoleChanged,
        Self::Deactivated,
        Self::Erased,
    ];

    /// All event types.
    pub(crate) const NAMES: [&'static str; 7] = {
        let mut names = [""; 7];
        let mut number = 0;
        while number < names.len() {
            names[number] = Self::ALL[number].name();
            number += 1;
        }
        names
    };

    /// Returns the event type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "UserRegistered",
            Self::ProfileUpdated => "UserProfileUpdated",
            Self::PasswordChanged => "UserPasswordChanged",
            Self::AvailabilityChanged => "UserAvailabilityChanged",
            Self::RoleChanged => "UserRoleChanged",
            Self::Deactivated => "UserDeactivated",
            Self::Erased => "UserErased",
        }
    }
}

/// The data of every user event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserData {
    /// The user after the event.
    pub user: User,
}

/// A user event, read from the log.
#[derive(Debug, Clone)]
pub struct UserEvent {
    /// What happened.
    pub kind: UserEventKind,
    /// The user after the event.
    pub user: User,
}

impl UserEvent {
    /// Reads an event of any schema version that was ever written.
    ///
    /// Fails when the event is not one of this domain.
    /// When it is none of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let malformed = |source| ::events::Error::Malformed {
            what: "user event",
            source,
        };
        let kind = UserEventKind::ALL
            .into_iter()
            .find(|kind| kind.name() == event.event_type)
            .ok_or_else(|| malformed(serde::de::Error::custom(&event.event_type)))?;
        let data: UserData = serde_json::from_str(event.data.get()).map_err(malformed)?;
        Ok(Self {
            kind,
            user: data.user,
        })
    }
}

pub(super) fn new_user_event(
    kind: UserEventKind,
    data: &UserData,
    occurred_at: DateTime<Utc>,
) -> NewEvent<'_, UserData> {
    NewEvent {
        event_type: kind.name(),
        schema_version: SCHEMA_VERSION,
        data,
        occurred_at,
    }
}

/// The kinds of session events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionEventKind {
    /// Somebody signed in.
    Started,
    /// The refresh token was exchanged for the next one.
    Refreshed,
    /// The session was ended before it expired.
    Revoked,
}

impl SessionEventKind {
    const ALL: [Self; 3] = [Self::Started, Self::Refreshed, Self::Revoked];

    /// Returns the event type.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Started => "SessionStarted",
            Self::Refreshed => "SessionRefreshed",
            Self::Revoked => "SessionRevoked",
        }
    }
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Revocation {
    /// The user signed out.
    SignedOut,
    /// The user signed out everywhere.
    SignedOutEverywhere,
    /// The password was changed in another session.
    PasswordChanged,
    /// The user was deactivated.
    Deactivated,
    /// An administrator disconnected the user.
    Disconnected,
    /// A refresh token came a second time: somebody else may have it.
    TokenReused,
}

/// The data of every session event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionData {
    /// Whose session it is.
    pub user_id: UserId,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
}

pub(super) fn new_session_event(
    kind: SessionEventKind,
    data: &SessionData,
    occurred_at: DateTime<Utc>,
) -> NewEvent<'_, SessionData> {
    NewEvent {
        event_type: kind.name(),
        schema_version: SESSION_SCHEMA_VERSION,
        data,
        occurred_at,
    }
}

/// The data of every presence event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PresenceData {
    /// Whose presence it is.
    pub user_id: UserId,
    /// When the user was last connected; for one who came, when they came.
    pub seen_at: DateTime<Utc>,
}

/// The type of the event of a user's first connection.
pub(super) const CONNECTED: &str = "UserConnected";
/// The type of the event of a user's last disconnection.
pub(super) const DISCONNECTED: &str = "UserDisconnected";

pub(super) fn new_presence_event<'a>(
    event_type: &'static str,
    data: &'a PresenceData,
) -> NewEvent<'a, PresenceData> {
    NewEvent {
        event_type,
        schema_version: SCHEMA_VERSION,
        data,
        occurred_at: data.seen_at,
    }
}

/// Returns the contract: the JSON Schema of the data of each event type, by name and version.
pub fn event_schemas() -> serde_json::Map<String, Value> {
    let versioned =
        |name: &str, version: i16, schema: &Value| (format!("{name}.v{version}"), schema.clone());
    let named = |name: &str, schema: &Value| versioned(name, SCHEMA_VERSION, schema);
    let user = schema_for!(UserData).to_value();
    let session = schema_for!(SessionData).to_value();
    let presence = schema_for!(PresenceData).to_value();
    let users = UserEventKind::ALL.map(|kind| named(kind.name(), &user));
    let sessions =
        SessionEventKind::ALL.map(|kind| versioned(kind.name(), SESSION_SCHEMA_VERSION, &session));
    let presences = [CONNECTED, DISCONNECTED].map(|name| named(name, &presence));
    users.into_iter().chain(sessions).chain(presences).collect()
}
