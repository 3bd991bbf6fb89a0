//! Pages of the rows below other objects: comments and likers of posts, posts of users, messages of chats. The pages of all objects
//! that are asked for alike are one statement. A place is a row's key and id, as in other lists (`paging`).

use std::collections::{HashMap, HashSet};

use ::events::{DatabaseConnection, sql::OfEach};
use sea_orm::{
    Condition, DbBackend, QueryResult, Statement, Value,
    sea_query::{Expr, Query},
};

use crate::{
    Direction, Edge, Page, PageRequest,
    id::{Id, uuids},
};

/// Rows that belong to an object.
pub(crate) struct Children {
    /// The table.
    pub(crate) table: &'static str,
    /// The column of the object's id.
    pub(crate) parent: &'static str,
    /// The columns to read. They include those of the parent and of the order.
    pub(crate) columns: &'static str,
    /// The column of the key that the rows are ordered by; `None` when they are ordered by id alone.
    pub(crate) key: Option<&'static str>,
    /// The column that orders rows of the same key; `None` when no two rows of an object have the same.
    pub(crate) id: Option<&'static str>,
    /// The direction of both.
    pub(crate) direction: Direction,
}

/// A condition on rows as text, with its parameters from `$1` on.
#[derive(Default)]
pub(crate) struct Clause {
    sql: String,
    values: Vec<Value>,
}

impl Clause {
    pub(crate) fn of(condition: Condition, backend: DbBackend) -> Self {
        let select = Query::select()
            .expr(Expr::cust("1"))
            .cond_where(condition)
            .to_owned();
        let Statement { sql, values, .. } = backend.build(&select);
        let Some((_, text)) = sql.split_once(" WHERE ") else {
            return Self::default();
        };
        // SQLite's have no numbers, and the text occurs once for each parent.
        let mut parts = text.split('?');
        let mut sql = parts.next().unwrap_or_default().to_owned();
        for (place, part) in (1..).zip(parts) {
            sql += &format!("${place}{part}");
        }
        let values = values.map(|values| values.0).unwrap_or_default();
        Self { sql, values }
    }
}

/// A page below an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageOf<I> {
    /// The id of the object.
    pub of: I,
    /// The page.
    pub request: PageRequest,
}

impl Children {
    /// Returns the pages of all keys, of the rows for which `only` holds. `read` reads a row with its parent and its place.
    pub(crate) async fn pages<K: 'static, T>(
        &self,
        database: &DatabaseConnection,
        keys: &[PageOf<Id<K>>],
        only: &Clause,
        read: impl Fn(&QueryResult) -> Result<(Id<K>, Edge, T), sea_orm::DbErr>,
    ) -> ::events::Result<HashMap<PageOf<Id<K>>, Page<T>>> {
        // Loads that add different things to a page ask for the same one, and each parent's rows are read once.
        let keys: HashSet<&PageOf<Id<K>>> = keys.iter().collect();
        let mut alike: HashMap<&PageRequest, Vec<Id<K>>> = HashMap::new();
        for key in &keys {
            alike.entry(&key.request).or_default().push(key.of);
        }
        let mut pages = HashMap::with_capacity(keys.len());
        for (request, parents) in alike {
            let mut rows: HashMap<Id<K>, Vec<(Edge, T)>> = HashMap::new();
            for row in self.rows(database, &parents, only, request).await? {
                let (of, edge, child) = read(&row)?;
                rows.entry(of).or_default().push((edge, child));
            }
            for of in parents {
                let page = request.page(rows.remove(&of).unwrap_or_default());
                let request = request.clone();
                pages.insert(PageOf { of, request }, page);
            }
        }
        Ok(pages)
    }

    /// Returns the rows of a page of each parent in the direction of travel, and one row more than its limit if there is one.
    async fn rows<K>(
        &self,
        database: &DatabaseConnection,
        parents: &[Id<K>],
        only: &Clause,
        request: &PageRequest,
    ) -> ::events::Result<Vec<QueryResult>> {
        let Self {
            table,
            parent,
            columns,
            key,
            id,
            direction,
        } = self;
        let order: Vec<&str> = key.iter().chain(id).copied().collect();
        let mut select = format!("select {columns} from {table} where {parent} = {{parent}}");
        let mut values = only.values.clone();
        if !only.sql.is_empty() {
            select += &format!(" and ({})", only.sql);
        }
        for (edge, is_after) in [(&request.after, true), (&request.before, false)] {
            let Some(edge) = edge else { continue };
            let from = values.len() + 1;
            values.extend(key.map(|_| edge.key.clone().into()));
            values.extend(id.map(|_| Value::from(edge.id)));
            let than = match is_after == (*direction == Direction::Asc) {
                true => ">",
                false => "<",
            };
            let place = ::events::sql::places(from, order.len());
            select += &format!(" and ({}) {than} ({place})", order.join(", "));
        }
        let travel = match (*direction == Direction::Asc) != request.from_end {
            true => "asc",
            false => "desc",
        };
        let order = order.iter().map(|column| format!("{column} {travel}"));
        let of_each = OfEach {
            select: &select,
            order: &order.collect::<Vec<_>>().join(", "),
            limit: request.limit + 1,
        };
        of_each.query(database, &uuids(parents), values).await
    }
}
