//! The tables of signals and results, and the conversion between rows and signals.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

use super::{Signal, SignalId, SignalNotification, SignalResult};

/// The table of signals.
pub(super) mod signal {
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::signals::{SignalId, SignalStatus};

    #[sea_orm::model]
    #[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "signal")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SignalId,
        pub source: String,
        pub number: i64,
        pub value: f64,
        pub status: SignalStatus,
        /// The processors, as a JSON list.
        pub missing: String,
        pub version: i64,
        pub submitted_by: String,
        pub submitted_at: DateTime<Utc>,
        pub deadline_at: DateTime<Utc>,
        pub completed_at: Option<DateTime<Utc>>,
        pub notice: Option<String>,
        pub notified_at: Option<DateTime<Utc>>,
        pub delivered_at: Option<DateTime<Utc>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The table of results.
#[expect(
    unreachable_pub,
    reason = "the entity that is derived is public, so its model has to be"
)]
pub(super) mod result {
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::signals::{Processor, SignalId};

    #[sea_orm::model]
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "signal_result")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub signal_id: SignalId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub processor: Processor,
        /// The finding as JSON.
        pub finding: String,
        pub is_late: bool,
        pub recorded_at: DateTime<Utc>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn malformed(source: serde_json::Error) -> events::Error {
    events::Error::Malformed {
        what: "signal",
        source,
    }
}

fn from_text<T: DeserializeOwned>(text: &str) -> events::Result<T> {
    serde_json::from_str(text).map_err(malformed)
}

fn to_text<T: Serialize>(value: &T) -> events::Result<String> {
    serde_json::to_string(value).map_err(malformed)
}

/// Returns the row of a signal.
pub(super) fn row_of(signal: &Signal) -> events::Result<signal::Model> {
    let notification = signal.notification.as_ref();
    Ok(signal::Model {
        id: signal.id,
        source: signal.source.clone(),
        number: signal.number,
        value: signal.value,
        status: signal.status,
        missing: to_text(&signal.missing)?,
        version: signal.version,
        submitted_by: signal.submitted_by.clone(),
        submitted_at: signal.submitted_at,
        deadline_at: signal.deadline_at,
        completed_at: signal.completed_at,
        notice: notification.map(|it| it.text.clone()),
        notified_at: notification.map(|it| it.recorded_at),
        delivered_at: signal.delivered_at,
    })
}

/// Returns the row of a signal's result.
pub(super) fn row_of_result(
    signal_id: SignalId,
    result: &SignalResult,
) -> events::Result<result::Model> {
    Ok(result::Model {
        signal_id,
        processor: result.finding.processor(),
        finding: to_text(&result.finding)?,
        is_late: result.is_late,
        recorded_at: result.recorded_at,
    })
}

/// Returns the signals of these rows, in their order, with their results: one more statement for any number of rows.
pub(super) async fn with_results(
    database: &impl ConnectionTrait,
    rows: Vec<signal::Model>,
) -> events::Result<Vec<Signal>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let found = result::Entity::find()
        .filter(result::Column::SignalId.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(result::Column::SignalId)
        .all(database)
        .await?;
    let mut results: HashMap<SignalId, Vec<SignalResult>> = HashMap::new();
    for row in found {
        let result = SignalResult {
            finding: from_text(&row.finding)?,
            is_late: row.is_late,
            recorded_at: row.recorded_at,
        };
        results.entry(row.signal_id).or_default().push(result);
    }
    rows.into_iter()
        .map(|row| {
            let mut results = results.remove(&row.id).unwrap_or_default();
            results.sort_by_key(|result| result.finding.processor());
            let notification = row.notice.zip(row.notified_at);
            Ok(Signal {
                id: row.id,
                source: row.source,
                number: row.number,
                value: row.value,
                status: row.status,
                results,
                missing: from_text(&row.missing)?,
                version: row.version,
                submitted_by: row.submitted_by,
                submitted_at: row.submitted_at,
                deadline_at: row.deadline_at,
                completed_at: row.completed_at,
                notification: notification
                    .map(|(text, recorded_at)| SignalNotification { text, recorded_at }),
                delivered_at: row.delivered_at,
            })
        })
        .collect()
}
