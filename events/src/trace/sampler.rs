//! Which traces are sampled: by the decision of the parent, if there is one and it counts, or else by a share of the ids. All processes
//! that decide by the same share decide alike. Chosen by `OTEL_TRACES_SAMPLER`.

use super::Context;

/// As many ids as there are, of which the sampler uses 63 bits.
const ALL: u64 = 1 << 63;

/// Decides which traces are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    /// Whether the decision of the parent counts.
    heeds_parent: bool,
    /// Ids below this one are sampled.
    below: u64,
}

impl Sampler {
    /// Returns a sampler of this share, from 0 to 1, of the traces that have no parent whose decision counts.
    pub fn new(heeds_parent: bool, share: f64) -> Self {
        let below = match share {
            share if share >= 1.0 => ALL,
            // What is no number samples nothing.
            share => (share.max(0.0) * ALL as f64) as u64,
        };
        Self {
            heeds_parent,
            below,
        }
    }

    /// Returns the parent, if its decision counts.
    pub(super) fn heeded(self, parent: Option<Context>) -> Option<Context> {
        parent.filter(|_| self.heeds_parent)
    }

    /// Returns whether a trace is sampled.
    pub(super) fn samples(self, trace: u128, parent: Option<Context>) -> bool {
        match parent {
            Some(parent) if self.heeds_parent => parent.is_sampled(),
            _ => (trace as u64) >> 1 < self.below,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids;

    #[test]
    fn the_parent_decides_and_else_the_share() {
        let parent = |flags| {
            Some(Context {
                trace: 1,
                span: 1,
                flags,
            })
        };
        let (none, all) = (Sampler::new(true, 0.0), Sampler::new(true, 1.0));
        assert!(none.samples(1, parent(1)) && !all.samples(1, parent(0)));
        let heedless = Sampler::new(false, 0.0);
        assert!(!heedless.samples(1, parent(1)));
        assert_eq!(all.heeded(parent(0)), parent(0));
        assert_eq!(heedless.heeded(parent(1)), None);
        for trace in [0, 1, u128::MAX] {
            assert!(!none.samples(trace, None) && all.samples(trace, None));
        }
        let tenth = Sampler::new(true, 0.1);
        let sampled = (0..10_000).filter(|_| tenth.samples(ids::trace(), None));
        let sampled = sampled.count();
        assert!((800..1_200).contains(&sampled), "{sampled}");
        assert!(!Sampler::new(true, f64::NAN).samples(1, None));
    }
}
