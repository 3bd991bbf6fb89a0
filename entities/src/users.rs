//! Users: their profiles, roles, sign-ins and presence. An address belongs to one user for good, also after deactivation; a username
//! while they keep it. Roles
//! and sessions are read from the tables (or from a cache that receives every change to them), never from tokens, so a change
//! takes effect while a token is still valid.

mod availability;
mod avatars;
mod caller;
mod commands;
mod demo;
mod devices;
mod disconnecting;
mod email_tokens;
mod error;
mod events;
mod mailing;
mod making;
mod passwords;
mod personal;
mod portrait;
mod presence;
mod queries;
mod receipts;
mod rules;
mod secret;
mod sessions;
mod sign_in;
mod standing;
mod stored_passwords;
mod successors;
mod throttle;
mod tokens;
mod user;
mod usernames;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use ::events::EventLog;

pub use crate::access::{Role, SessionId, UserId};
pub use availability::{ShownAvailability, UserPresence};
pub use avatars::{Avatar, MOST_AVATAR_BYTES};
pub use caller::Caller;
pub use commands::{ChangeUser, UpdateProfile};
pub use devices::OpenSession;
pub use disconnecting::Disconnected;
pub use error::{UserError, UserRefusal};
pub(crate) use events::SessionEventKind;
pub(crate) use events::event_contracts;
pub use events::{
    EMAIL_STREAM, EmailPurpose, PRESENCE_STREAM, SESSION_STREAM, STREAM, UserEvent, UserEventKind,
};
pub use mailing::{AccountMail, Mailer, Undelivered};
pub use passwords::PasswordCost;
pub(crate) use personal::{PERSONAL_DATA, erase};
pub use presence::{Presence, PresenceConfig, PresenceGuard, UserSockets};
pub use queries::{UserField, UserSort, UserSortField};
pub use secret::Secret;
pub use sessions::remove_expired_sessions;
pub use sign_in::{Origin, Register, SignedIn};
pub use successors::LONGEST_GRACE;
pub use throttle::network_of;
pub use tokens::TokenKeys;
pub use user::{Availability, User};

use crate::{cache::RowCache, histories::Histories};

/// The configuration of sign-ins.
#[derive(Debug, Clone)]
pub struct UsersConfig {
    /// The keys that sign and verify access tokens.
    pub token_keys: TokenKeys,
    /// How long an access token is valid.
    pub access_token_lifetime: Duration,
    /// How long a session lasts.
    pub refresh_token_lifetime: Duration,
    /// How long the exchange of a refresh token may be repeated.
    pub refresh_grace: Duration,
    /// The cost of a password hash.
    pub password_cost: PasswordCost,
    /// Allowed attempts for one account in a minute.
    pub attempts_per_account: NonZeroU32,
    /// Allowed attempts from one address in a minute.
    pub attempts_per_address: NonZeroU32,
    /// Whether everybody may register.
    pub is_registration_open: bool,
    /// What delivers mails; without it there are none.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// The largest number of users and sessions in memory; 0 turns the cache off.
    pub cache_capacity: u64,
}

/// The commands and queries of users.
#[derive(Clone)]
pub struct Users {
    log: EventLog,
    cache: RowCache<Arc<User>>,
    sessions: RowCache<sessions::Session>,
    tokens: Arc<tokens::Tokens>,
    passwords: passwords::Passwords,
    throttle: Arc<throttle::Throttle>,
    mails: mailing::Mails,
    portraits: avatars::Portraits,
    is_registration_open: bool,
    access_token_lifetime: Duration,
    refresh_token_lifetime: Duration,
    refresh_grace: Duration,
    histories: Histories,
}

impl Users {
    pub(crate) fn new(log: EventLog, config: UsersConfig) -> Result<Self, String> {
        Ok(Self {
            cache: RowCache::new(&log, STREAM, config.cache_capacity),
            sessions: RowCache::new(&log, SESSION_STREAM, config.cache_capacity),
            tokens: Arc::new(tokens::Tokens::new(&config.token_keys)?),
            passwords: passwords::Passwords::new(config.password_cost)?,
            throttle: Arc::new(throttle::Throttle::new(
                config.attempts_per_account,
                config.attempts_per_address,
            )),
            mails: mailing::Mails::new(config.mailer),
            portraits: avatars::Portraits::default(),
            is_registration_open: config.is_registration_open,
            access_token_lifetime: config.access_token_lifetime,
            refresh_token_lifetime: config.refresh_token_lifetime,
            refresh_grace: config.refresh_grace,
            histories: Histories::new(&log, STREAM),
            log,
        })
    }
}
