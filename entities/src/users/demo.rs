//! The people of the demo data. They have no password: what stands in its place is no hash, so nobody signs in as them by `signIn`, and nobody
//! who registered is taken for one of them. Only a gateway that shows demo data calls `enter_demo`, and offers it to everybody.

use ::events::sql::query_one_as;

use super::{
    Origin, Register, Role, Secret, SignedIn, User, UserRefusal, Users, commands::lock_user,
    error::UserError, events::Revocation, sessions::end_sessions, sign_in::create_user,
    stored_passwords::still_has,
};
use crate::{CommandContext, access::UserId, boxed};

type Result<T, E = UserError> = std::result::Result<T, E>;

/// Stands where others have the hash of a password.
pub(super) const NO_PASSWORD: &str = "demo";

impl Users {
    /// Creates a person of the demo data.
    #[boxed]
    pub async fn create_demo_user(
        &self,
        (name, username): (&str, &str),
        email: &str,
        role: Role,
    ) -> Result<User> {
        let input = Register {
            email: email.to_owned(),
            name: name.to_owned(),
            username: Some(username.to_owned()),
            password: Secret::new(String::new()),
        };
        let context = CommandContext::process("seed");
        self.log
            .write(move |tx| {
                let (context, input) = (context.clone(), input.clone());
                Box::pin(async move { create_user(tx, context, input, NO_PASSWORD, role).await })
            })
            .await
    }

    /// Returns those of these addresses that belong to people of the demo data.
    #[boxed]
    pub async fn demo_user(&self, email: &str) -> Result<Option<UserId>> {
        let sql = "select u.id from app_user u join user_password p on p.user_id = u.id
                   where u.email_key = $1 and p.hash = $2 and u.deactivated_at is null";
        let values = vec![email.into(), NO_PASSWORD.into()];
        let found: Option<(UserId,)> =
            query_one_as(&self.log.database().reader, sql, values).await?;
        Ok(found.map(|(id,)| id))
    }

    /// Ends the sessions of the person of the demo data who has this address: nobody may be one where they are not shown.
    #[boxed]
    pub async fn end_demo_sessions(&self, email: &str) -> Result<u32> {
        let Some(id) = self.demo_user(email).await? else {
            return Ok(0);
        };
        let context = CommandContext::process("demo");
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move {
                    lock_user(tx, id).await?;
                    let revocation = Revocation::SignedOutEverywhere;
                    end_sessions(tx, &context, id, |_| true, revocation).await
                })
            })
            .await
    }

    /// Begins a session of a person of the demo data.
    ///
    /// # Errors
    /// `WrongCredentials` for everybody else, as with a wrong password.
    #[boxed]
    pub async fn enter_demo(&self, origin: Origin, email: &str) -> Result<SignedIn> {
        self.throttle.check_address(origin.address)?;
        let id = self.demo_user(email).await?;
        let id = id.ok_or(UserRefusal::WrongCredentials)?;
        self.begin(origin, move |tx, _| {
            Box::pin(async move {
                let user = lock_user(tx, id).await?;
                if user.deactivated_at.is_some() {
                    return Err(UserRefusal::WrongCredentials.into());
                }
                still_has(tx, user.id, NO_PASSWORD).await?;
                Ok(user)
            })
        })
        .await
    }
}
