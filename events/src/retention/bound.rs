//! How far the log may be pruned: what every consumer has passed. Called inside each pruning transaction, which nobody who
//! begins to need older events can overlap (`begin`); all other bounds only rise.
//!
//! The order of the statements matters, as each sees what was committed before it. The head comes first: a part whose
//! checkpoint is at that head's position has nothing left up to the head. Deliveries and letters come after checkpoints: who
//! makes one moves the checkpoint past its event in the same transaction, so whatever a checkpoint has passed is seen.

use std::{collections::BTreeMap, fmt};

use sea_orm::ConnectionTrait;

use crate::{
    PARTS, Result,
    control::{first_needed_position, query},
    read::{self, from_i64},
};

/// Why events are kept that are old enough to be pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBy {
    /// Nothing: all events up to the end of the log may go.
    Nothing,
    /// The next event is not old enough.
    Age,
    /// A follower has not applied them.
    Follower(String),
    /// A rebuild of a read model has begun and has not ended.
    Rebuild(String),
    /// A handler's delivery or a dead letter needs one of them.
    Delivery,
    /// They are not in the archive.
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

/// All events up to the position may be pruned; those behind it are held.
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

/// `needed` are followers that must have run before anything may be pruned.
pub(super) async fn bound(connection: &impl ConnectionTrait, needed: &[String]) -> Result<Bound> {
    let head = read::read_head_in(connection).await?;
    let mut bound = Bound {
        position: head.position,
        held_by: HeldBy::Nothing,
    };
    let mut checkpoints: BTreeMap<String, [u64; PARTS as usize]> = needed
        .iter()
        .map(|name| (name.clone(), [0; PARTS as usize]))
        .collect();
    let sql = "select follower, part, position from checkpoint";
    for row in query(connection, sql, Vec::new()).await? {
        let part: i16 = row.try_get("", "part")?;
        let parts = checkpoints
            .entry(row.try_get("", "follower")?)
            .or_insert([0; PARTS as usize]);
        if let Some(checkpoint) = parts.get_mut(part as usize) {
            *checkpoint = from_i64(row.try_get("", "position")?);
        }
    }
    for (name, parts) in checkpoints {
        let behind = parts.iter().zip(&head.parts).filter(|(at, head)| at < head);
        if let Some(least) = behind.map(|(at, _)| *at).min() {
            bound.lower(least, HeldBy::Follower(name));
        }
    }
    let sql = "select follower from rebuild where phase not in ('done', 'requested')";
    for row in query(connection, sql, Vec::new()).await? {
        bound.lower(0, HeldBy::Rebuild(row.try_get("", "follower")?));
    }
    if let Some(first) = first_needed_position(connection).await? {
        bound.lower(first.saturating_sub(1), HeldBy::Delivery);
    }
    Ok(bound)
}
