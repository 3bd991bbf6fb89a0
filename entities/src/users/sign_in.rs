//! Signing in and out. A caller who does not know the password learns nothing: an unknown address, a wrong password and a
//! deactivated user get the same answer after the same work. Registration has to tell that an address is taken, so it is
//! throttled by address. Tokens are never stored, logged or kept under an idempotency key, only their hashes.

use std::{net::IpAddr, sync::Arc};

use ::events::{Tx, now, sql::query_one_as};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use sea_orm::{EntityTrait, IntoActiveModel};

use super::{
    Availability, Role, STREAM, Secret, User, UserError, UserEventKind, UserRefusal, Users,
    commands::{append, lock_user},
    demo::NO_PASSWORD,
    error::refused_row,
    events::Revocation,
    rules,
    sessions::{Exchange, Session, end_sessions, exchange_token, is_open, start_session},
    stored_passwords::{set_password, still_has, store_hash},
    tokens::{random_token, seconds_now},
    user::Entity,
    usernames,
};
use crate::{
    CommandContext,
    access::{AccessError, Principal, Reason, SessionId, UserId, Viewer},
    boxed,
    text::email,
};

type Result<T, E = UserError> = std::result::Result<T, E>;

/// The origin of an attempt to sign in.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The context of the request.
    pub context: CommandContext,
    /// The client's address, by which attempts are throttled.
    pub address: Option<IpAddr>,
    /// What the client's program says about itself.
    pub user_agent: Option<Arc<str>>,
}

/// The input of `register`.
#[derive(Debug, Clone)]
pub struct Register {
    /// The address to sign in with; unique.
    pub email: String,
    /// The name as others see it.
    pub name: String,
    /// The name to be found by; unique.
    pub username: Option<String>,
    /// 8 to 128 characters.
    pub password: Secret,
}

/// The tokens of a session that has just begun, or goes on.
#[derive(Debug)]
pub struct SignedIn {
    /// The user who signed in.
    pub user: User,
    /// The token to send with every request.
    pub access_token: Secret,
    /// When the access token expires.
    pub access_token_expires_at: DateTime<Utc>,
    /// The token to exchange, once, for the next tokens.
    pub refresh_token: Secret,
    /// When the session expires.
    pub refresh_token_expires_at: DateTime<Utc>,
}

impl Users {
    /// Creates a user with the lowest role, and signs them in.
    #[boxed]
    pub async fn register(&self, origin: Origin, input: Register) -> Result<SignedIn> {
        if !self.is_registration_open {
            return Err(UserRefusal::RegistrationClosed.into());
        }
        let address = origin.address;
        self.throttle.check_address(address)?;
        let checked = self.passwords.run(address, move || rules::check_new(input));
        let input = checked.await??;
        let hash = self.passwords.hash(address, input.password.clone());
        let hash = hash.await?;
        self.begin(origin, move |tx, context| {
            let (input, hash) = (input.clone(), hash.clone());
            Box::pin(async move { create_user(tx, context, input, &hash, Role::Member).await })
        })
        .await
    }

    /// Begins a session for a caller who knows the password.
    #[boxed]
    pub async fn sign_in(&self, origin: Origin, email: &str, password: Secret) -> Result<SignedIn> {
        let address = origin.address;
        rules::check_credentials(email, &password)?;
        let (email_key, _) = email::sought(email);
        self.throttle.check_address(address)?;
        self.throttle.check_account(&email_key, address)?;
        let found = self.find_password(email).await?;
        let (user_id, hash) = found.unzip();
        let checked = self
            .passwords
            .matches(address, password.clone(), hash.clone());
        let is_right = checked.await?;
        let (user_id, hash) = user_id
            .zip(hash)
            .filter(|_| is_right)
            .ok_or(UserRefusal::WrongCredentials)?;
        self.throttle.remember(&email_key, address);
        let renewed = self.passwords.renewed(address, password, &hash).await;
        // Nobody has to wait outside because of it.
        let renewed = renewed.unwrap_or_default();
        self.begin(origin, move |tx, _| {
            let (hash, renewed) = (hash.clone(), renewed.clone());
            Box::pin(async move {
                // Deactivation takes the same lock: it comes before, or ends this session too.
                let user = lock_user(tx, user_id).await?;
                if user.deactivated_at.is_some() {
                    return Err(UserRefusal::WrongCredentials.into());
                }
                still_has(tx, user.id, &hash).await?;
                if let Some(renewed) = renewed {
                    store_hash(tx, user.id, &renewed).await?;
                }
                Ok(user)
            })
        })
        .await
    }

