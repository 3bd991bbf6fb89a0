//! The counters of the caches, in the process that serves the request.

use async_graphql::{Context, Object, SimpleObject};
use entities::CacheFigures;

use crate::{
    error::Result,
    list::List,
    request::{entities, viewer},
};

/// The statistics of the cache of one kind of object, since its gateway started.
#[derive(SimpleObject)]
pub(crate) struct Cache {
    /// The kind of object, such as `student`.
    name: &'static str,
    /// The number of objects in the gateway's memory.
    entries: u64,
    /// The number of requests that were answered from memory.
    hits: u64,
    /// The number of requests that were not.
    misses: u64,
    /// The number of values found in the store that all processes share. Concurrent misses count once.
    shared_hits: u64,
    /// The number of loads from the database. Concurrent misses count once.
    loads: u64,
    /// The number of loads that failed or timed out.
    failures: u64,
    /// The number of refreshes in the background, before an entry expired.
    eager_refreshes: u64,
    /// The number of stale values that were returned. Responses that contain one have `extensions.stale`.
    stale: u64,
}

fn into_cache((name, figures): (&'static str, CacheFigures)) -> Cache {
    Cache {
        name,
        entries: figures.entries,
        hits: figures.hits,
        misses: figures.misses,
        shared_hits: figures.shared_hits,
        loads: figures.loads,
        failures: figures.failures,
        eager_refreshes: figures.eager_refreshes,
        stale: figures.stale,
    }
}

#[derive(Default)]
pub(crate) struct CachesQuery;

#[Object]
impl CachesQuery {
    /// The caches of the gateway that serves the request. Requires the role ADMIN.
    async fn caches(&self, ctx: &Context<'_>) -> Result<Option<List<Cache>>> {
        let figures = entities(ctx).cache_figures(viewer(ctx)?);
        let figures = figures?;
        Ok(Some(figures.into_iter().map(into_cache).collect()))
    }
}
