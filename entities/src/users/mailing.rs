//! Mails that let their readers do something: show that an address is theirs, or set a new password. Each has a token, which is used once.
//!
//! Why a caller learns nothing about addresses. A request is answered before anything is looked up, and always in the same way; what
//! follows happens behind the answer. Attempts are counted by the address that was named, whether a user has it or not. A mail that is
//! lost, because the process ends or the mail server refuses it for long, is asked for again; if it was refused it does not count.
//!
//! Why a token is used once, and only in time: it is removed with the lock of the user's row, in the transaction that does what it is for.
//! A new password ends all sessions, as does `change_password` with the others, and takes all tokens that would set another.

use std::{fmt::Debug, sync::Arc, time::Duration};

use ::events::{StreamKey, Tx, now};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::sync::Semaphore;

use super::{
    EMAIL_STREAM, Origin, Secret, User, UserError, UserRefusal, Users,
    commands::lock_user,
    email_tokens::{self, verified_email},
    events::{EmailData, EmailEventKind, EmailPurpose},
    rules,
    sign_in::{new_token, on_behalf_of},
    stored_passwords::set_password,
};
use crate::{
    CommandContext, Violations, access::UserId, boxed, event_kinds::EventData, text::email,
};

type Result<T, E = UserError> = std::result::Result<T, E>;

/// The most mails under way.
const UNDER_WAY: usize = 256;
/// The pauses before a mail that was not taken is sent again.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// A mail to a user.
#[derive(Clone)]
pub struct AccountMail {
    /// The address of the user.
    pub address: String,
    /// The name of the user.
    pub name: String,
    /// What the token is for.
    pub purpose: EmailPurpose,
    /// The token.
    pub token: Secret,
    /// How long the token is valid.
    pub lifetime: Duration,
}

/// Whoever delivers mails.
pub trait Mailer: Debug + Send + Sync {
    /// Hands a mail over.
    fn deliver(&self, mail: AccountMail) -> BoxFuture<'static, Result<(), Undelivered>>;
}

/// Why a mail was not handed over. The texts have nothing of the mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// It may be taken later, or was taken already by somebody who did not say so.
    #[error("{0}")]
    NotNow(String),
    /// It will never be taken.
    #[error("{0}")]
    Never(String),
}

/// The mailer of a process, with the mails under way.
#[derive(Clone)]
pub(super) struct Mails {
    mailer: Option<Arc<dyn Mailer>>,
    places: Arc<Semaphore>,
}

impl Mails {
    pub(super) fn new(mailer: Option<Arc<dyn Mailer>>) -> Self {
        Self {
            mailer,
            places: Arc::new(Semaphore::new(UNDER_WAY)),
        }
    }

    /// Does what leads to a mail, and delivers it, behind the answer to the request.
    fn spawn<W>(&self, work: impl FnOnce(Arc<dyn Mailer>) -> W) -> Result<()>
    where
        W: Future<Output = Result<()>> + Send + 'static,
    {
        let mailer = self.mailer.clone().ok_or(UserRefusal::NoMail)?;
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| UserRefusal::Throttled {
            retry_after: PAUSES[0],
        })?;
        let work = work(mailer);
        tokio::spawn(async move {
            if let Err(error) = work.await {
                tracing::warn!(%error, "a mail was asked for, and not sent");
            }
            drop(place);
        });
        Ok(())
    }
}

/// Delivers a mail, if necessary in several attempts.
async fn deliver(mailer: &dyn Mailer, mail: &AccountMail) -> Result<(), Undelivered> {
    for pause in PAUSES {
        match mailer.deliver(mail.clone()).await {
            Err(Undelivered::NotNow(_)) => tokio::time::sleep(pause).await,
            decided => return decided,
        }
    }
    mailer.deliver(mail.clone()).await
}

impl Users {
    /// Sends whoever has this address a token for this purpose, if there is such a user.
    ///
    /// # Errors
    /// `NoMail` where no mail is sent, `Throttled` after too many requests; both say nothing about the address.
    #[boxed]
    pub async fn request_mail(
        &self,
        origin: Origin,
        address: &str,
        purpose: EmailPurpose,
    ) -> Result<()> {
        rules::check_address(address)?;
        self.throttle.check_address(origin.address)?;
        let (key, _) = email::sought(address);
        let account = format!("mail {key}");
        self.throttle.check_account(&account, origin.address)?;
        let (users, address) = (self.clone(), address.to_owned());
        self.mails.spawn(|mailer| async move {
            let Some((id, _)) = users.find_password(&address).await? else {
                return Ok(());
            };
            let Some(mail) = users.issue_token(origin.context, id, purpose).await? else {
                return Ok(());
            };
            if let Err(error) = deliver(&*mailer, &mail).await {
                users.discount(mail.token).await?;
                tracing::error!(%error, "a mail could not be sent");
            }
            Ok(())
        })
    }

    /// Has a token not count among the mails that its user has got.
    async fn discount(&self, token: Secret) -> Result<()> {
        self.log
            .write(move |tx| {
                let token = token.clone();
                Box::pin(async move { email_tokens::discount(tx, &token).await })
            })
            .await
    }