    /// Exchanges a refresh token for new tokens of the same session; a repeat within the grace time gets the same ones.
    #[boxed]
    pub async fn refresh(&self, context: CommandContext, token: Secret) -> Result<SignedIn> {
        let grace = self.refresh_grace;
        let exchange = self
            .log
            .write(move |tx| {
                let (context, token) = (context.clone(), token.clone());
                Box::pin(async move { exchange_token(tx, &context, &token, grace).await })
            })
            .await?;
        let Exchange::Exchanged {
            session,
            next,
            issued_at,
        } = exchange
        else {
            return Err(UserRefusal::RefreshRefused.into());
        };
        let user = self.load_user(session.user_id).await?;
        let user = user.ok_or(UserRefusal::RefreshRefused)?;
        self.signed_in(Arc::unwrap_or_clone(user), &session, next, issued_at)
    }

    /// Ends the caller's session, or all of the caller's sessions; returns how many.
    #[boxed]
    pub async fn sign_out(&self, context: CommandContext, everywhere: bool) -> Result<u32> {
        let principal = principal(&context.viewer)?;
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move {
                    let revocation = match everywhere {
                        true => Revocation::SignedOutEverywhere,
                        false => Revocation::SignedOut,
                    };
                    let is_ended =
                        |session: &Session| everywhere || session.id == principal.session_id;
                    end_sessions(tx, &context, principal.user_id, is_ended, revocation).await
                })
            })
            .await
    }

    /// Sets a new password for a caller who knows the current one, and ends the user's other sessions.
    #[boxed]
    pub async fn change_password(
        &self,
        context: CommandContext,
        current: Secret,
        new: Secret,
    ) -> Result<User> {
        let principal = principal(&context.viewer)?;
        rules::check_guess("currentPassword", &current)?;
        let user = self.load_user(principal.user_id).await?;
        let user = user.ok_or(UserError::NotFound(STREAM))?;
        self.throttle.check_owner(&user.email_key)?;
        self.check_new_password(None, &new, user.clone()).await?;
        let found = self.find_password(&user.email).await?;
        let before = found.map(|(_, hash)| hash);
        let checked = self.passwords.matches(None, current, before.clone());
        if !checked.await? {
            return Err(UserRefusal::WrongCredentials.into());
        }
        let before = before.ok_or(UserRefusal::WrongCredentials)?;
        let hash = self.passwords.hash(None, new).await?;
        self.log
            .write(move |tx| {
                let (context, hash, before) = (context.clone(), hash.clone(), before.clone());
                Box::pin(async move {
                    let user = lock_user(tx, principal.user_id).await?;
                    still_has(tx, user.id, &before).await?;
                    if !is_open(tx, principal.session_id).await? {
                        return Err(AccessError::Unauthenticated(Reason::Revoked).into());
                    }
                    let is_other = |session: &Session| session.id != principal.session_id;
                    set_password(tx, &context, user, &hash, is_other).await
                })
            })
            .await
    }

    /// Reads the password's hash in one statement, whether the user exists or not. Of two users whose addresses have become the
    /// same, each is found by the spelling that they registered with.
    pub(super) async fn find_password(&self, email: &str) -> Result<Option<(UserId, String)>> {
        let (key, before) = email::sought(email);
        let sql =
            "select p.user_id, p.hash from app_user u join user_password p on p.user_id = u.id
                   where (coalesce(u.address_key, u.email_key) = $1 or u.email_key = $2) and p.hash <> $3
                   order by case when u.email_key = $2 then 0 else 1 end limit 1";
        let values = vec![key.into(), before.into(), NO_PASSWORD.into()];
        Ok(query_one_as(&self.log.database().reader, sql, values).await?)
    }

    /// Checks a new password of a user, of whom others know texts.
    pub(super) async fn check_new_password(
        &self,
        address: Option<IpAddr>,
        password: &Secret,
        user: Arc<User>,
    ) -> Result<()> {
        let password = password.clone();
        let check = move || rules::check_new_password(&password, &user.known_texts());
        Ok(self.passwords.run(address, check).await??)
    }

    /// Begins a session of the user whom `identify` finds or creates in the same transaction.
    pub(super) async fn begin<F>(&self, origin: Origin, identify: F) -> Result<SignedIn>
    where
        F: for<'a> Fn(&'a Tx<'a>, CommandContext) -> BoxFuture<'a, Result<User>>,
        F: Send + Sync + 'static,
    {
        let (token, lifetime) = (new_token()?, self.refresh_token_lifetime);
        let (refresh_token, identify) = (token.clone(), Arc::new(identify));
        let begun = self.log.write(move |tx| {
            let (origin, token, identify) = (origin.clone(), token.clone(), identify.clone());
            Box::pin(async move {
                let Origin {
                    context,
                    user_agent,
                    ..
                } = origin;
                let user = identify(tx, context.clone()).await?;
                let context = on_behalf_of(context, &user);
                let device = (&token, user_agent.as_deref());
                let session = start_session(tx, &context, user.id, device, lifetime).await?;
                Ok::<_, UserError>((user, session))
            })
        });
        let (user, session) = begun.await?;
        self.signed_in(user, &session, refresh_token, seconds_now())
    }

    fn signed_in(
        &self,
        user: User,
        session: &Session,
        refresh_token: Secret,
        issued_at: u64,
    ) -> Result<SignedIn> {
        let (access_token, access_token_expires_at) = self.tokens.issue(
            user.id,
            session.id,
            issued_at,
            self.access_token_lifetime,
            session.expires_at,
        )?;
        Ok(SignedIn {
            user,
            access_token,
            access_token_expires_at,
            refresh_token,
            refresh_token_expires_at: session.expires_at,
        })
    }
}

