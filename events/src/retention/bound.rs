//! How far the log may be pruned: what every consumer has passed. Called inside each pruning transaction, which no consumer that
//! begins to need older events can overlap (`begin`); all other bounds only rise. Each statement sees what was committed before
//! it, so the order matters: first the head; then the checkpoints; then the events behind the least checkpoint, where the first
//! that a follower has not passed in its part is the bound (a quiet part has an old checkpoint, but its next event may be new);
//! then deliveries and letters, which are created together with the move of a checkpoint past their event, so those of every
//! passed event are seen.

use std::{collections::BTreeMap, fmt};

use sea_orm::ConnectionTrait;

use crate::{
    PARTS, Result,
    control::first_needed_position,
    read::{self, Head},
    sql::{from_i64, query_as, to_i64},
};

/// The most events examined behind the least checkpoint.
const LOOKED_AT: u32 = 5_000;

/// Why events that are old enough are not pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBy {
    /// All events up to the end of the log may be pruned.
    Nothing,
    /// The next event is not old enough.
    Age,
    /// This follower has not applied them.
    Follower(String),
    /// A rebuild of this read model has begun and has not ended.
    Rebuild(String),
    /// A handler's delivery or a dead letter needs one of them.
    Delivery,
    /// They are not in the archive yet.
    Archive,
}

impl fmt::Display for HeldBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => write!(f, "it is the end of the log"),
            Self::Age => write!(f, "what follows is not old enough"),
            Self::Follower(name) => write!(f, "the follower {name} has come no further"),
            Self::Rebuild(name) => write!(f, "the rebuild of {name} has not ended"),
            Self::Delivery => write!(
                f,
                "a handler's delivery or a dead letter needs what follows"
            ),
            Self::Archive => write!(f, "what follows is not in the archive"),
        }
    }
}

/// Events up to the position may be pruned; those behind it are held.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) position: u64,
    pub(super) held_by: HeldBy,
}

impl Bound {
    pub(super) fn lower(&mut self, position: u64, held_by: HeldBy) {
        if position < self.position {
            self.position = position;
            self.held_by = held_by;
        }
    }
}

/// Returns the first event up to the head that a follower has not passed, and the follower. If it is not among the first events
/// behind the least checkpoint, returns the position behind those: pruning continues from there with its next transaction.
async fn first_unapplied(
    connection: &impl ConnectionTrait,
    head: &Head,
    checkpoints: &BTreeMap<String, [u64; PARTS as usize]>,
) -> Result<Option<(u64, String)>> {
    let behind = checkpoints.iter().filter_map(|(follower, parts)| {
        let behind = parts.iter().zip(&head.parts).filter(|(at, head)| at < head);
        Some((behind.map(|(at, _)| *at).min()?, follower))
    });
    let Some((least, slowest)) = behind.min() else {
        return Ok(None);
    };
    let sql = format!(
        "select p.position, e.part from {}
         where p.position > $1 and p.position <= $2 order by p.position limit {LOOKED_AT}",
        read::by_position(connection.get_database_backend())
    );
    // The remaining events before that are kept in any case, and every follower has passed them.
    let mut last = least.max(head.pruned);
    let values = vec![to_i64(last).into(), to_i64(head.position).into()];
    for (position, part) in query_as::<(i64, i16)>(connection, &sql, values).await? {
        last = from_i64(position);
        let mut followers = checkpoints.iter();
        let unapplied = followers.find(|(_, parts)| parts[part as usize] < last);
        if let Some((follower, _)) = unapplied {
            return Ok(Some((last, follower.clone())));
        }
    }
    Ok(Some((last + 1, slowest.clone())))
}

/// Returns the read models whose rebuild has begun and has not ended.
pub(super) async fn rebuilds(connection: &impl ConnectionTrait) -> Result<Vec<String>> {
    let sql = "select follower from rebuild where phase not in ('done', 'requested')";
    query_as(connection, sql, Vec::new()).await
}

/// Computes the bound. `needed` are followers that must have run before anything may be pruned.
pub(super) async fn bound(connection: &impl ConnectionTrait, needed: &[String]) -> Result<Bound> {
    let head = read::read_head(connection).await?;
    let mut bound = Bound {
        position: head.position,
        held_by: HeldBy::Nothing,
    };
    let mut checkpoints: BTreeMap<String, [u64; PARTS as usize]> = needed
        .iter()
        .map(|name| (name.clone(), [0; PARTS as usize]))
        .collect();
    let sql = "select follower, part, position from checkpoint";
    let rows: Vec<(String, i16, i64)> = query_as(connection, sql, Vec::new()).await?;
    for (follower, part, position) in rows {
        let parts = checkpoints.entry(follower);
        let parts = parts.or_insert([0; PARTS as usize]);
        if let Some(checkpoint) = parts.get_mut(part as usize) {
            *checkpoint = from_i64(position);
        }
    }
    if let Some((position, follower)) = first_unapplied(connection, &head, &checkpoints).await? {
        bound.lower(position - 1, HeldBy::Follower(follower));
    }
    for follower in rebuilds(connection).await? {
        bound.lower(0, HeldBy::Rebuild(follower));
    }
    if let Some(first) = first_needed_position(connection).await? {
        bound.lower(first.saturating_sub(1), HeldBy::Delivery);
    }
    Ok(bound)
}
