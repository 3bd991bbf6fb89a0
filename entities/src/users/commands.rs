//! The commands on existing users. The row is locked before it is changed, so that concurrent changes follow each other and
//! each sees the one before. A user who is deactivated loses their sessions in the same transaction.

use std::sync::Arc;

use ::events::{Tx, now};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::{
    Role, STREAM, User, UserError, UserEventKind, UserRefusal, Users,
    error::refused_row,
    events::{Revocation, UserData},
    rules,
    sessions::end_sessions,
    user::{ActiveModel, Column, Entity},
    usernames,
};
use crate::{
    CommandContext,
    access::{Action, UserId, authorize},
    boxed,
    event_kinds::EventData,
    idempotency,
    record::set,
};

type Result<T, E = UserError> = std::result::Result<T, E>;

/// The input of `update_profile`. A field that is `None` keeps its value.
#[derive(Debug, Clone, Default)]
pub struct UpdateProfile {
    /// A new name.
    pub name: Option<String>,
    /// A new username; `Some(None)` gives it up.
    pub username: Option<Option<String>>,
    /// A new text about the user; `Some(None)` removes it.
    pub bio: Option<Option<String>>,
}

/// Names the user to change, and the version that the caller saw.
#[derive(Debug, Clone, Copy)]
pub struct ChangeUser {
    /// The id of the user.
    pub id: UserId,
    /// Fails with a conflict when the user is at another version.
    pub expected_version: Option<i64>,
}

impl User {
    /// A user who was deactivated is as one who does not exist.
    pub(super) fn check_active(&self) -> Result<()> {
        match self.deactivated_at {
            Some(_) => Err(UserError::NotFound(STREAM)),
            None => Ok(()),
        }
    }
}

impl Users {
    /// Updates the given fields of the caller's own profile. An update that changes nothing succeeds and appends no event.
    #[boxed]
    pub async fn update_profile(
        &self,
        context: CommandContext,
        expected_version: Option<i64>,
        input: UpdateProfile,
    ) -> Result<User> {
        let id = context.viewer.require_user()?;
        let input = rules::check_profile(input)?;
        let target = ChangeUser {
            id,
            expected_version,
        };
        self.change(
            context,
            target,
            UserEventKind::ProfileUpdated,
            move |user| {
                user.check_active()?;
                let UpdateProfile {
                    name,
                    username,
                    bio,
                } = input.clone();
                set(&mut user.name, name);
                set(&mut user.username, username);
                set(&mut user.bio, bio);
                Ok(())
            },
        )
        .await
    }

    /// Changes a user's role. The last administrator keeps theirs.
    #[boxed]
    pub async fn set_role(
        &self,
        context: CommandContext,
        target: ChangeUser,
        role: Role,
    ) -> Result<User> {
        authorize(&context.viewer, Action::ManageUsers)?;
        self.change(context, target, UserEventKind::RoleChanged, move |user| {
            user.check_active()?;
            user.role = role;
            Ok(())
        })
        .await
    }

    /// Deactivates a user: the caller, or for administrators anybody but the last one of them. Their sessions end.
    #[boxed]
    pub async fn deactivate(&self, context: CommandContext, id: UserId) -> Result<User> {
        if context.viewer.require_user()? != id {
            authorize(&context.viewer, Action::ManageUsers)?;
        }
        let target = ChangeUser {
            id,
            expected_version: None,
        };
        self.change(context, target, UserEventKind::Deactivated, |user| {
            user.check_active()?;
            user.deactivated_at = Some(now());
            Ok(())
        })
        .await
    }

    /// Makes a deactivated user active again, with the role and the password that they had. An active user stays as they are.
    ///
    /// # Errors
    /// `Erased` when the user's personal data was erased. An erasure locks the same row, so one of the two comes first; and what is
    /// erased stays so, as its user can begin nothing any more.
    #[boxed]
    pub async fn reactivate(&self, context: CommandContext, target: ChangeUser) -> Result<User> {
        authorize(&context.viewer, Action::ManageUsers)?;
        self.change(context, target, UserEventKind::Reactivated, |user| {
            if user.is_erased() {
                return Err(UserRefusal::Erased.into());
            }
            user.deactivated_at = None;
            Ok(())
        })
        .await
    }

