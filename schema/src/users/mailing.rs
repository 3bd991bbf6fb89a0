//! The mutations around mails to users: setting a new password without the old one, and showing that an address is one's own.

use async_graphql::{Context, Object};
use entities::users::{EmailPurpose, Secret};

use super::{
    inputs::{
        RequestEmailVerificationInput, RequestPasswordResetInput, ResetPasswordInput,
        VerifyEmailInput,
    },
    object::User,
    sign_in::origin,
};
use crate::{
    payloads::{Reply, payloads},
    request::entities,
};

payloads! {
    "requestPasswordReset" => RequestPasswordResetPayload {
        is_accepted: bool = "Always true: the answer does not tell whether a user has the address.",
    }
    "resetPassword" => ResetPasswordPayload { user: User = "The user with the new password. They have to sign in." }
    "requestEmailVerification" => RequestEmailVerificationPayload {
        is_accepted: bool = "Always true: the answer does not tell whether a user has the address.",
    }
    "verifyEmail" => VerifyEmailPayload { user: User = "The user whose address was verified." }
}

#[derive(Default)]
pub(crate) struct MailingMutation;

#[Object]
impl MailingMutation {
    /// Sends a mail with a token for `resetPassword` to the user with this address, if there is one. A user gets at most three an hour.
    /// RATE_LIMITED after too many requests for the address or from your IP address; FORBIDDEN where no mail is sent.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        input: RequestPasswordResetInput,
    ) -> Reply<RequestPasswordResetPayload> {
        let users = &entities(ctx).users;
        let purpose = EmailPurpose::ResetPassword;
        users
            .request_mail(origin(ctx)?, &input.email, purpose)
            .await?;
        Ok(Some(RequestPasswordResetPayload { is_accepted: true }))
    }

    /// Sets a new password with a token from a mail, and ends all sessions of the user. VALIDATION when the token is unknown, expired or used,
    /// as it is in a repeat.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        input: ResetPasswordInput,
    ) -> Reply<ResetPasswordPayload> {
        let users = &entities(ctx).users;
        let (token, password) = (Secret::new(input.token), Secret::new(input.new_password));
        let reset = users.reset_password(origin(ctx)?, token, password).await;
        let user = User::signed_in(reset?);
        Ok(Some(ResetPasswordPayload { user }))
    }

    /// Sends a mail with a token for `verifyEmail` to the user with this address, if there is one and it was not verified before. A user gets
    /// at most three an hour. RATE_LIMITED after too many requests for the address or from your IP address; FORBIDDEN where no mail is sent.
    async fn request_email_verification(
        &self,
        ctx: &Context<'_>,
        input: RequestEmailVerificationInput,
    ) -> Reply<RequestEmailVerificationPayload> {
        let users = &entities(ctx).users;
        let purpose = EmailPurpose::VerifyAddress;
        users
            .request_mail(origin(ctx)?, &input.email, purpose)
            .await?;
        Ok(Some(RequestEmailVerificationPayload { is_accepted: true }))
    }

    /// Shows with a token from a mail that the address of a user is theirs. VALIDATION when the token is unknown, expired or used, as it is in
    /// a repeat.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        input: VerifyEmailInput,
    ) -> Reply<VerifyEmailPayload> {
        let users = &entities(ctx).users;
        let token = Secret::new(input.token);
        let verified = users.verify_email(origin(ctx)?, token).await;
        let user = User::signed_in(verified?);
        Ok(Some(VerifyEmailPayload { user }))
    }
}
