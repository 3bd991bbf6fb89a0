//! Commands that a client may repeat. The answer is stored in the command's own transaction, so it exists exactly when the
//! effect does: a repeat after a lost answer gets the first one, and two concurrent requests wait for each other at the key.
//! Failures are not stored, as they change nothing. Beside the answer are the written events, so that a repeat can be followed
//! by a read of one's own writes, and the position of the tail, as the answer includes nothing later. Called by the commands of
//! all domains.

use std::time::Duration;

use events::{
    Database, Tx, Written,
    sql::{Dialect, execute, query_one_as},
};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{CommandContext, Idempotency, KeyReused, boxed};

/// The stored content of a key.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    value: T,
    /// The last event appended, in the form of `Written`; `None` if nothing changed.
    written: Option<String>,
    /// The position of the tail when the request began.
    #[serde(default)]
    start: Option<u64>,
}

/// Runs `work` unless there is already an answer for the context's key.
pub(crate) async fn once<T, E>(
    tx: &Tx<'_>,
    context: &CommandContext,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E>
where
    T: Serialize + DeserializeOwned,
    E: From<events::Error> + From<KeyReused>,
{
    let Some(idempotency) = &context.idempotency else {
        return work.await;
    };
    let scope = context.viewer.actor();
    if let Some(answer) = claim(tx, &scope, idempotency).await? {
        let answer = answer.ok_or(KeyReused)?;
        return Ok(repeat(context, &answer)?);
    }
    let value = work.await?;
    let written = tx.last_written().map(|written| written.to_string());
    let start = context.horizon.start();
    let stored = Stored {
        value,
        written,
        start,
    };
    let answer = serde_json::to_string(&stored).map_err(malformed)?;
    let sql = tx.get_database_backend().either(
        "update idempotency set answer = $1::text::json where scope = $2 and key = $3",
        "update idempotency set answer = $1 where scope = $2 and key = $3",
    );
    let values = vec![answer.into(), scope.into(), idempotency.key.as_str().into()];
    execute(&**tx, sql, values).await?;
    Ok(stored.value)
}

/// Returns the stored answer for the context's key, for work of more than one transaction. `once` decides in the end.
pub(crate) async fn find_answer<T: DeserializeOwned>(
    connection: &impl ConnectionTrait,
    context: &CommandContext,
) -> Result<Option<Result<T, KeyReused>>, events::Error> {
    let Some(idempotency) = &context.idempotency else {
        return Ok(None);
    };
    let scope = context.viewer.actor();
    match read_answer(connection, &scope, idempotency).await? {
        None => Ok(None),
        Some(None) => Ok(Some(Err(KeyReused))),
        Some(Some(answer)) => {
            let answer = repeat(context, &answer)?;
            Ok(Some(Ok(answer)))
        }
    }
}

/// Returns the first answer. The transaction that wrote it has committed, whatever becomes of this one.
fn repeat<T: DeserializeOwned>(context: &CommandContext, answer: &str) -> Result<T, events::Error> {
    let stored: Stored<T> = serde_json::from_str(answer).map_err(malformed)?;
    if let Some(Ok(written)) = stored.written.as_deref().map(str::parse) {
        let owner = context.viewer.actor();
        context.receipt.record_earlier(written, owner);
    }
    if let Some(start) = stored.start {
        context.horizon.lower(start);
    }
    Ok(stored.value)
}

/// An answer to store under its key.
#[derive(Serialize)]
pub(crate) struct Claim {
    scope: String,
    key: String,
    /// As hexadecimal digits.
    fingerprint: String,
    answer: String,
}

impl Claim {
    /// Returns the claim of a request that is answered with `value`; `None` when it has no key.
    pub(crate) fn new<T: Serialize>(
        context: &CommandContext,
        value: &T,
        written: Option<Written>,
    ) -> Result<Option<Self>, events::Error> {
        let Some(idempotency) = &context.idempotency else {
            return Ok(None);
        };
        let stored = Stored {
            value,
            written: written.map(|written| written.to_string()),
            start: context.horizon.start(),
        };
        let digits = idempotency.fingerprint.iter();
        Ok(Some(Self {
            scope: context.viewer.actor(),
            key: idempotency.key.clone(),
            fingerprint: digits.map(|byte| format!("{byte:02x}")).collect(),
            answer: serde_json::to_string(&stored).map_err(malformed)?,
        }))
    }
}

/// Stores the answers of several requests, on Postgres. It waits for transactions that hold one of the keys.
///
/// # Errors
/// When a key was used before. Nothing is stored then, and the transaction has failed.
pub(crate) async fn claim_all(tx: &Tx<'_>, mut claims: Vec<Claim>) -> Result<(), events::Error> {
    if claims.is_empty() {
        return Ok(());
    }
    claims.sort_by(|one, other| (&one.scope, &one.key).cmp(&(&other.scope, &other.key)));
    let sql = "insert into idempotency (scope, key, fingerprint, answer, created_at)
               select scope, key, decode(fingerprint, 'hex'), answer::json, statement_timestamp()
               from json_to_recordset($1::text::json) as row(scope text, key text, fingerprint text, answer text)";
    let claims = serde_json::to_string(&claims).map_err(malformed)?;
    execute(&**tx, sql, vec![claims.into()]).await?;
    Ok(())
}

fn malformed(source: serde_json::Error) -> events::Error {
    events::Error::Malformed {
        what: "idempotency answer",
        source,
    }
}

/// Claims the key. `None`: the key is ours. `Some(None)`: it belongs to another request. `Some(Some(answer))`: the request was
/// answered. On Postgres the insert waits for a transaction that holds the same key; SQLite has one writer.
async fn claim(
    tx: &Tx<'_>,
    scope: &str,
    idempotency: &Idempotency,
) -> Result<Option<Option<String>>, events::Error> {
    // By the clock by which it becomes old.
    let insert = format!(
        "insert into idempotency (scope, key, fingerprint, created_at) values ($1, $2, $3, {})
         on conflict (scope, key) do nothing",
        tx.get_database_backend().timestamp()
    );
    let values = vec![
        scope.into(),
        idempotency.key.as_str().into(),
        idempotency.fingerprint.clone().into(),
    ];
    if execute(&**tx, &insert, values).await? == 1 {
        return Ok(None);
    }
    // `None` means that the key was removed as too old between the two statements, and counts as never used.
    read_answer(&**tx, scope, idempotency).await
}

/// Reads the answer of a key; `None` if the key does not exist. The other results are those of `claim`.
async fn read_answer(
    connection: &impl ConnectionTrait,
    scope: &str,
    idempotency: &Idempotency,
) -> Result<Option<Option<String>>, events::Error> {
    let select = connection.get_database_backend().either(
        "select fingerprint, answer::text as answer from idempotency where scope = $1 and key = $2",
        "select fingerprint, answer from idempotency where scope = $1 and key = $2",
    );
    let values = vec![scope.into(), idempotency.key.as_str().into()];
    let found: Option<(Vec<u8>, Option<String>)> = query_one_as(connection, select, values).await?;
    Ok(
        found
            .map(|(fingerprint, answer)| answer.filter(|_| fingerprint == idempotency.fingerprint)),
    )
}

/// Deletes answers older than `age`; returns how many.
#[boxed]
pub async fn remove_expired_answers(database: &Database, age: Duration) -> events::Result<u64> {
    let before = database.time_before(age).await?;
    let answers = ("idempotency", "scope, key");
    database
        .remove_rows(answers, "created_at < $1", vec![before.into()])
        .await
}
