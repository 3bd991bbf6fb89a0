//! The inputs of users, and their conversion to those of `entities`. Passwords and tokens are hidden at once; none of these
//! types can be printed.

use async_graphql::{Enum, ID, MaybeUndefined};
use entities::{
    Violations,
    users::{self, Secret, UpdateProfile},
};

use super::object::{Availability, Role};
use crate::{
    error::{Result, invalid},
    filter::{
        DateTimeFilter, IdFilter, IntFilter, OptionalDateTimeFilter, OptionalStringFilter,
        StringFilter, choices, filters,
    },
    payloads::{inputs, takes},
    upload::Upload,
};

inputs! {
    /// A new user.
    RegisterInput {
        email: String = "The email address to sign in with. It must not belong to another user; case is ignored.",
        name: String = "The name, 1 to 100 characters.",
        username: Option<String> = "The name to be found by: 3 to 30 letters from a to z, digits and underscores, the first a letter. It must not belong to \
            another user; case is ignored.",
        password: String = "The new password, 8 to 128 characters. VALIDATION with the code `guessable` for one that is tried first.",
    }
}

takes!(users::Register: RegisterInput { email, name, username, password by Secret::new });

inputs! {
    /// The credentials to sign in with.
    SignInInput { email: String = "The email address. Case is ignored.", password: String = "The password." }

    /// The session to refresh.
    RefreshInput {
        refresh_token: String =
            "The latest refresh token of the session. It can be exchanged once; a repeat within seconds returns the same tokens.",
    }

    /// The sessions to end.
    SignOutInput {
        #[graphql(default = false)]
        everywhere: bool = "Whether to end all of your sessions, on every device, instead of only this one.",
    }

    /// The session to end.
    EndSessionInput { id: ID = "The global id of the session." }

    /// The user who cannot sign in.
    RequestPasswordResetInput { email: String = "The email address of the user. Case is ignored." }

    /// The user whose address is to be verified.
    RequestEmailVerificationInput { email: String = "The email address of the user. Case is ignored." }

    /// A new password, for whoever has a token from a mail.
    ResetPasswordInput {
        token: String = "The token.",
        new_password: String = "The new password, 8 to 128 characters. VALIDATION with the code `guessable` for one that is tried first.",
    }

    /// An address to verify.
    VerifyEmailInput { token: String = "The token from a mail." }

    /// A new password.
    ChangePasswordInput {
        current_password: String = "The current password.",
        new_password: String = "The new password, 8 to 128 characters. VALIDATION with the code `guessable` for one that is tried first.",
    }

    /// Changes to your profile. Omitted fields keep their values.
    UpdateProfileInput {
        name: MaybeUndefined<String> = "The name, 1 to 100 characters.",
        username: MaybeUndefined<String> = "The name to be found by: 3 to 30 letters from a to z, digits and underscores, the first a letter. CONFLICT when \
            another user has it; case is ignored. Null gives it up.",
        bio: MaybeUndefined<String> = "The bio, at most 1,000 characters. Null removes it.",
        expected_version: Option<i64> = "The version that you expect. CONFLICT when you are at another version.",
    }
}

inputs! {
    /// A picture of yourself.
    SetAvatarInput {
        picture: Upload = "The picture: JPEG, PNG or WebP, with at most 2 MiB and 4,096 by 4,096 pixels, fewer with 16 bits a channel. A square is cut out of its middle and scaled; \
            nothing else of the file is kept. VALIDATION when it is no such picture.",
        expected_version: Option<i64> = "The version that you expect. CONFLICT when you are at another version.",
    }

    /// What to know before your avatar is removed.
    RemoveAvatarInput {
        expected_version: Option<i64> = "The version that you expect. CONFLICT when you are at another version.",
    }
}

impl UpdateProfileInput {
    pub(super) fn into_update(self) -> Result<UpdateProfile> {
        if self.name.is_null() {
            let message = "must not be null; leave it out to keep it";
            return Err(invalid(Violations::one("name", "null", message)));
        }
        Ok(UpdateProfile {
            name: self.name.take(),
            username: change(self.username),
            bio: change(self.bio),
        })
    }
}

/// Returns a change to a value that may be missing.
fn change<T>(given: MaybeUndefined<T>) -> Option<Option<T>> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

inputs! {
    /// The availability to show while you are connected.
    SetAvailabilityInput { availability: Availability = "The availability. OFFLINE hides that you are connected." }

    /// The role to assign to a user.
    SetRoleInput {
        id: ID = "The global id of the user.",
        role: Role = "The new role.",
        expected_version: Option<i64> = "The version that you expect. CONFLICT when the user is at another version.",
    }

    /// A user to make active again.
    ReactivateUserInput {
        id: ID = "The global id of the user.",
        expected_version: Option<i64> = "The version that you expect. CONFLICT when the user is at another version.",
    }

    /// A user to deactivate.
    DeactivateUserInput { id: Option<ID> = "The global id of the user; yourself when omitted. Only an ADMIN may deactivate others." }
}

choices! {
    /// Compares the role of a user.
    UserRoleFilter of Role as users::Role;
}

filters! {
    /// Filters a list of users. All conditions must hold. Deactivated users are left out unless there is a condition on
    /// `deactivatedAt`.
    UserFilter of users::UserField,
    search = "Matches users whose name contains this text, or whose username begins with it. Case is ignored." {
        id: IdFilter as Id = "The global id.",
        email: StringFilter as Email = "The email address. Case is ignored. FORBIDDEN unless you are STAFF or ADMIN.",
        name: StringFilter as Name = "The name, compared by code points.",
        username: OptionalStringFilter as Username = "The username. Case is ignored.",
        role: UserRoleFilter as Role = "The role.",
        version: IntFilter as Version = "The version.",
        created_at: DateTimeFilter as CreatedAt = "The time of registration.",
        updated_at: DateTimeFilter as UpdatedAt = "The time of the last change.",
        deactivated_at: OptionalDateTimeFilter as DeactivatedAt = "The time of deactivation.",
    }
}

/// The field to sort users by.
#[derive(Enum, Copy, Clone, Default, Eq, PartialEq)]
#[graphql(remote = "users::UserSortField")]
pub(crate) enum UserSortField {
    /// The time of registration.
    #[default]
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
    /// The name, compared by code points.
    Name,
    /// The username, compared by code points. Users without one come before all others.
    Username,
}
