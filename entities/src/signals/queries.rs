//! The queries. A page of signals is two statements, whatever its size: the rows, and what was found.

use ::events::{HistoryPage, StreamKey};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    STREAM, Signal, SignalStatus, Signals,
    tables::{
        signal::{Column, Entity},
        with_results,
    },
};
use crate::{
    Edge, Page, PageRequest, SortKey,
    access::{AccessError, Action, Viewer, authorize},
};

/// Which signals a list has.
#[derive(Debug, Clone, Default)]
pub struct SignalFilter {
    /// Only this source's.
    pub source: Option<String>,
    /// Any of these; empty means all.
    pub status: Vec<SignalStatus>,
}

/// The order of a list: there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignalSort {
    /// Those submitted last come first.
    Newest,
}

impl SignalSort {
    /// Whether a key could have come from the column that the list is sorted by.
    pub fn accepts(self, key: &SortKey) -> bool {
        matches!((self, key), (Self::Newest, SortKey::Time(_)))
    }
}

impl SignalFilter {
    fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        if let Some(source) = &self.source {
            condition = condition.add(Column::Source.eq(source.trim()));
        }
        if !self.status.is_empty() {
            condition = condition.add(Column::Status.is_in(self.status.iter().copied()));
        }
        condition
    }
}

/// Newest first: what is behind a place is older.
fn behind(edge: &Edge, is_after: bool) -> Expr {
    let row = Expr::tuple([Expr::col(Column::SubmittedAt), Expr::col(Column::Id)]);
    let place = Expr::tuple([
        Expr::value(sea_orm::Value::from(edge.key.clone())),
        Expr::value(edge.id),
    ]);
    if is_after {
        row.lt(place)
    } else {
        row.gt(place)
    }
}

impl Signals {
    /// The signal, with what was found so far.
    pub async fn find_signal(
        &self,
        viewer: &Viewer,
        id: Uuid,
    ) -> Result<Option<Signal>, AccessError> {
        authorize(viewer, Action::ReadSignals)?;
        let reader = &self.log.database().reader;
        let row = Entity::find_by_id(id).one(reader).await?;
        Ok(with_results(reader, row.into_iter().collect()).await?.pop())
    }

    /// A page of a list.
    pub async fn list_signals(
        &self,
        viewer: &Viewer,
        filter: &SignalFilter,
        request: &PageRequest,
    ) -> Result<Page<Signal>, AccessError> {
        authorize(viewer, Action::ReadSignals)?;
        let mut condition = filter.condition();
        if let Some(after) = &request.after {
            condition = condition.add(behind(after, true));
        }
        if let Some(before) = &request.before {
            condition = condition.add(behind(before, false));
        }
        let order = match request.from_end {
            true => Order::Asc,
            false => Order::Desc,
        };
        let reader = &self.log.database().reader;
        let rows = Entity::find()
            .filter(condition)
            .order_by(Column::SubmittedAt, order.clone())
            .order_by(Column::Id, order)
            .limit(request.limit + 1)
            .all(reader)
            .await?;
        let signals = with_results(reader, rows).await?;
        let items = signals
            .into_iter()
            .map(|signal| {
                let key = SortKey::Time(signal.submitted_at);
                let id = signal.id;
                (Edge { key, id }, signal)
            })
            .collect();
        Ok(request.page(items))
    }

    /// How many signals a list has in all.
    pub async fn count_signals(
        &self,
        viewer: &Viewer,
        filter: &SignalFilter,
    ) -> Result<u64, AccessError> {
        authorize(viewer, Action::ReadSignals)?;
        Ok(Entity::find()
            .filter(filter.condition())
            .count(&self.log.database().reader)
            .await?)
    }

    /// What happened to one signal, oldest first.
    pub async fn read_history(
        &self,
        viewer: &Viewer,
        id: Uuid,
        after_version: i64,
        limit: u64,
    ) -> Result<HistoryPage, AccessError> {
        authorize(viewer, Action::ReadSignals)?;
        let stream = StreamKey { kind: STREAM, id };
        Ok(self.log.read_stream(stream, after_version, limit).await?)
    }
}
