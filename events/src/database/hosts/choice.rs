//! Which of the servers that say they are the primary is used: pure decisions, for `hosts`, where it is argued why they are right.

use std::cmp::Reverse;

/// What tells a server's history from that of another. A role that may not ask for a part does not know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::database) struct Identity {
    pub(super) cluster: Option<i64>,
    /// It is higher after each promotion.
    pub(super) timeline: Option<u32>,
}

/// A primary that may be used: the place of its host in the URL, and whose history it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) struct Primary {
    pub(super) host: usize,
    pub(super) identity: Identity,
}

impl Identity {
    /// Returns whether a new connection found the server that was chosen.
    pub(super) fn is_that_of(self, asked: Self) -> bool {
        self.timeline == asked.timeline && !self.is_elsewhere(asked)
    }

    fn is_elsewhere(self, other: Self) -> bool {
        matches!((self.cluster, other.cluster), (Some(one), Some(other)) if one != other)
    }
}

/// Returns what speaks against a server that says it is the primary, when `before` was used.
pub(super) fn objection(before: Option<Primary>, asked: Identity) -> Option<&'static str> {
    let before = before?.identity;
    if before.is_elsewhere(asked) {
        Some("of another cluster than the one that was used before")
    } else if asked.timeline < before.timeline {
        // One that is unknown may be older.
        Some("its timeline is older than one that was used before")
    } else {
        None
    }
}

/// Chooses among those that say they are the primary, in the order of the URL: the newest timeline, of these the one that is in
/// use, of others the first. The first of the URL decides on the cluster if none was used before.
pub(super) fn choose(before: Option<Primary>, found: &[Primary]) -> Option<Primary> {
    let cluster = match before {
        Some(before) => before.identity.cluster,
        None => found.iter().find_map(|it| it.identity.cluster),
    };
    let of_cluster = Identity {
        cluster,
        timeline: None,
    };
    let eligible = found.iter().filter(|it| {
        objection(before, it.identity).is_none() && !of_cluster.is_elsewhere(it.identity)
    });
    let chosen = eligible.max_by_key(|it| {
        let is_in_use = before.is_some_and(|before| before.host == it.host);
        (it.identity.timeline, is_in_use, Reverse(it.host))
    })?;
    Some(Primary {
        host: chosen.host,
        identity: Identity {
            cluster: chosen.identity.cluster.or(cluster),
            ..chosen.identity
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn primary(host: usize, cluster: i64, timeline: u32) -> Primary {
        Primary {
            host,
            identity: Identity {
                cluster: Some(cluster),
                timeline: Some(timeline),
            },
        }
    }

    #[test]
    fn the_newest_is_chosen_and_nobody_goes_back() {
        let old = primary(0, 7, 1);
        let new = primary(1, 7, 2);
        assert_eq!(choose(None, &[]), None);
        assert_eq!(choose(None, &[old]), Some(old));
        assert_eq!(choose(None, &[old, new]), Some(new));
        assert_eq!(choose(Some(old), &[old, new]), Some(new));
        assert_eq!(choose(Some(new), &[old]), None);
        assert_eq!(choose(Some(new), &[old, new]), Some(new));
        // The old one was rebuilt as a standby of the new one, and promoted.
        let again = primary(0, 7, 3);
        assert_eq!(choose(Some(new), &[again]), Some(again));
    }

    #[test]
    fn the_one_in_use_stays_among_equals() {
        let (one, other) = (primary(0, 7, 2), primary(1, 7, 2));
        assert_eq!(choose(None, &[one, other]), Some(one));
        assert_eq!(choose(Some(other), &[one, other]), Some(other));
        assert_eq!(choose(Some(other), &[one]), Some(one));
    }

    #[test]
    fn another_cluster_is_refused() {
        let (here, elsewhere) = (primary(0, 7, 1), primary(1, 8, 5));
        assert_eq!(choose(None, &[here, elsewhere]), Some(here));
        assert_eq!(choose(Some(here), &[elsewhere]), None);
        assert!(objection(Some(here), elsewhere.identity).is_some());
    }

    #[test]
    fn what_is_unknown_is_not_newer() {
        let known = primary(0, 7, 2);
        let unknown = Primary {
            host: 1,
            identity: Identity::default(),
        };
        assert_eq!(choose(Some(known), &[unknown]), None);
        // A role that may ask for nothing uses what says it is the primary.
        assert_eq!(choose(None, &[unknown]), Some(unknown));
        assert_eq!(choose(Some(unknown), &[unknown]), Some(unknown));
        assert_eq!(choose(Some(unknown), &[known]), Some(known));
        // What was known of the cluster is not forgotten.
        let no_cluster = Primary {
            host: 0,
            identity: Identity {
                cluster: None,
                timeline: Some(3),
            },
        };
        assert_eq!(choose(Some(known), &[no_cluster]), Some(primary(0, 7, 3)));
        assert!(known.identity.is_that_of(Identity {
            cluster: None,
            ..known.identity
        }));
        assert!(!known.identity.is_that_of(primary(0, 7, 3).identity));
    }
}
