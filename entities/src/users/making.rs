//! The users whom operators make on the command line, and the administrator of the first start. They need no token; who may start a
//! process on the database may do that. Called by `gateway` and by `millrace admin` and `millrace user`.

use sea_orm::{EntityTrait, QuerySelect};

use super::{
    Register, Role, Secret, User, UserError, UserEventKind, UserRefusal, Users,
    commands::{append, lock_with_administrators},
    rules,
    sign_in::create_user,
    stored_passwords::set_password,
    user::{self, Entity},
};
use crate::{CommandContext, access::UserId, boxed};

type Result<T, E = UserError> = std::result::Result<T, E>;

impl Users {
    /// Creates an administrator, or gives an existing user the role and the password; their sessions end.
    #[boxed]
    pub async fn make_administrator(&self, email: &str, password: Secret) -> Result<User> {
        let input = Register {
            email: email.to_owned(),
            name: "Administrator".to_owned(),
            username: None,
            password,
        };
        self.make_user(input, Role::Admin).await
    }

    /// Creates a user with this role, or gives an existing one the role and the password, and makes them active again; their sessions end.
    /// A user who is there keeps their name.
    #[boxed]
    pub async fn make_user(&self, input: Register, role: Role) -> Result<User> {
        let checked = self.passwords.run(None, move || rules::check_new(input));
        let input = checked.await??;
        let hash = self.passwords.hash(None, input.password.clone()).await?;
        let found = self.find_password(&input.email).await?;
        let context = CommandContext::process("admin");
        self.log
            .write(move |tx| {
                let (context, input) = (context.clone(), input.clone());
                let (hash, found) = (hash.clone(), found.clone());
                Box::pin(async move {
                    let Some((id, _)) = found else {
                        return create_user(tx, context, input, &hash, role).await;
                    };
                    let (mut user, administrators) = lock_with_administrators(tx, id).await?;
                    if role != Role::Admin && administrators == [user.id] {
                        return Err(UserRefusal::LastAdministrator.into());
                    }
                    if user.role != role || user.deactivated_at.is_some() {
                        let before = user.active_role();
                        user.role = role;
                        user.deactivated_at = None;
                        let kind = match before {
                            Some(_) => UserEventKind::RoleChanged,
                            None => UserEventKind::Reactivated,
                        };
                        user = append(tx, &context, kind, user, before).await?;
                    }
                    set_password(tx, &context, user, &hash, |_| true).await
                })
            })
            .await
    }

    /// Returns whether there are any users.
    #[boxed]
    pub async fn is_empty(&self) -> Result<bool> {
        let any = Entity::find().select_only().column(user::Column::Id);
        let any: Option<UserId> = any
            .limit(1)
            .into_tuple()
            .one(&self.log.database().reader)
            .await?;
        Ok(any.is_none())
    }
}
