//! The facts about customers. Each carries the whole customer after it, so that readers need no other source; the shape
//! of `data` is a contract, and `schema_version` grows when it changes.

use ::events::{Event, NewEvent};
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Customer, CustomerStatus};

/// The kind of stream that customers are.
pub const STREAM: &str = "customer";

const SCHEMA_VERSION: i16 = 1;

/// What can happen to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerEventKind {
    /// It came to be.
    Created,
    /// Some of its fields changed.
    Updated,
    /// It was deleted, and can be restored.
    Deleted,
    /// Its deletion was undone.
    Restored,
}

impl CustomerEventKind {
    const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Deleted, Self::Restored];

    /// The name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CustomerCreated",
            Self::Updated => "CustomerUpdated",
            Self::Deleted => "CustomerDeleted",
            Self::Restored => "CustomerRestored",
        }
    }
}

/// The data of every customer event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerData {
    /// The customer after the event.
    pub customer: Customer,
    /// The status before the event; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_status: Option<CustomerStatus>,
}

/// A customer event, read from the log.
#[derive(Debug, Clone)]
pub struct CustomerEvent {
    /// What happened.
    pub kind: CustomerEventKind,
    /// The customer after it.
    pub customer: Customer,
    /// The status before it.
    pub previous_status: Option<CustomerStatus>,
}

impl CustomerEvent {
    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// When it is none of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let malformed = |source| ::events::Error::Malformed {
            what: "customer event",
            source,
        };
        let kind = CustomerEventKind::ALL
            .into_iter()
            .find(|kind| kind.name() == event.event_type)
            .ok_or_else(|| malformed(serde::de::Error::custom(&event.event_type)))?;
        let data: CustomerData = serde_json::from_str(event.data.get()).map_err(malformed)?;
        Ok(Self {
            kind,
            customer: data.customer,
            previous_status: data.previous_status,
        })
    }
}

pub(super) fn new_event(
    kind: CustomerEventKind,
    data: &CustomerData,
    occurred_at: DateTime<Utc>,
) -> NewEvent<'_, CustomerData> {
    NewEvent {
        event_type: kind.name(),
        schema_version: SCHEMA_VERSION,
        data,
        occurred_at,
    }
}

/// The contract: the JSON Schema of the data of each event type, by name and version.
pub fn event_schemas() -> serde_json::Map<String, Value> {
    let schema = schema_for!(CustomerData).to_value();
    CustomerEventKind::ALL
        .into_iter()
        .map(|kind| (format!("{}.v{SCHEMA_VERSION}", kind.name()), schema.clone()))
        .collect()
}
