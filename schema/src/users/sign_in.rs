//! Signing in and out. The answers are the only place where tokens leave the server.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entities::users::{Origin, Secret, SignedIn, UserError, UserRefusal};

use super::{
    inputs::{
        ChangePasswordInput, EndSessionInput, RefreshInput, RegisterInput, SignInInput,
        SignOutInput,
    },
    object::User,
    session::UserSession,
};
use crate::{
    error::Result,
    id,
    payloads::{Reply, payloads},
    request::{client_address, command_context, entities, user_agent},
};

/// The tokens of a session. Send the access token with every request, as `Authorization: Bearer …`.
#[derive(SimpleObject)]
pub(crate) struct Session {
    /// The access token, which is valid for minutes. Use `refresh` to get the next one.
    access_token: String,
    /// When the access token expires.
    access_token_expires_at: DateTime<Utc>,
    /// The refresh token, to be exchanged once with `refresh`. A repeat within seconds returns the same tokens; a later one
    /// ends the session, as the token may have been stolen.
    refresh_token: String,
    /// When the session ends, no matter how often it is refreshed.
    refresh_token_expires_at: DateTime<Utc>,
}

payloads! {
    "register" => RegisterPayload { session: Session = "The tokens of the new session.", user: User = "The new user." }
    "signIn" => SignInPayload { session: Session = "The tokens of the new session.", user: User = "The user who signed in." }
    "refresh" => RefreshPayload { session: Session = "The next tokens of the session.", user: User = "The user that the session belongs to." }
    "signOut" => SignOutPayload { signed_out: u32 = "The number of sessions that were ended." }
    "endSession" => EndSessionPayload { session: UserSession = "The session that was ended." }
    "changePassword" => ChangePasswordPayload { user: User = "Yourself, after the change." }
}

fn parts(signed_in: SignedIn) -> (Session, User) {
    let session = Session {
        access_token: signed_in.access_token.reveal().to_owned(),
        access_token_expires_at: signed_in.access_token_expires_at,
        refresh_token: signed_in.refresh_token.reveal().to_owned(),
        refresh_token_expires_at: signed_in.refresh_token_expires_at,
    };
    (session, User::signed_in(signed_in.user))
}

pub(super) fn origin(ctx: &Context<'_>) -> Result<Origin> {
    Ok(Origin {
        context: command_context(ctx)?,
        address: client_address(ctx)?,
        user_agent: user_agent(ctx)?,
    })
}

/// Tells the audit log of a password or a token that was refused. It names nobody: who failed is not known, and may have mistyped a password
/// as an address.
fn audit(ctx: &Context<'_>, what: &str, failed: Option<&UserError>) {
    use UserRefusal::{RefreshRefused, Throttled, WrongCredentials};
    let Some(UserError::Own(why @ (WrongCredentials | RefreshRefused | Throttled { .. }))) = failed
    else {
        return;
    };
    let client = client_address(ctx).ok().flatten();
    let client = client.map(|address| address.to_string());
    tracing::info!(target: "audit", what, client, "refused: {why}");
}

#[derive(Default)]
pub(crate) struct SignInMutation;

#[Object]
impl SignInMutation {
    /// Creates a user with the role MEMBER, and signs them in. FORBIDDEN where registration is closed; CONFLICT when another user has the email address;
    /// RATE_LIMITED after too many attempts from your IP address. A repeat fails with CONFLICT even under an idempotency
    /// key, as tokens are not stored: sign in instead.
    async fn register(&self, ctx: &Context<'_>, input: RegisterInput) -> Reply<RegisterPayload> {
        let users = &entities(ctx).users;
        let registered = users.register(origin(ctx)?, input.into()).await;
        let (session, user) = parts(registered?);
        Ok(Some(RegisterPayload { session, user }))
    }

    /// Starts a session. UNAUTHENTICATED, after the same time, whether the user does not exist, the password is wrong or the
    /// user was deactivated; RATE_LIMITED after too many attempts for the account or from your IP address.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Reply<SignInPayload> {
        let users = &entities(ctx).users;
        let password = Secret::new(input.password);
        let signed_in = users.sign_in(origin(ctx)?, &input.email, password).await;
        audit(ctx, "sign_in", signed_in.as_ref().err());
        let (session, user) = parts(signed_in?);
        Ok(Some(SignInPayload { session, user }))
    }

    /// Exchanges a refresh token for the next tokens of its session. A repeat within seconds, after a lost response or from
    /// another tab, returns the same tokens; a later one ends the session. UNAUTHENTICATED when the token is unknown, expired
    /// or already used, or its session has ended.
    async fn refresh(&self, ctx: &Context<'_>, input: RefreshInput) -> Reply<RefreshPayload> {
        let users = &entities(ctx).users;
        let token = Secret::new(input.refresh_token);
        let refreshed = users.refresh(command_context(ctx)?, token).await;
        audit(ctx, "refresh", refreshed.as_ref().err());
        let (session, user) = parts(refreshed?);
        Ok(Some(RefreshPayload { session, user }))
    }

    /// Ends your session, or all of your sessions. Their tokens are refused from then on, and their open subscriptions end.
    /// A repeat is UNAUTHENTICATED with the reason REVOKED.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        input: Option<SignOutInput>,
    ) -> Reply<SignOutPayload> {
        let users = &entities(ctx).users;
        let everywhere = input.is_some_and(|input| input.everywhere);
        let ended = users.sign_out(command_context(ctx)?, everywhere).await;
        Ok(Some(SignOutPayload { signed_out: ended? }))
    }

    /// Ends one of your sessions, such as that of a device that you have lost. Its tokens are refused from then on, and its open
    /// subscriptions end. NOT_FOUND when you have no such session that is open, as in a repeat.
    async fn end_session(
        &self,
        ctx: &Context<'_>,
        input: EndSessionInput,
    ) -> Reply<EndSessionPayload> {
        let (context, users) = (command_context(ctx)?, &entities(ctx).users);
        let id = id::decode("id", &input.id)?;
        let session = users.end_session(context, id).await?.into();
        Ok(Some(EndSessionPayload { session }))
    }

    /// Changes your password, and ends all your other sessions. UNAUTHENTICATED when the current password is wrong, as it is
    /// in a repeat; RATE_LIMITED after too many attempts.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Reply<ChangePasswordPayload> {
        let users = &entities(ctx).users;
        let (current, new) = (
            Secret::new(input.current_password),
            Secret::new(input.new_password),
        );
        let changed = users.change_password(command_context(ctx)?, current, new);
        let changed = changed.await;
        audit(ctx, "change_password", changed.as_ref().err());
        let user = changed?.into();
        Ok(Some(ChangePasswordPayload { user }))
    }
}
