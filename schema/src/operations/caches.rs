//! The figures of the caches, of the process that is asked.

use async_graphql::{Context, Object, Result, SimpleObject};
use entities::CacheFigures;

use crate::{
    error::from_access,
    request::{entities, viewer},
};

/// What the cache of one kind of objects has done since its gateway began.
#[derive(SimpleObject)]
pub(crate) struct Cache {
    /// What it keeps, such as `student`.
    name: &'static str,
    /// Objects in the gateway's memory.
    entries: u64,
    /// Requests that its memory could answer.
    hits: u64,
    /// Requests that it could not.
    misses: u64,
    /// Values that the store shared by all processes had. Those who miss together share one.
    shared_hits: u64,
    /// Loads from the database. Those who miss together share one.
    loads: u64,
    /// Loads that failed or took too long.
    failures: u64,
    /// Loads before their time, in the background.
    eager_refreshes: u64,
    /// Values given as stale: responses that show one have `extensions.stale`.
    stale: u64,
}

fn into_cache((name, figures): (&'static str, CacheFigures)) -> Cache {
    let CacheFigures {
        entries,
        hits,
        misses,
        shared_hits,
        loads,
        failures,
        eager_refreshes,
        stale,
    } = figures;
    Cache {
        name,
        entries,
        hits,
        misses,
        shared_hits,
        loads,
        failures,
        eager_refreshes,
        stale,
    }
}

#[derive(Default)]
pub(crate) struct CachesQuery;

#[Object]
impl CachesQuery {
    /// The caches of the gateway that serves the request. Requires the role ADMIN.
    async fn caches(&self, ctx: &Context<'_>) -> Result<Option<Vec<Cache>>> {
        let figures = entities(ctx).cache_figures(viewer(ctx)?);
        let figures = figures.map_err(from_access)?;
        Ok(Some(figures.into_iter().map(into_cache).collect()))
    }
}
