//! What tells one event from another at the same position. It is in cursors, in the tail's memory and in copies of events: whoever
//! goes on from an event compares its proof with that of the event which the log has there now.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Some bits of an event's id, which distinguish it from another event at the same position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proof(pub(crate) u32);

impl Proof {
    /// Mixes all bits of the id (the finalizer of MurmurHash3), so that each bit counts, whatever the kind of id.
    pub fn of(event_id: Uuid) -> Self {
        let (high, low) = event_id.as_u64_pair();
        let mut mixed = low ^ high.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
            mixed ^= mixed >> 33;
            mixed = mixed.wrapping_mul(factor);
        }
        Self((mixed ^ (mixed >> 33)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_stable_and_differ() {
        // Clients keep cursors, so the value must never change.
        let id = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
        let proofs: std::collections::HashSet<_> = (0..10_000_u128)
            .map(|number| Proof::of(Uuid::from_u128(id.as_u128() + number)))
            .collect();
        assert!(proofs.len() > 9_995, "{} of 10,000", proofs.len());
        assert_eq!(Proof::of(id), Proof(0xc9c7_8350));
    }
}
