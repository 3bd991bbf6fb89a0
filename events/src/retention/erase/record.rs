//! The events which record that the log was redacted: one in each pass of an erasure, and so in each of one that was begun again. All
//! processes drop what they remember when it reaches them, and what the tables are made of has been redacted once followers passed it.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::state::Claimed;
use crate::{
    ERASURE_STREAM, Meta, NewEvent, Result, StreamKey, Tx, Written, database::now,
    sql::query_one_as,
};

/// The type of these events.
pub const REDACTED: &str = "PersonalDataRedacted";

/// Returns the event which recorded last that the log was redacted.
pub(super) async fn last(
    connection: &impl ConnectionTrait,
    subject: Uuid,
) -> Result<Option<Written>> {
    let sql = "select max(version) as version from event where stream = $1 and stream_id = $2";
    let values = vec![ERASURE_STREAM.into(), subject.into()];
    let version: Option<Option<i64>> = query_one_as(connection, sql, values).await?;
    Ok(version.flatten().map(|version| Written {
        kind: ERASURE_STREAM.to_owned(),
        stream_id: subject,
        version,
    }))
}

/// Appends the event which records that the log was redacted, once in each pass, as the progress is saved with it.
pub(super) async fn append(tx: &Tx<'_>, claimed: &Claimed) -> Result<()> {
    let subject = claimed.status.subject;
    let stream = StreamKey {
        kind: ERASURE_STREAM,
        id: subject,
    };
    let event = NewEvent {
        event_type: REDACTED,
        schema_version: 1,
        data: &serde_json::json!({}),
        occurred_at: now(),
    };
    let meta = Meta {
        actor: claimed.status.requested_by.clone(),
        ..Meta::default()
    };
    let before = last(&**tx, subject).await?;
    let expected = before.map_or(0, |written| written.version);
    tx.append(stream, expected, event, &meta).await
}
