//! Sessions: families of refresh tokens. A token is exchanged once for the next; a repeat within the grace time gets the same
//! one (see `successors`). A token that comes later, or after its successor was used, may have been stolen. Nobody can tell
//! whether the thief or the owner came first, so the whole session ends. The session's row is locked before its tokens are
//! read, so that concurrent exchanges follow each other.

use std::time::Duration;

use ::events::{
    Appending, Database, Tx, Written, now,
    sql::{execute, is_one_of},
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, entity::prelude::*,
};
use sha2::{Digest, Sha256};

use super::{
    SESSION_STREAM, Secret, UserError,
    devices::note_use,
    events::{Revocation, SessionData, SessionEventKind},
    sign_in::on_behalf_of,
    successors::{self, Successor},
    tokens::seconds_now,
};
use crate::{
    CommandContext,
    access::{SessionId, UserId},
    boxed,
    event_kinds::EventData,
};

/// The most sessions that are ended in one statement.
const AT_ONCE: usize = 500;

/// A session as stored.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub(crate) struct Model {
    /// The id, which access tokens name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// The user.
    pub user_id: UserId,
    /// Grows by one with every event.
    pub version: i64,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// When the session expires.
    pub expires_at: DateTime<Utc>,
    /// When it was ended, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}

pub(super) type Session = Model;

impl Model {
    pub(super) fn is_open(&self) -> bool {
        self.revoked_at.is_none() && self.expires_at > now()
    }
}

mod refresh_token {
    //! The table of refresh tokens, by hash.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::access::SessionId;

    #[sea_orm::model]
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "refresh_token")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: Vec<u8>,
        pub session_id: SessionId,
        pub used_at: Option<DateTime<Utc>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The result of an exchange.
pub(super) enum Exchange {
    Exchanged {
        session: Session,
        next: Secret,
        /// The time of the first exchange, in seconds since 1970.
        issued_at: u64,
    },
    Refused,
}

fn hash(token: &Secret) -> Vec<u8> {
    Sha256::digest(token.reveal().as_bytes()).to_vec()
}

/// Begins a session whose first refresh token is `token`, of a program that says this about itself.
pub(super) async fn start_session(
    tx: &Tx<'_>,
    context: &CommandContext,
    user_id: UserId,
    (token, user_agent): (&Secret, Option<&str>),
    lifetime: Duration,
) -> Result<Session, UserError> {
    let at = now();
    let session = Session {
        id: SessionId::generate(),
        user_id,
        version: 1,
        created_at: at,
        expires_at: at + lifetime,
        revoked_at: None,
    };
    let row = session.clone().into_active_model();
    Entity::insert(row).exec_without_returning(&**tx).await?;
    insert_token(tx, session.id, token).await?;
    note_use(tx, session.id, user_agent).await?;
    append(tx, context, SessionEventKind::Started, &session).await?;
    Ok(session)
}

async fn insert_token(tx: &Tx<'_>, session_id: SessionId, token: &Secret) -> Result<(), UserError> {
    let row = refresh_token::ActiveModel {
        hash: Set(hash(token)),
        session_id: Set(session_id),
        used_at: Set(None),
    };
    refresh_token::Entity::insert(row)
        .exec_without_returning(&**tx)
        .await?;
    Ok(())
}

/// Exchanges `token` for the next, or returns the one that it was exchanged for within `grace`. The transaction succeeds even
/// if the exchange is refused, since it may have ended the session.
pub(super) async fn exchange_token(
    tx: &Tx<'_>,
    context: &CommandContext,
    token: &Secret,
    grace: Duration,
) -> Result<Exchange, UserError> {
    let find = || refresh_token::Entity::find_by_id(hash(token));
    let Some(found) = find().one(&**tx).await? else {
        return Ok(Exchange::Refused);
    };
    let Some(session) = lock_session(tx, found.session_id).await? else {
        return Ok(Exchange::Refused);
    };
    if !session.is_open() {
        return Ok(Exchange::Refused);
    }
    // The token is read again: it may have been used while we waited for the lock.
    let found = find().one(&**tx).await?;
    let Some(found) = found.filter(|found| found.used_at.is_none()) else {
        if let Some(successor) = successors::find(tx, session.id, hash(token), grace).await? {
            return Ok(repeat(context, session, token, &successor));
        }
        tracing::warn!(session = %session.id, "a refresh token was used twice; its session ends");
        end_session(tx, context, session, Revocation::TokenReused).await?;
        return Ok(Exchange::Refused);
    };
    let mut used = found.into_active_model();
    used.used_at = Set(Some(now()));
    used.update(&**tx).await?;
    let user = super::user::Entity::find_by_id(session.user_id)
        .one(&**tx)
        .await?;
    // From here on, the holder of the token is taken for the user.
    let context = &user.map_or_else(
        || context.clone(),
        |user| on_behalf_of(context.clone(), &user),
    );
    let successor = Successor::draw(seconds_now())?;
    let next = successor.of(token);
    insert_token(tx, session.id, &next).await?;
    successors::remember(tx, session.id, hash(token), &successor).await?;
    let refreshed = Session {
        version: session.version + 1,
        ..session
    };
    let row: ActiveModel = refreshed.clone().into_active_model().reset_all();
    Entity::update(row).exec(&**tx).await?;
    note_use(tx, refreshed.id, None).await?;
    append(tx, context, SessionEventKind::Refreshed, &refreshed).await?;
    Ok(Exchange::Exchanged {
        session: refreshed,
        next,
        issued_at: successor.issued_at,
    })
}

