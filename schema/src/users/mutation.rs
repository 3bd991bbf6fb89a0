//! The mutations of existing users.

use async_graphql::{Context, Object};
use entities::users::ChangeUser;

use super::{
    inputs::{
        DeactivateUserInput, ReactivateUserInput, RemoveAvatarInput, SetAvailabilityInput,
        SetAvatarInput, SetRoleInput, UpdateProfileInput,
    },
    object::User,
};
use crate::{
    id,
    payloads::{Reply, payloads},
    price::{PICTURE, cost},
    request::{command_context, entities},
    upload::Upload,
};

payloads! {
    "updateProfile" => UpdateProfilePayload { user: User = "Yourself, after the change." }
    "setAvatar" => SetAvatarPayload { user: User = "Yourself, after the change." }
    "removeAvatar" => RemoveAvatarPayload { user: User = "Yourself, after the change." }
    "setAvailability" => SetAvailabilityPayload {
        user: User = "Yourself. `availability` is what others see: OFFLINE unless you have an open socket.",
    }
    "setRole" => SetRolePayload { user: User = "The user with the new role." }
    "deactivateUser" => DeactivateUserPayload { user: User = "The user who was deactivated." }
    "reactivateUser" => ReactivateUserPayload { user: User = "The user who is active again." }
}

#[derive(Default)]
pub(crate) struct UsersMutation;

#[Object]
impl UsersMutation {
    /// Changes the given fields of your profile. An update that changes nothing succeeds without recording an event.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        input: UpdateProfileInput,
    ) -> Reply<UpdateProfilePayload> {
        let expected_version = input.expected_version;
        let update = input.into_update()?;
        let (context, users) = (command_context(ctx)?, &entities(ctx).users);
        let user = users
            .update_profile(context, expected_version, update)
            .await?
            .into();
        Ok(Some(UpdateProfilePayload { user }))
    }

    /// Makes a picture your avatar, in place of the one before. The request has to be a multipart request, by the GraphQL multipart request
    /// specification, with the header `GraphQL-Preflight: 1`. RATE_LIMITED while many others send pictures.
    #[graphql(directive = cost::apply(PICTURE.to_owned()))]
    async fn set_avatar(
        &self,
        ctx: &Context<'_>,
        input: SetAvatarInput,
    ) -> Reply<SetAvatarPayload> {
        let (context, users) = (command_context(ctx)?, &entities(ctx).users);
        let SetAvatarInput {
            picture: Upload(picture),
            expected_version,
        } = input;
        let changed = users.set_avatar(context, expected_version, picture).await;
        let user = changed?.into();
        Ok(Some(SetAvatarPayload { user }))
    }

    /// Removes your avatar. Without one it succeeds without recording an event.
    async fn remove_avatar(
        &self,
        ctx: &Context<'_>,
        input: Option<RemoveAvatarInput>,
    ) -> Reply<RemoveAvatarPayload> {
        let (context, users) = (command_context(ctx)?, &entities(ctx).users);
        let expected_version = input.and_then(|input| input.expected_version);
        let user = users.remove_avatar(context, expected_version).await?.into();
        Ok(Some(RemoveAvatarPayload { user }))
    }

    /// Sets the availability that others see while you are connected. It applies until you change it.
    async fn set_availability(
        &self,
        ctx: &Context<'_>,
        input: SetAvailabilityInput,
    ) -> Reply<SetAvailabilityPayload> {
        let (context, users) = (command_context(ctx)?, &entities(ctx).users);
        let user = users
            .set_availability(context, input.availability.into())
            .await?
            .into();
        Ok(Some(SetAvailabilityPayload { user }))
    }

    /// Changes the role of a user, with immediate effect on open sockets too. Requires the role ADMIN. CONFLICT when no ADMIN
    /// would be left.
    async fn set_role(&self, ctx: &Context<'_>, input: SetRoleInput) -> Reply<SetRolePayload> {
        let target = ChangeUser {
            id: id::decode("id", &input.id)?,
            expected_version: input.expected_version,
        };
        let (context, users) = (command_context(ctx)?, &entities(ctx).users);
        let user = users
            .set_role(context, target, input.role.into())
            .await?
            .into();
        Ok(Some(SetRolePayload { user }))
    }

    /// Deactivates yourself, or another user if you are ADMIN. Their sessions end, their sockets close, and they can no longer
    /// sign in; what they wrote stays. CONFLICT when no ADMIN would be left.
    async fn deactivate_user(
        &self,
        ctx: &Context<'_>,
        input: DeactivateUserInput,
    ) -> Reply<DeactivateUserPayload> {
        let context = command_context(ctx)?;
        let id = match &input.id {
            Some(id) => id::decode("id", id)?,
            None => context.viewer.require_user()?,
        };
        let user = entities(ctx).users.deactivate(context, id).await?.into();
        Ok(Some(DeactivateUserPayload { user }))
    }

    /// Makes a deactivated user active again, with the role that they had: they can sign in as before. An active user stays as they
    /// are. Requires the role ADMIN. CONFLICT when the personal data of the user was erased.
    async fn reactivate_user(
        &self,
        ctx: &Context<'_>,
        input: ReactivateUserInput,
    ) -> Reply<ReactivateUserPayload> {
        let target = ChangeUser {
            id: id::decode("id", &input.id)?,
            expected_version: input.expected_version,
        };
        let (context, users) = (command_context(ctx)?, &entities(ctx).users);
        let user = users.reactivate(context, target).await?.into();
        Ok(Some(ReactivateUserPayload { user }))
    }
}