    async fn issue_token(
        &self,
        context: CommandContext,
        user_id: UserId,
        purpose: EmailPurpose,
    ) -> Result<Option<AccountMail>> {
        let token = new_token()?;
        let stored = token.clone();
        let user = self.log.write(move |tx| {
            let (context, token) = (context.clone(), stored.clone());
            Box::pin(async move {
                let user = lock_user(tx, user_id).await?;
                let is_verified = email_tokens::verified_at(tx, user_id).await?.is_some();
                let is_done = purpose == EmailPurpose::VerifyAddress && is_verified;
                if is_done
                    || user.deactivated_at.is_some()
                    || !email_tokens::store(tx, user_id, purpose, &token).await?
                {
                    return Ok::<_, UserError>(None);
                }
                append(tx, &context, EmailEventKind::Requested, user_id, purpose).await?;
                Ok(Some(user))
            })
        });
        Ok(user.await?.map(|user| AccountMail {
            address: user.email,
            name: user.name,
            purpose,
            token,
            lifetime: purpose.lifetime(),
        }))
    }

    /// Sets a new password for whoever has the token, and ends all of the user's sessions.
    ///
    /// # Errors
    /// A violation of `token` when it is unknown, used or expired.
    #[boxed]
    pub async fn reset_password(
        &self,
        origin: Origin,
        token: Secret,
        password: Secret,
    ) -> Result<User> {
        rules::check_guess("token", &token)?;
        self.throttle.check_address(origin.address)?;
        let purpose = EmailPurpose::ResetPassword;
        let reader = &self.log.database().reader;
        let owner = email_tokens::find(reader, purpose, &token).await?;
        let user = self.load_user(owner.ok_or_else(refused)?).await?;
        let user = user.ok_or_else(refused)?;
        let address = origin.address;
        self.check_new_password(address, &password, user).await?;
        let hash = self.passwords.hash(address, password).await?;
        self.log
            .write(move |tx| {
                let (context, token, hash) = (origin.context.clone(), token.clone(), hash.clone());
                Box::pin(async move {
                    let user = redeem(tx, purpose, &token).await?;
                    let context = on_behalf_of(context, &user);
                    set_password(tx, &context, user, &hash, |_| true).await
                })
            })
            .await
    }

    /// Notes that the user who was sent the token has the address that it was sent to.
    ///
    /// # Errors
    /// A violation of `token` when it is unknown, used or expired.
    #[boxed]
    pub async fn verify_email(&self, origin: Origin, token: Secret) -> Result<User> {
        rules::check_guess("token", &token)?;
        self.throttle.check_address(origin.address)?;
        self.log
            .write(move |tx| {
                let (context, token) = (origin.context.clone(), token.clone());
                Box::pin(async move {
                    let purpose = EmailPurpose::VerifyAddress;
                    let user = redeem(tx, purpose, &token).await?;
                    if email_tokens::verified_at(tx, user.id).await?.is_none() {
                        email_tokens::set_verified(tx, user.id).await?;
                        let context = on_behalf_of(context, &user);
                        let kind = EmailEventKind::Verified;
                        append(tx, &context, kind, user.id, purpose).await?;
                    }
                    Ok(user)
                })
            })
            .await
    }

    /// Returns when the addresses of these users were verified; for loaders.
    #[boxed]
    pub async fn load_verifications(
        &self,
        ids: &[UserId],
    ) -> ::events::Result<Vec<(UserId, DateTime<Utc>)>> {
        let found = verified_email::Entity::find()
            .filter(verified_email::Column::UserId.is_in(ids.iter().copied()))
            .all(&self.log.database().reader)
            .await?;
        Ok(found
            .into_iter()
            .map(|row| (row.user_id, row.verified_at))
            .collect())
    }
}

fn refused() -> UserError {
    let message = "is unknown, used or expired; ask for another mail";
    Violations::one("token", "token", message).into()
}

/// Uses a token up, and returns its user, whose row is locked.
async fn redeem(tx: &Tx<'_>, purpose: EmailPurpose, token: &Secret) -> Result<User> {
    let found = email_tokens::find(&**tx, purpose, token).await?;
    let user = lock_user(tx, found.ok_or_else(refused)?).await?;
    // It may have been used while we waited for the lock.
    let is_there = email_tokens::find(&**tx, purpose, token).await?.is_some();
    if !is_there || user.deactivated_at.is_some() {
        return Err(refused());
    }
    email_tokens::remove(tx, user.id, purpose).await?;
    Ok(user)
}

/// Appends an event about a user's address, which is not in it. The user's row is locked.
async fn append(
    tx: &Tx<'_>,
    context: &CommandContext,
    kind: EmailEventKind,
    user_id: UserId,
    purpose: EmailPurpose,
) -> Result<()> {
    let stream = StreamKey {
        kind: EMAIL_STREAM,
        id: user_id.uuid(),
    };
    let versions = tx.last_versions(EMAIL_STREAM, &[stream.id]).await?;
    let expected = versions.get(&stream.id).copied().unwrap_or(0);
    let data = EmailData { user_id, purpose };
    let event = kind.event(&data, now());
    tx.append(stream, expected, event, &context.meta()).await?;
    Ok(())
}
