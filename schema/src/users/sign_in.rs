//! Signing in and out. The answers are the only place where tokens leave the server.

use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::users::{Origin, Secret, SignedIn};

use super::{
    inputs::{ChangePasswordInput, RefreshInput, RegisterInput, SignInInput, SignOutInput},
    object::User,
};
use crate::{
    error::from_users,
    payloads::payloads,
    request::{client_address, command_context, entities},
};

/// The tokens of somebody who signed in. Send the access token with every request, as `Authorization: Bearer …`.
#[derive(SimpleObject)]
pub(crate) struct Session {
    /// Valid for minutes; get the next with `refresh`.
    access_token: String,
    /// Until when the access token is valid.
    access_token_expires_at: DateTime<Utc>,
    /// For `refresh`, once. A repeat within seconds gets the same tokens; using it later ends the session, as somebody else may
    /// have it.
    refresh_token: String,
    /// When the session ends, however often it is refreshed.
    refresh_token_expires_at: DateTime<Utc>,
}

payloads! {
    "register" => RegisterPayload { session: Session = "The tokens to go on with.", user: User = "The new user." }
    "signIn" => SignInPayload { session: Session = "The tokens to go on with.", user: User = "Who signed in." }
    "refresh" => RefreshPayload { session: Session = "The next tokens of the session.", user: User = "Whose session it is." }
    "signOut" => SignOutPayload { signed_out: u32 = "How many sessions were ended." }
    "changePassword" => ChangePasswordPayload { user: User = "You, a version on." }
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

fn origin(ctx: &Context<'_>) -> Result<Origin> {
    Ok(Origin {
        context: command_context(ctx)?,
        address: client_address(ctx)?,
    })
}

#[derive(Default)]
pub(crate) struct SignInMutation;

#[Object]
impl SignInMutation {
    /// Creates a user with the role MEMBER, and signs them in. CONFLICT when another one has the email address;
    /// RATE_LIMITED after too many attempts from your address.
    /// A repeat gets CONFLICT, also under an idempotency key, as no token is kept: sign in.
    async fn register(
        &self,
        ctx: &Context<'_>,
        input: RegisterInput,
    ) -> Result<Option<RegisterPayload>> {
        let users = &entities(ctx).users;
        let registered = users.register(origin(ctx)?, input.into()).await;
        let (session, user) = parts(registered.map_err(from_users)?);
        Ok(Some(RegisterPayload { session, user }))
    }

    /// Begins a session. UNAUTHENTICATED, after the same time, whether there is no such user, the password is wrong or the
    /// user was deactivated; RATE_LIMITED after too many attempts for the account or from your address.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        input: SignInInput,
    ) -> Result<Option<SignInPayload>> {
        let users = &entities(ctx).users;
        let password = Secret::new(input.password);
        let signed_in = users.sign_in(origin(ctx)?, &input.email, password).await;
        let (session, user) = parts(signed_in.map_err(from_users)?);
        Ok(Some(SignInPayload { session, user }))
    }

    /// Exchanges a refresh token for the next tokens of its session. A repeat within seconds, after a lost answer or from another
    /// tab, gets the same tokens; later it ends the session. UNAUTHENTICATED when the token is unknown, too old, used before, or
    /// of a session that has ended.
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        input: RefreshInput,
    ) -> Result<Option<RefreshPayload>> {
        let users = &entities(ctx).users;
        let token = Secret::new(input.refresh_token);
        let refreshed = users.refresh(command_context(ctx)?, token).await;
        let (session, user) = parts(refreshed.map_err(from_users)?);
        Ok(Some(RefreshPayload { session, user }))
    }

    /// Ends your session, or all of your sessions. Their tokens are refused from then on, and their open subscriptions
    /// end. A repeat is UNAUTHENTICATED with the reason REVOKED, as it comes from nobody.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        input: Option<SignOutInput>,
    ) -> Result<Option<SignOutPayload>> {
        let users = &entities(ctx).users;
        let everywhere = input.is_some_and(|input| input.everywhere);
        let ended = users.sign_out(command_context(ctx)?, everywhere).await;
        Ok(Some(SignOutPayload {
            signed_out: ended.map_err(from_users)?,
        }))
    }

    /// Sets a new password, and ends all your other sessions. UNAUTHENTICATED when the current password is wrong, as it is in a
    /// repeat; RATE_LIMITED after too many attempts.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Result<Option<ChangePasswordPayload>> {
        let users = &entities(ctx).users;
        let (current, new) = (
            Secret::new(input.current_password),
            Secret::new(input.new_password),
        );
        let changed = users
            .change_password(command_context(ctx)?, current, new)
            .await;
        Ok(Some(ChangePasswordPayload {
            user: changed.map_err(from_users)?.into(),
        }))
    }
}
