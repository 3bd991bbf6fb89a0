//! The front pages: the first or last posts of an order, without a filter. Everybody asks for them, and they look the same to all who
//! may read posts. So requests that come while one is read share the next reading, which begins after they came. Only these pages are
//! shared, as they are read along an index: what may take longer takes turns by who asks for it. Called by `queries`.

use std::{collections::HashMap, sync::Arc};

use ::events::{AsOf, EventLog};

use super::{
    Post,
    listing::{PostSort, read_page},
};
use crate::{Filter, Page, PageRequest, gathering::Gathering};

/// A front page, by its order, its size and its end of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FrontPage {
    sort: PostSort,
    limit: u64,
    from_end: bool,
}

pub(super) type FrontPages = Gathering<FrontPage, AsOf<Arc<Page<Post>>>>;

impl FrontPage {
    /// Returns the front page that is asked for, if it is one.
    pub(super) fn of(sort: PostSort, request: &PageRequest) -> Option<Self> {
        let is_front = request.after.is_none() && request.before.is_none();
        is_front.then_some(Self {
            sort,
            limit: request.limit,
            from_end: request.from_end,
        })
    }

    async fn read(self, log: &EventLog) -> ::events::Result<AsOf<Arc<Page<Post>>>> {
        let request = PageRequest {
            after: None,
            before: None,
            limit: self.limit,
            from_end: self.from_end,
        };
        let page = read_page(log, &Filter::default(), self.sort, &request).await?;
        Ok(page.map(Arc::new))
    }
}

pub(super) fn pages(log: &EventLog) -> FrontPages {
    let log = log.clone();
    Gathering::new(move |fronts: Vec<FrontPage>| {
        let log = log.clone();
        async move {
            let mut pages = HashMap::with_capacity(fronts.len());
            for front in fronts {
                pages.insert(front, front.read(&log).await.map_err(Arc::new)?);
            }
            Ok(pages)
        }
    })
}
