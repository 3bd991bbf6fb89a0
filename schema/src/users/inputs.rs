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
    price::{SEARCH, cost},
    record::SortDirection,
};

/// A new user.
#[derive(InputObject)]
pub(crate) struct RegisterInput {
    /// The email address to sign in with. It must not belong to another user; case is ignored.
    email: String,
    /// The name, 1 to 100 characters.
    name: String,
    /// The new password, 8 to 128 characters.
    password: String,
}

impl From<RegisterInput> for users::Register {
    fn from(input: RegisterInput) -> Self {
        Self {
            email: input.email,
            name: input.name,
            password: Secret::new(input.password),
        }
    }
}

/// The credentials to sign in with.
#[derive(InputObject)]
pub(crate) struct SignInInput {
    /// The email address. Case is ignored.
    pub(super) email: String,
    /// The password.
    pub(super) password: String,
}

/// The session to refresh.
#[derive(InputObject)]
pub(crate) struct RefreshInput {
    /// The latest refresh token of the session. It can be exchanged once; a repeat within seconds returns the same tokens.
    pub(super) refresh_token: String,
}

/// The sessions to end.
#[derive(InputObject)]
pub(crate) struct SignOutInput {
    /// Whether to end all of your sessions, on every device, instead of only this one.
    #[graphql(default = false)]
    pub(super) everywhere: bool,
}

/// A new password.
#[derive(InputObject)]
pub(crate) struct ChangePasswordInput {
    /// The current password.
    pub(super) current_password: String,
    /// The new password, 8 to 128 characters.
    pub(super) new_password: String,
}

/// Changes to your profile. Omitted fields keep their values.
#[derive(InputObject)]
pub(crate) struct UpdateProfileInput {
    /// The name, 1 to 100 characters.
    name: MaybeUndefined<String>,
    /// The bio, at most 1,000 characters. Null removes it.
    bio: MaybeUndefined<String>,
    /// The version that you expect. CONFLICT when you are at another version.
    pub(super) expected_version: Option<i64>,
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

/// The availability to show while you are connected.
#[derive(InputObject)]
pub(crate) struct SetAvailabilityInput {
    /// The availability. OFFLINE hides that you are connected.
    pub(super) availability: Availability,
}

/// The role to assign to a user.
#[derive(InputObject)]
pub(crate) struct SetRoleInput {
    /// The user.
    pub(super) user_id: ID,
    /// The new role.
    pub(super) role: Role,
    /// The version that you expect. CONFLICT when the user is at another version.
    pub(super) expected_version: Option<i64>,
}

/// A user to deactivate.
#[derive(InputObject)]
pub(crate) struct DeactivateUserInput {
    /// The global id of the user; yourself when omitted. Only an ADMIN may deactivate others.
    pub(super) user_id: Option<ID>,
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

impl From<UserFilter> for users::UserFilter {
    fn from(filter: UserFilter) -> Self {
        Self {
            search: filter.search,
            role: any_of(filter.role),
            include_deactivated: filter.include_deactivated,
        }
    }
}

/// The field to sort users by.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::UserSortField")]
pub(crate) enum UserSortField {
    /// The time of registration.
    CreatedAt,
    /// The name, compared by code points.
    Name,
}

/// The order of a list of users. Equal users are ordered by id.
#[derive(InputObject)]
pub(crate) struct UserSort {
    /// The field to sort by.
    #[graphql(default_with = "UserSortField::CreatedAt")]
    field: UserSortField,
    /// The direction to sort in.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

impl From<UserSort> for users::UserSort {
    fn from(sort: UserSort) -> Self {
        Self {
            field: sort.field.into(),
            direction: sort.direction.into(),
        }
    }
}

/// Newest first.
impl Default for UserSort {
    fn default() -> Self {
        Self {
            field: UserSortField::CreatedAt,
            direction: SortDirection::Desc,
        }
    }
}
