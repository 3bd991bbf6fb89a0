//! The events of users, their sessions and their presence. User events carry the whole user after the event; session events
//! never carry a token. The shape of `data` is a contract, and `schema_version` grows when it changes.

use ::events::Event;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::User;
use crate::{
    access::{Action, Role, SessionId, UserId},
    counting::{Step, Tally},
    event_kinds::{EventContract, EventData, event_kinds},
};

/// The kind of stream of users.
pub const STREAM: &str = UserId::KIND;
/// The kind of stream of sessions.
pub const SESSION_STREAM: &str = SessionId::KIND;
/// The kind of stream of presences; the stream's id is the user's.
pub const PRESENCE_STREAM: &str = "presence";
/// The kind of stream of what is known about users' addresses; the stream's id is the user's.
pub const EMAIL_STREAM: &str = "email";

event_kinds! {
    prefix "User", data UserData version 3;

    /// The kinds of user events. Version 2: they say the role before. Version 3: they say the username and the avatar. A change of those is
    /// no kind of its own, as followers of versions before would not know it.
    pub enum UserEventKind {
        /// The user was created.
        Registered,
        /// The name, the username, the avatar or the text about the user changed.
        ProfileUpdated,
        /// The password changed.
        PasswordChanged,
        /// The user chose another availability.
        AvailabilityChanged,
        /// An administrator changed the role.
        RoleChanged,
        /// The user was deactivated.
        Deactivated,
        /// The user was made active again.
        Reactivated,
        /// The user's personal data was erased.
        Erased,
    }
}

/// The data of every user event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserData {
    /// The user after the event.
    pub user: User,
    /// The role before the event; absent if the user was not there or deactivated, and in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_role: Option<Role>,
}

/// A user event, read from the log.
#[derive(Debug, Clone)]
pub struct UserEvent {
    /// What happened.
    pub kind: UserEventKind,
    /// The user after the event.
    pub user: User,
    /// Whether the event says the username and the avatar: those of versions before 3 do not, also when the user has them.
    pub is_whole: bool,
}

impl UserEvent {
    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// Fails when the event is not one of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let (kind, data) = UserEventKind::read(event)?;
        Ok(Self {
            kind,
            user: data.user,
            is_whole: event.schema_version >= 3,
        })
    }
}

impl Tally for User {
    type Group = Role;

    const STREAM: &'static str = STREAM;
    const COUNTS: &'static str = "user_statistics";
    const READ: Action = Action::ReadUsers;

    fn step(event: &Event) -> ::events::Result<Step<Role>> {
        let (kind, data) = UserEventKind::read(event)?;
        let to = data.user.active_role();
        let from = match (event.schema_version, kind) {
            (2.., _) => data.previous_role,
            (_, UserEventKind::Registered) => None,
            (_, UserEventKind::Deactivated) => Some(data.user.role),
            _ => to,
        };
        Ok(Step { from, to })
    }
}

event_kinds! {
    prefix "Session", data SessionData version 2;

    /// The kinds of session events. Version 2: sessions can be ended by an administrator.
    pub(crate) enum SessionEventKind {
        /// Somebody signed in.
        Started,
        /// The refresh token was exchanged for the next one.
        Refreshed,
        /// The session was ended before it expired.
        Revoked,
    }
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Revocation {
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
pub(crate) struct SessionData {
    /// Whose session it is.
    pub user_id: UserId,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
}

/// The data of every presence event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PresenceData {
    /// Whose presence it is.
    pub user_id: UserId,
    /// When the user was last connected; for one who came, when they came.
    pub seen_at: DateTime<Utc>,
}

event_kinds! {
    prefix "User", data PresenceData version 1;

    /// The kinds of presence events.
    pub(crate) enum PresenceEventKind {
        /// A user's first connection began.
        Connected,
        /// A user's last connection ended.
        Disconnected,
    }
}

event_kinds! {
    prefix "Email", data EmailData version 1;

    /// The kinds of events about a user's address.
    pub(crate) enum EmailEventKind {
        /// A mail with a token for the user was asked for.
        Requested,
        /// The user has shown that the address is theirs.
        Verified,
    }
}

/// What a token in a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EmailPurpose {
    /// Setting a new password.
    ResetPassword,
    /// Showing that the address is the user's.
    VerifyAddress,
}

/// The data of events about a user's address, which is not in it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EmailData {
    /// Whose address it is.
    pub user_id: UserId,
    /// What the token is for.
    pub purpose: EmailPurpose,
}

/// Returns the contracts of these events.
pub(crate) fn event_contracts() -> Vec<EventContract> {
    let users = UserEventKind::contracts(STREAM);
    let sessions = SessionEventKind::contracts(SESSION_STREAM);
    let presences = PresenceEventKind::contracts(PRESENCE_STREAM);
    let emails = EmailEventKind::contracts(EMAIL_STREAM);
    users
        .chain(sessions)
        .chain(presences)
        .chain(emails)
        .collect()
}
