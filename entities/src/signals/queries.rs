//! The queries on signals. A page of signals takes two statements, whatever its size: the rows, and the results.

use std::sync::Arc;

use ::events::{EventLog, HistoryPage, sql::padded};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{
    Signal, SignalId, Signals,
    tables::{
        signal::{Column, Entity},
        with_results,
    },
};
use crate::{
    Edge, Filter, Page, PageRequest, SortKey, Versions,
    access::{AccessError, Action, Viewer, authorize},
    boxed,
    filter::filter_fields,
    gathering::Gathering,
    record::{Sort, sort_fields},
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

filter_fields! {
    /// The fields that a list can be filtered by.
    SignalField of Column {
        Id of SignalId, Source => [Source] by trimmed, Number, Value, Status, Version, SubmittedBy,
        SubmittedAt, DeadlineAt, CompletedAt, DeliveredAt,
    }
}

sort_fields! {
    /// The fields that a list can be sorted by.
    SignalSortField of Column { SubmittedAt }
}

/// The order of a list.
pub type SignalSort = Sort<SignalSortField>;

const TABLE: &str = "signal";

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
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
        filter: &Filter<SignalField>,
        sort: SignalSort,
        request: &PageRequest,
    ) -> Result<Page<Signal>> {
        authorize(viewer, Action::ReadSignals)?;
        let sorted = sort.by(Column::Id);
        let database = self.log.database();
        let queries = &database.queries;
        let rows = Entity::find().filter(filter.condition(database.backend(), TABLE));
        let rows = request.select(rows, &sorted).all(queries).await?;
        Ok(
            request.page_of(with_results(queries, rows).await?, |row| Edge {
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
        filter: &Filter<SignalField>,
    ) -> Result<u64> {
        authorize(viewer, Action::ReadSignals)?;
        Ok(Entity::find()
            .filter(filter.condition(self.log.database().backend(), TABLE))
            .count(&self.log.database().queries)
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
