//! The avatars of users: the commands that set and remove one, and the picture behind an address. The pictures are in a table of their own, so
//! that reading a user reads only the hash by which the picture is found. Few pictures are read at once, whatever is uploaded.
//!
//! A hash is that of the user and of the picture. So it changes with the picture, which may be remembered under it for ever; two users
//! never share one; and whoever knows the address has seen the user.

use std::{sync::Arc, time::Duration};

use ::events::{
    Claimant, Turns, Tx,
    sql::{execute, query_one_as},
};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::{
    ChangeUser, STREAM, User, UserError, UserEventKind, UserRefusal, Users,
    commands::{append, lock_user},
    error::refused_row,
    portrait::{Portrait, portrait, unreadable},
};
use crate::{CommandContext, Violations, access::UserId, boxed, idempotency};

type Result<T, E = UserError> = std::result::Result<T, E>;

/// The largest picture that may be uploaded, in bytes.
pub const MOST_AVATAR_BYTES: usize = 2 * 1024 * 1024;
/// How many pictures are read at once: each may take a core, and two hundred megabytes.
const AT_ONCE: usize = 1;
/// How many pictures of one user may wait.
const MOST_WAITING: usize = 8;
/// How long a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// When a refused caller may try again.
const COME_BACK: Duration = Duration::from_secs(1);

/// The picture of a user, as it is stored.
#[derive(Debug, Clone)]
pub struct Avatar {
    /// Its media type: `image/jpeg` or `image/webp`.
    pub media_type: String,
    /// The file.
    pub picture: Vec<u8>,
}

/// Makes portraits, a few at once, of each user in turn.
#[derive(Clone)]
pub(super) struct Portraits(Turns);

impl Default for Portraits {
    fn default() -> Self {
        Self(Turns::new(AT_ONCE, AT_ONCE, LONGEST_WAIT).with_room(MOST_WAITING))
    }
}

impl Portraits {
    async fn make(&self, of: UserId, file: Bytes) -> Result<Portrait> {
        if file.len() > MOST_AVATAR_BYTES {
            let message = format!("must have at most {MOST_AVATAR_BYTES} bytes");
            return Err(Violations::one("picture", "size", &message).into());
        }
        let Ok(turn) = self.0.take_for(Claimant::User(of.uuid())).await else {
            let retry_after = COME_BACK;
            return Err(UserRefusal::Throttled { retry_after }.into());
        };
        // Who stops waiting leaves the turn to the work, which goes on.
        let made = spawn_blocking(move || {
            let made = portrait(&file);
            drop(turn);
            made
        });
        let made = made.await.unwrap_or_else(|failed| {
            tracing::warn!(%failed, "an uploaded picture could not be read: {failed}");
            Err(unreadable())
        });
        made.map_err(|flaw| Violations(vec![flaw.of("picture")]).into())
    }
}

impl Users {
    /// Makes the picture in the file the caller's avatar. The one that they have already changes nothing.
    #[boxed]
    pub async fn set_avatar(
        &self,
        context: CommandContext,
        expected_version: Option<i64>,
        file: Bytes,
    ) -> Result<User> {
        let id = context.viewer.require_user()?;
        // A repeat of what was done makes no picture.
        let reader = &self.log.database().reader;
        if let Some(answer) = idempotency::find_answer(reader, &context).await? {
            return Ok(answer?);
        }
        let portrait = self.portraits.make(id, file).await?;
        let target = ChangeUser {
            id,
            expected_version,
        };
        self.change_avatar(context, target, Some(portrait)).await
    }

    /// Removes the caller's avatar, if they have one.
    #[boxed]
    pub async fn remove_avatar(
        &self,
        context: CommandContext,
        expected_version: Option<i64>,
    ) -> Result<User> {
        let id = context.viewer.require_user()?;
        let target = ChangeUser {
            id,
            expected_version,
        };
        self.change_avatar(context, target, None).await
    }

    async fn change_avatar(
        &self,
        context: CommandContext,
        target: ChangeUser,
        portrait: Option<Portrait>,
    ) -> Result<User> {
        let portrait = portrait.map(Arc::new);
        self.log
            .write(move |tx| {
                let (context, portrait) = (context.clone(), portrait.clone());
                Box::pin(async move {
                    let work = change_in_tx(tx, &context, target, portrait.as_deref());
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }

    /// Returns the avatar with this hash; `None` when no user has it. It takes no viewer: the address is shown to those who may see the
    /// user, and images are asked for without a token.
    #[boxed]
    pub async fn find_avatar(&self, hash: &str) -> ::events::Result<Option<Avatar>> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if hash.len() != 64 || !hash.bytes().all(is_digit) {
            return Ok(None);
        }
        let sql = "select media_type, picture from avatar where hash = $1";
        let found = query_one_as(&self.log.database().reader, sql, vec![hash.into()]).await?;
        Ok(found.map(|(media_type, picture)| Avatar {
            media_type,
            picture,
        }))
    }
}

async fn change_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    target: ChangeUser,
    portrait: Option<&Portrait>,
) -> Result<User> {
    let before = lock_user(tx, target.id).await?;
    // Making the picture took its time.
    before.check_active()?;
    UserError::check_version(STREAM, target.expected_version, before.version)?;
    let mut user = before.clone();
    user.avatar = portrait.map(|portrait| hash_of(user.id, portrait));
    if user.avatar == before.avatar {
        return Ok(before);
    }
    // The row of the user refers to that of the picture, so this comes first.
    store(tx, &user, portrait).await?;
    let role = user.active_role();
    append(tx, context, UserEventKind::ProfileUpdated, user, role).await
}

async fn store(tx: &Tx<'_>, user: &User, portrait: Option<&Portrait>) -> Result<()> {
    let stored = match (portrait, &user.avatar) {
        (Some(portrait), Some(hash)) => {
            let sql = "insert into avatar (user_id, hash, media_type, picture) values ($1, $2, $3, $4)
                       on conflict (user_id) do update
                       set hash = excluded.hash, media_type = excluded.media_type, picture = excluded.picture";
            let picture = portrait.bytes.clone();
            let values = vec![
                user.id.into(),
                hash.as_str().into(),
                portrait.media_type.into(),
                picture.into(),
            ];
            execute(&**tx, sql, values).await
        }
        _ => {
            let sql = "delete from avatar where user_id = $1";
            execute(&**tx, sql, vec![user.id.into()]).await
        }
    };
    stored.map(drop).map_err(refused_row)
}

fn hash_of(id: UserId, portrait: &Portrait) -> String {
    let mut hash = Sha256::new();
    hash.update(id.uuid());
    hash.update(&portrait.bytes);
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
