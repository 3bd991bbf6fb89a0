//! The queries on signals. A page of signals takes two statements, whatever its size: the rows, and the results.

use ::events::HistoryPage;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::{
    Signal, SignalId, SignalStatus, Signals,
    tables::{
        signal::{Column, Entity},
        with_results,
    },
};
use crate::{
    Direction, Edge, Page, PageRequest, SortKey,
    access::{AccessError, Action, Viewer, authorize},
    boxed,
    paging::Sorted,
};

/// Selects the signals of a list.
#[derive(Debug, Clone, Default)]
pub struct SignalFilter {
    /// Only signals of this source.
    pub source: Option<String>,
    /// One of these statuses.
    pub status: Option<Vec<SignalStatus>>,
}

/// The order of a list; there is only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignalSort {
    /// The latest signals come first.
    Newest,
}

impl SignalSort {
    /// Returns whether a key can be a value of the sorted column.
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
        if let Some(status) = &self.status {
            condition = condition.add(Column::Status.is_in(status.iter().copied()));
        }
        condition
    }
}

impl Signals {
    /// Returns the signal with its results so far.
    #[boxed]
    pub async fn find_signal(
        &self,
        viewer: &Viewer,
        id: SignalId,
    ) -> Result<Option<Signal>, AccessError> {
        authorize(viewer, Action::ReadSignals)?;
        let reader = &self.log.database().reader;
        let row = Entity::find_by_id(id).one(reader).await?;
        Ok(with_results(reader, row.into_iter().collect()).await?.pop())
    }

    /// Returns a page of a list.
    #[boxed]
    pub async fn list_signals(
        &self,
        viewer: &Viewer,
        filter: &SignalFilter,
        request: &PageRequest,
    ) -> Result<Page<Signal>, AccessError> {
        authorize(viewer, Action::ReadSignals)?;
        let sorted = Sorted {
            column: Column::SubmittedAt,
            id: Column::Id,
            direction: Direction::Desc,
        };
        let reader = &self.log.database().reader;
        let rows = Entity::find().filter(filter.condition());
        let rows = request.select(rows, &sorted).all(reader).await?;
        Ok(
            request.page_of(with_results(reader, rows).await?, |row| Edge {
                key: SortKey::Time(row.submitted_at),
                id: row.id.uuid(),
            }),
        )
    }

    /// Returns the number of signals in the whole list.
    #[boxed]
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

    /// Returns the events of one signal, oldest first.
    #[boxed]
    pub async fn read_history(
        &self,
        viewer: &Viewer,
        id: SignalId,
        after_version: i64,
        limit: u64,
    ) -> Result<HistoryPage, AccessError> {
        authorize(viewer, Action::ReadSignals)?;
        let stream = id.stream();
        Ok(self.log.read_stream(stream, after_version, limit).await?)
    }
}
