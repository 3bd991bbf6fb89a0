//! Ids of traces and spans, without asking the operating system for randomness, as each request takes several: a keyed hash of a counter
//! tells the ids of processes apart, and nobody learns anything from one. Its bits are even, so a sampler may decide by them.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Returns a number that is not 0.
pub(super) fn span() -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    KEY.hash_one(NUMBER.fetch_add(1, Ordering::Relaxed)).max(1)
}

/// Returns a number that is not 0.
pub(super) fn trace() -> u128 {
    (u128::from(span()) << 64) | u128::from(span())
}