/// Returns the first answer again; nothing is written.
fn repeat(
    context: &CommandContext,
    session: Session,
    token: &Secret,
    successor: &Successor,
) -> Exchange {
    let written = Written {
        kind: SESSION_STREAM.to_owned(),
        stream_id: session.id.uuid(),
        version: session.version,
    };
    let owner = session.user_id.to_string();
    context.receipt.record_earlier(written, owner);
    Exchange::Exchanged {
        next: successor.of(token),
        issued_at: successor.issued_at,
        session,
    }
}

/// Returns whether the session is still open, for commands that took long.
pub(super) async fn is_open(tx: &Tx<'_>, id: SessionId) -> Result<bool, UserError> {
    let session = Entity::find_by_id(id).one(&**tx).await?;
    Ok(session.is_some_and(|session| session.is_open()))
}

/// Ends the open sessions of a user, all of them or all but one; returns how many. One that has expired is revoked as well, as
/// clocks differ, but nobody is signed out with it.
pub(super) async fn end_sessions(
    tx: &Tx<'_>,
    context: &CommandContext,
    user_id: UserId,
    is_ended: impl Fn(&Session) -> bool,
    revocation: Revocation,
) -> Result<u32, UserError> {
    let open = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::RevokedAt.is_null())
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(&**tx)
        .await?;
    let ended: Vec<_> = open.into_iter().filter(is_ended).collect();
    let count = ended.iter().filter(|session| session.is_open()).count();
    end_all(tx, context, ended, revocation).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(super) async fn lock_session(tx: &Tx<'_>, id: SessionId) -> Result<Option<Session>, UserError> {
    let session = Entity::find_by_id(id).lock_exclusive();
    Ok(session.one(&**tx).await?)
}

pub(super) async fn end_session(
    tx: &Tx<'_>,
    context: &CommandContext,
    session: Session,
    revocation: Revocation,
) -> Result<(), UserError> {
    end_all(tx, context, vec![session], revocation).await
}

/// Ends sessions whose rows are locked, many in a statement: a program that signs in again and again has tens of thousands, and must be shut
/// out all the same.
async fn end_all(
    tx: &Tx<'_>,
    context: &CommandContext,
    sessions: Vec<Session>,
    revocation: Revocation,
) -> Result<(), UserError> {
    let (at, meta) = (now(), context.meta());
    for some in sessions.chunks(AT_ONCE) {
        let ids: Vec<_> = some.iter().map(|session| session.id.uuid()).collect();
        let mut values: Vec<Value> = vec![at.into()];
        let those = is_one_of(tx.get_database_backend(), "id", &ids, &mut values);
        let sql =
            format!("update session set version = version + 1, revoked_at = $1 where {those}");
        execute(&**tx, &sql, values).await?;
    }
    let kind = SessionEventKind::Revoked;
    let data: Vec<_> = sessions
        .iter()
        .map(|session| data_of(session, Some(revocation)))
        .collect();
    let events = sessions.iter().zip(&data).map(|(session, data)| Appending {
        stream_id: session.id.uuid(),
        expected: session.version,
        event: kind.event(data, at),
        meta: &meta,
    });
    Ok(tx.append_all(SESSION_STREAM, events.collect()).await?)
}

fn data_of(session: &Session, revocation: Option<Revocation>) -> SessionData {
    SessionData {
        user_id: session.user_id,
        expires_at: session.expires_at,
        revocation,
    }
}

async fn append(
    tx: &Tx<'_>,
    context: &CommandContext,
    kind: SessionEventKind,
    session: &Session,
) -> Result<(), UserError> {
    let stream = session.id.stream();
    let data = data_of(session, None);
    let event = kind.event(&data, now());
    let expected = session.version - 1;
    tx.append(stream, expected, event, &context.meta()).await?;
    Ok(())
}

/// Deletes sessions, and their tokens, that expired longer than `age` ago; returns how many.
#[boxed]
pub async fn remove_expired_sessions(database: &Database, age: Duration) -> ::events::Result<u64> {
    let before: Vec<Value> = vec![database.time_before(age).await?.into()];
    let remove = async |of, condition| database.remove_rows(of, condition, before.clone()).await;
    // A session has a token for each time that it was renewed, and takes what is left of them with it.
    let of_expired = "session_id in (select id from session where expires_at < $1)";
    remove(("refresh_token", "hash"), of_expired).await?;
    let removed = remove(("session", "id"), "expires_at < $1").await?;
    remove(("email_token", "hash"), "expires_at < $1").await?;
    successors::forget_old(database).await?;
    Ok(removed)
}
