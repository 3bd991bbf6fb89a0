//! The permissions by role. This table, the one in docs/client/permissions.md and the matrix test say the same. Permissions
//! that depend on more than the role (one's own data, the members of a chat) are decided in the domain.

use super::{AccessError, Reason, Viewer};
use crate::stored_enum::stored_enum;

stored_enum! {
    /// What a user may do; each role may do what those before it may.
    pub enum Role {
        /// Uses chats.
        Member,
        /// Works with customers.
        Staff,
        /// Manages users.
        Admin,
    }
}

/// An action that a role allows or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read, count, list and follow customers and their statistics.
    ReadCustomers,
    /// Create, update, delete and restore customers.
    WriteCustomers,
    /// Read, list and follow students.
    ReadStudents,
    /// Create, update, delete, restore and import students.
    WriteStudents,
    /// Read, list and follow users.
    ReadUsers,
    /// Read the email addresses and histories of other users.
    ReadUserDetails,
    /// Change roles, deactivate, reactivate and disconnect other users.
    ManageUsers,
    /// Erase the personal data of deactivated users.
    EraseUsers,
    /// See the state of the processes.
    ReadOperations,
    /// Read the log, and follow all of it.
    ReadLog,
    /// Pause and resume workers, replay and discard dead letters.
    OperateWorkers,
    /// Watch read models, and request their rebuild.
    OperateReadModels,
    /// Use chats; membership decides which ones.
    UseChats,
    /// Read, list and follow posts and their comments.
    ReadPosts,
    /// Write posts and comments, like posts, and change one's own.
    WritePosts,
    /// Delete the posts and remove the comments of others, and see what was removed.
    ModeratePosts,
    /// Submit signals.
    SubmitSignals,
    /// Read, list and follow signals.
    ReadSignals,
}

impl Action {
    /// Returns the lowest role that allows the action.
    const fn least_role(self) -> Role {
        match self {
            Self::ReadUsers | Self::UseChats | Self::ReadPosts | Self::WritePosts => Role::Member,
            Self::SubmitSignals | Self::ReadSignals => Role::Member,
            Self::ReadCustomers | Self::WriteCustomers | Self::ReadUserDetails => Role::Staff,
            Self::ReadStudents | Self::WriteStudents | Self::ModeratePosts => Role::Staff,
            Self::EraseUsers
            | Self::ManageUsers
            | Self::ReadOperations
            | Self::OperateReadModels => Role::Admin,
            Self::ReadLog | Self::OperateWorkers => Role::Admin,
        }
    }
}

/// Checks whether the viewer's role allows `action`.
///
/// # Errors
/// `Unauthenticated` when the caller has not signed in, `Forbidden` when the role is not sufficient.
pub fn authorize(viewer: &Viewer, action: Action) -> Result<(), AccessError> {
    if matches!(viewer, Viewer::Process(_)) {
        return Ok(());
    }
    match viewer.role() {
        None => Err(AccessError::Unauthenticated(Reason::Missing)),
        Some(role) if role >= action.least_role() => Ok(()),
        Some(_) => Err(AccessError::Forbidden),
    }
}
