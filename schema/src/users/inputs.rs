//! The inputs of users, and their conversion to those of `entities`. Passwords and tokens are hidden at once; none of these
//! types can be printed.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entities::{
    Violations,
    users::{self, Secret, UpdateProfile},
};

use super::object::{Availability, Role};
use crate::{
    alternatives::any_of,
    error::{Result, invalid},
    payloads::{inputs, takes},
    price::{SEARCH, cost},
    record::SortDirection,
};

inputs! {
    /// A new user.
    RegisterInput {
        email: String = "The email address to sign in with. It must not belong to another user; case is ignored.",
        name: String = "The name, 1 to 100 characters.",
        password: String = "The new password, 8 to 128 characters.",
    }
}

takes!(users::Register: RegisterInput { email, name, password by Secret::new });

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

    /// A new password.
    ChangePasswordInput {
        current_password: String = "The current password.",
        new_password: String = "The new password, 8 to 128 characters.",
    }

    /// Changes to your profile. Omitted fields keep their values.
    UpdateProfileInput {
        name: MaybeUndefined<String> = "The name, 1 to 100 characters.",
        bio: MaybeUndefined<String> = "The bio, at most 1,000 characters. Null removes it.",
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
            bio: match self.bio {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(bio) => Some(Some(bio)),
            },
        })
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

    /// A user to deactivate.
    DeactivateUserInput { id: Option<ID> = "The global id of the user; yourself when omitted. Only an ADMIN may deactivate others." }
}

/// Filters a list of users. All conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct UserFilter {
    /// Matches users whose name contains this text. Case is ignored.
    #[graphql(directive = cost::apply(SEARCH.to_owned()))]
    search: Option<String>,
    /// Matches users with any of these roles. An empty list matches nothing.
    role: Option<Vec<Role>>,
    /// Whether to include deactivated users.
    #[graphql(default = false)]
    include_deactivated: bool,
}

takes!(users::UserFilter: UserFilter { search, role by any_of, include_deactivated });

/// The field to sort users by.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::UserSortField")]
pub(crate) enum UserSortField {
    /// The time of registration.
    CreatedAt,
    /// The name, compared by code points.
    Name,
}

inputs! {
    /// The order of a list of users. Equal users are ordered by id.
    UserSort {
        #[graphql(default_with = "UserSortField::CreatedAt")]
        field: UserSortField = "The field to sort by.",
        #[graphql(default_with = "SortDirection::Desc")]
        direction: SortDirection = "The direction to sort in.",
    }
}

takes!(users::UserSort: UserSort { field, direction });

/// Newest first.
impl Default for UserSort {
    fn default() -> Self {
        Self {
            field: UserSortField::CreatedAt,
            direction: SortDirection::Desc,
        }
    }
}