    pub(super) async fn change(
        &self,
        context: CommandContext,
        target: ChangeUser,
        kind: UserEventKind,
        edit: impl Fn(&mut User) -> Result<()> + Send + Sync + 'static,
    ) -> Result<User> {
        let edit = Arc::new(edit);
        self.log
            .write(move |tx| {
                let (context, edit) = (context.clone(), edit.clone());
                Box::pin(async move {
                    let work = change_in_tx(tx, &context, target, kind, &*edit);
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }
}

pub(super) async fn lock_user(tx: &Tx<'_>, id: UserId) -> Result<User> {
    Entity::find_by_id(id)
        .lock_exclusive()
        .one(&**tx)
        .await?
        .ok_or(UserError::NotFound(STREAM))
}

async fn change_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    target: ChangeUser,
    kind: UserEventKind,
    edit: &(dyn Fn(&mut User) -> Result<()> + Send + Sync),
) -> Result<User> {
    let may_remove_administrator = matches!(
        kind,
        UserEventKind::RoleChanged | UserEventKind::Deactivated
    );
    let (before, administrators) = match may_remove_administrator {
        true => lock_with_administrators(tx, target.id).await?,
        false => (lock_user(tx, target.id).await?, Vec::new()),
    };
    let mut user = before.clone();
    edit(&mut user)?;
    UserError::check_version(STREAM, target.expected_version, before.version)?;
    if user == before {
        return Ok(before);
    }
    let is_administrator = user.role == Role::Admin && user.deactivated_at.is_none();
    if may_remove_administrator && !is_administrator && administrators == [user.id] {
        return Err(UserRefusal::LastAdministrator.into());
    }
    if user.username != before.username {
        usernames::hold(tx, user.id, user.username.as_deref()).await?;
    }
    let user = append(tx, context, kind, user, before.active_role()).await?;
    if kind == UserEventKind::Deactivated {
        end_sessions(tx, context, user.id, |_| true, Revocation::Deactivated).await?;
    }
    Ok(user)
}

/// Locks a user and all administrators; returns both. Whoever locks several users does so in the order of their ids: two
/// administrators who depose each other wait for each other here, and a chat that begins with them is not in the way.
pub(super) async fn lock_with_administrators(
    tx: &Tx<'_>,
    id: UserId,
) -> Result<(User, Vec<UserId>)> {
    let is_administrator = Condition::all()
        .add(Column::Role.eq(Role::Admin))
        .add(Column::DeactivatedAt.is_null());
    let locked = Entity::find()
        .filter(
            Condition::any()
                .add(Column::Id.eq(id))
                .add(is_administrator),
        )
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(&**tx)
        .await?;
    let administrators = locked
        .iter()
        .filter(|user| user.active_role() == Some(Role::Admin));
    let administrators = administrators.map(|user| user.id).collect();
    let user = locked.into_iter().find(|user| user.id == id);
    Ok((user.ok_or(UserError::NotFound(STREAM))?, administrators))
}

/// Stores the user with the next version, and appends its event, which says the role that the user had before, if any.
pub(super) async fn append(
    tx: &Tx<'_>,
    context: &CommandContext,
    kind: UserEventKind,
    mut user: User,
    previous_role: Option<Role>,
) -> Result<User> {
    user.derive_keys();
    user.version += 1;
    if user.version > 1 {
        // The time never goes backwards, whatever the clocks of the processes say.
        user.updated_at = now().max(user.updated_at);
    }
    let row: ActiveModel = user.clone().into_active_model().reset_all();
    let updated = Entity::update(row).exec(&**tx).await;
    updated.map_err(refused_row)?;
    let stream = user.id.stream();
    let data = UserData {
        user,
        previous_role,
    };
    let event = kind.event(&data, data.user.updated_at);
    let expected = data.user.version - 1;
    tx.append(stream, expected, event, &context.meta()).await?;
    Ok(data.user)
}