pub(super) fn principal(viewer: &Viewer) -> Result<Principal> {
    match viewer {
        Viewer::User(principal) => Ok(*principal),
        _ => Err(AccessError::Unauthenticated(Reason::Missing).into()),
    }
}

pub(super) fn new_token() -> Result<Secret> {
    random_token().map_err(|error| UserError::Log(::events::Error::Task(error)))
}

/// Returns the context with the user who signs in as its actor: the request does not know the user yet, but the log has to.
pub(super) fn on_behalf_of(mut context: CommandContext, user: &User) -> CommandContext {
    context.viewer = Viewer::User(Principal {
        user_id: user.id,
        session_id: SessionId::default(),
        role: user.role,
    });
    context
}

pub(super) async fn create_user(
    tx: &Tx<'_>,
    context: CommandContext,
    input: Register,
    hash: &str,
    role: Role,
) -> Result<User> {
    let at = now();
    let mut user = User {
        id: UserId::generate(),
        email: input.email,
        email_key: String::new(),
        address_key: None,
        name: input.name,
        search_text: String::new(),
        username: None,
        bio: None,
        avatar: None,
        role,
        availability: Availability::Online,
        version: 0,
        created_at: at,
        updated_at: at,
        deactivated_at: None,
    };
    user.derive_keys();
    let row = user.clone().into_active_model();
    let inserted = Entity::insert(row).exec_without_returning(&**tx).await;
    inserted.map_err(refused_row)?;
    store_hash(tx, user.id, hash).await?;
    if input.username.is_some() {
        usernames::hold(tx, user.id, input.username.as_deref()).await?;
        user.username = input.username;
    }
    let context = match context.viewer {
        Viewer::Anonymous => on_behalf_of(context, &user),
        _ => context,
    };
    append(tx, &context, UserEventKind::Registered, user, None).await
}
