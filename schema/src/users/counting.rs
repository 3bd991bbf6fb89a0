//! The statistics of users.

use entities::users;

use super::object::Role;
use crate::statistics::statistics;

statistics! {
    /// How many active users there are, and when they came and went.
    UserStatistics of users::User {
        UserDayCount {
            registered = created, "Users who registered.";
            deactivated = deleted, "Users who were deactivated.";
            reactivated = restored, "Users who were made active again."
        },
        by_role: UserRoleCount { role: Role = "The role." }
    }
}
