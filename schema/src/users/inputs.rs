//! The inputs of users, and how they become those of `entities`. Passwords and tokens are hidden at once; none of these
//! types can be printed.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, Result};
use entities::{
    Violations,
    users::{self, Secret, UpdateProfile},
};

use super::object::{Availability, Role};
use crate::{
    alternatives::any_of,
    error::invalid,
    price::{SEARCH, cost},
    record::SortDirection,
};

/// A new user.
#[derive(InputObject)]
pub(crate) struct RegisterInput {
    /// The address to sign in with. Must not belong to another user, whatever its case.
    email: String,
    /// 1 to 100 characters.
    name: String,
    /// 8 to 128 characters.
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

/// Who signs in.
#[derive(InputObject)]
pub(crate) struct SignInInput {
    /// The address, whatever its case.
    pub(super) email: String,
    /// The password.
    pub(super) password: String,
}

/// A session to go on with.
#[derive(InputObject)]
pub(crate) struct RefreshInput {
    /// The last refresh token of the session. It can be exchanged once; a repeat within seconds gets the same tokens.
    pub(super) refresh_token: String,
}

/// Which sessions to end.
#[derive(InputObject)]
pub(crate) struct SignOutInput {
    /// All of the user's sessions, on every device, instead of this one.
    #[graphql(default = false)]
    pub(super) everywhere: bool,
}

/// A new password.
#[derive(InputObject)]
pub(crate) struct ChangePasswordInput {
    /// The password until now.
    pub(super) current_password: String,
    /// 8 to 128 characters.
    pub(super) new_password: String,
}

/// Changes to your profile; absent fields stay as they are.
#[derive(InputObject)]
pub(crate) struct UpdateProfileInput {
    /// 1 to 100 characters.
    name: MaybeUndefined<String>,
    /// At most 1000 characters; null removes it.
    bio: MaybeUndefined<String>,
    /// Fails with CONFLICT when your user is at another version.
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

/// How you want to be shown while you are connected.
#[derive(InputObject)]
pub(crate) struct SetAvailabilityInput {
    /// OFFLINE hides that you are connected.
    pub(super) availability: Availability,
}

/// A role for a user.
#[derive(InputObject)]
pub(crate) struct SetRoleInput {
    /// The user.
    pub(super) user_id: ID,
    /// The new role.
    pub(super) role: Role,
    /// Fails with CONFLICT when the user is at another version.
    pub(super) expected_version: Option<i64>,
}

/// A user to deactivate.
#[derive(InputObject)]
pub(crate) struct DeactivateUserInput {
    /// Another user, which only an ADMIN may deactivate; yourself when it is left out.
    pub(super) user_id: Option<ID>,
}

/// Which users a list has; all conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct UserFilter {
    /// Part of the name, whatever its case.
    #[graphql(directive = cost::apply(SEARCH.to_owned()))]
    search: Option<String>,
    /// Any of these; an empty list matches nothing.
    role: Option<Vec<Role>>,
    /// Also users who were deactivated.
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

/// What a list of users is sorted by.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::UserSortField")]
pub(crate) enum UserSortField {
    /// When they registered.
    CreatedAt,
    /// The name, by code point.
    Name,
}

/// The order of a list of users; equals are ordered by id.
#[derive(InputObject)]
pub(crate) struct UserSort {
    /// The criterion.
    #[graphql(default_with = "UserSortField::CreatedAt")]
    field: UserSortField,
    /// Its direction.
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
