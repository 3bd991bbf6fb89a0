//! The personal data of users: names, address, picture, and the text about themselves. Its erasure leaves a user without a name and an
//! address, whose id others still refer to.

use ::events::{ERASED, PersonalData, Tx, Whose, request_erasure};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use uuid::Uuid;

use super::{
    STREAM, User, UserError, UserEventKind, UserRefusal, Users,
    commands::{append, lock_user},
    email_tokens, sessions, stored_passwords,
    user::no_address,
};
use crate::{
    CommandContext,
    access::{Action, UserId, authorize},
    boxed,
    event_kinds::EventKind,
};

/// The personal data in the events of users.
pub(crate) const PERSONAL_DATA: PersonalData = PersonalData {
    stream: STREAM,
    event_types: UserEventKind::NAMES,
    whose: Whose::Stream,
    fields: &[
        ("/user/email", |id| no_address(id).into()),
        ("/user/name", |_| ERASED.into()),
        ("/user/username", |_| Value::Null),
        ("/user/bio", |_| Value::Null),
        ("/user/avatar", |_| Value::Null),
    ],
};

/// Removes the personal data from a user, as it is in an answer or a row.
pub(crate) fn erase(user: &mut serde_json::Map<String, Value>, id: Uuid) {
    user.insert("email".to_owned(), no_address(id).into());
    user.insert("name".to_owned(), ERASED.into());
    for gone in ["username", "bio", "avatar"] {
        user.insert(gone.to_owned(), Value::Null);
    }
}

impl Users {
    /// Erases the personal data of a deactivated user: names, address, picture and text about themselves at once, the rest in the
    /// background. A repeat while that goes on changes nothing; afterwards, it erases anew.
    ///
    /// # Errors
    /// `NotDeactivated` when the user is not deactivated.
    #[boxed]
    pub async fn erase_user(&self, context: CommandContext, id: UserId) -> Result<(), UserError> {
        authorize(&context.viewer, Action::EraseUsers)?;
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move { erase_in_tx(tx, &context, id).await })
            })
            .await
    }
}

async fn erase_in_tx(tx: &Tx<'_>, context: &CommandContext, id: UserId) -> Result<(), UserError> {
    let mut user: User = lock_user(tx, id).await?;
    if user.deactivated_at.is_none() {
        return Err(UserRefusal::NotDeactivated.into());
    }
    if !request_erasure(tx, id.uuid(), &context.viewer.actor()).await? {
        return Ok(());
    }
    let before = user.clone();
    user.email = no_address(id.uuid());
    user.address_key = None;
    user.name = ERASED.to_owned();
    user.username = None;
    user.bio = None;
    user.avatar = None;
    // The username and the picture are deleted with the password.
    stored_passwords::forget_password(tx, id).await?;
    email_tokens::forget(tx, id).await?;
    // The sessions' refresh tokens are deleted with them.
    sessions::Entity::delete_many()
        .filter(sessions::Column::UserId.eq(id))
        .exec(&**tx)
        .await?;
    if user != before {
        append(tx, context, UserEventKind::Erased, user, None).await?;
    }
    Ok(())
}
