//! The queries on signals. A page of signals takes two statements, whatever its size: the rows, and the results.

use ::events::HistoryPage;
use sea_orm::{EntityTrait, PaginatorTrait, QueryFilter};

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

impl Signals {
    /// Returns the signal with its results so far.
    #[boxed]
    pub async fn find_signal(&self, viewer: &Viewer, id: SignalId) -> Result<Option<Signal>> {
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
        filter: &Filter<SignalField>,
        sort: SignalSort,
        request: &PageRequest,
    ) -> Result<Page<Signal>> {
        authorize(viewer, Action::ReadSignals)?;
        let sorted = sort.by(Column::Id);
        let database = self.log.database();
        let reader = &database.reader;
        let rows = Entity::find().filter(filter.condition(database.backend(), TABLE));
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
        filter: &Filter<SignalField>,
    ) -> Result<u64> {
        authorize(viewer, Action::ReadSignals)?;
        Ok(Entity::find()
            .filter(filter.condition(self.log.database().backend(), TABLE))
            .count(&self.log.database().reader)
            .await?)
    }

    /// Returns the events of one signal, oldest first.
    #[boxed]
    pub async fn history(
        &self,
        viewer: &Viewer,
        id: SignalId,
        of: Versions,
    ) -> Result<HistoryPage> {
        authorize(viewer, Action::ReadSignals)?;
        let Versions { after, limit } = of;
        Ok(self.log.read_stream(id.stream(), after, limit).await?)
    }
}
