//! The histories of one domain's objects: pages of their events, and who wrote a version of one. What is asked for in one poll is
//! one statement, so the histories of a page's objects cost as much as one. Nothing is kept. Who may read them is decided by the
//! queries of the domains, which call this.

use std::{collections::HashMap, sync::Arc};

use ::events::{EventLog, HistoryPage, Versions};
use uuid::Uuid;

use crate::gathering::Gathering;

type Result<T> = std::result::Result<T, Arc<::events::Error>>;

/// The histories of the streams of one kind.
#[derive(Clone)]
pub(crate) struct Histories {
    pages: Gathering<(Uuid, Versions), Arc<HistoryPage>>,
    actors: Gathering<(Uuid, i64), String>,
}

impl Histories {
    pub(crate) fn new(log: &EventLog, kind: &'static str) -> Self {
        let (of_pages, of_actors) = (log.clone(), log.clone());
        Self {
            pages: Gathering::new(move |keys| {
                let log = of_pages.clone();
                async move { load_pages(&log, kind, keys).await.map_err(Arc::new) }
            }),
            actors: Gathering::new(move |keys| {
                let log = of_actors.clone();
                async move { log.read_actors(kind, &keys).await.map_err(Arc::new) }
            }),
        }
    }

    /// Returns a page of an object's history.
    pub(crate) async fn page(&self, id: Uuid, of: Versions) -> Result<Arc<HistoryPage>> {
        let page = self.pages.load_with_others((id, of)).await?;
        Ok(page.unwrap_or_default())
    }

    /// Returns who wrote this version of an object, as the log names them; `None` when the log no longer has the event.
    pub(crate) async fn actor(&self, id: Uuid, version: i64) -> Result<Option<String>> {
        self.actors.load_with_others((id, version)).await
    }
}

async fn load_pages(
    log: &EventLog,
    kind: &'static str,
    keys: Vec<(Uuid, Versions)>,
) -> ::events::Result<HashMap<(Uuid, Versions), Arc<HistoryPage>>> {
    let mut alike: HashMap<Versions, Vec<Uuid>> = HashMap::new();
    for (id, of) in keys {
        alike.entry(of).or_default().push(id);
    }
    let mut pages = HashMap::new();
    for (of, ids) in alike {
        let found = log.read_histories(kind, &ids, of).await?;
        pages.extend(
            found
                .into_iter()
                .map(|(id, page)| ((id, of), Arc::new(page))),
        );
    }
    Ok(pages)
}
