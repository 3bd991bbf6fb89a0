//! The queries on signals. A page of signals takes two statements, whatever its size: the rows, and the results.

use std::sync::Arc;

use ::events::{EventLog, HistoryPage, sql::padded};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

use super::{
    Signal, SignalId, SignalStatus, Signals,
    tables::{
        signal::{Column, Entity},
        with_results,
    },
};
use crate::{
    Direction, Edge, Page, PageRequest, SortKey, Versions,
    access::{AccessError, Action, Viewer, authorize},
    boxed,
    gathering::Gathering,
    paging::Sorted,
    record::sort_fields,
    searching::is_any,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

/// Selects the signals of a list.
#[derive(Debug, Clone, Default)]
pub struct SignalFilter {
    /// Only signals of this source.
    pub source: Option<String>,
    /// One of these statuses.
    pub status: Option<Vec<SignalStatus>>,
}

sort_fields! {
    /// The order of a list; there is only one: the latest signals come first.
    SignalSort of Column { Newest => SubmittedAt }
}

impl SignalFilter {
    fn condition(&self) -> Condition {
        let source = self.source.as_ref();
        Condition::all()
            .add_option(source.map(|source| Column::Source.eq(source.trim())))
            .add_option(is_any(Column::Status, self.status.as_ref()))
    }
}

/// Returns the loads of signals by id.
pub(super) fn by_id(log: &EventLog) -> Gathering<SignalId, Signal> {
    let reader = log.database().reader.clone();
    Gathering::new(move |ids: Vec<SignalId>| {
        let reader = reader.clone();
        async move {
            let rows = Entity::find().filter(Column::Id.is_in(padded(&ids)));
            let rows = rows.all(&reader).await.map_err(::events::Error::from)?;
            let signals = with_results(&reader, rows).await?.into_iter();
            Ok(signals.map(|signal| (signal.id, signal)).collect())
        }
    })
}

impl Signals {
    /// Returns the signal with its results so far, read together with those that others ask for.
    #[boxed]
    pub async fn find_signal(&self, viewer: &Viewer, id: SignalId) -> Result<Option<Signal>> {
        authorize(viewer, Action::ReadSignals)?;
        Ok(self.by_id.load_with_others(id).await?)
    }

    /// Returns a page of a list.
    #[boxed]
    pub async fn list_signals(
        &self,
        viewer: &Viewer,
        filter: &SignalFilter,
        request: &PageRequest,
    ) -> Result<Page<Signal>> {
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
    pub async fn count_signals(&self, viewer: &Viewer, filter: &SignalFilter) -> Result<u64> {
        authorize(viewer, Action::ReadSignals)?;
        Ok(Entity::find()
            .filter(filter.condition())
            .count(&self.log.database().reader)
            .await?)
    }

    /// Returns events of one signal, oldest first.
    #[boxed]
    pub async fn history(
        &self,
        viewer: &Viewer,
        id: SignalId,
        of: Versions,
    ) -> Result<Arc<HistoryPage>> {
        authorize(viewer, Action::ReadSignals)?;
        Ok(self.histories.page(id.uuid(), of).await?)
    }
}
