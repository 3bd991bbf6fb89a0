//! Bounds the number of connections, in total and from one network. At the limit a new connection replaces an idle one, so a client that
//! opens many and sends nothing shuts nobody out, and an active one is served. The limit is well below the process's limit on
//! descriptors: the database, files and Redis need theirs. Called by `server`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use entities::users::network_of;
use parking_lot::{Mutex, MutexGuard};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::activity::Activity;
use crate::{duration, numbers};

/// The default for the number of connections, where descriptors allow it.
const MOST: usize = 20_000;
/// The number of candidates for replacement that are examined, so that the search is short however many connections there are.
const LOOKED_AT: usize = 256;

/// Settings of connections.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionSettings {
    /// Maximum number of client connections; a new one takes the place of an idle one [default: 20000, but at most three quarters of the
    /// file descriptors that the process may have]
    #[arg(long, env = "MILLRACE_MAX_CLIENTS", value_parser = numbers::within(numbers::COUNT))]
    pub max_clients: Option<usize>,
    /// Maximum number of connections from one address, or one /64 of IPv6, unless a proxy forwards addresses [default: half of all]
    #[arg(long, env = "MILLRACE_MAX_CLIENTS_PER_ADDRESS", value_parser = numbers::within(numbers::COUNT))]
    pub max_clients_per_address: Option<usize>,
    /// How long a client may read nothing, or less than 1 KiB a second, before it is disconnected
    #[arg(long, env = "MILLRACE_SEND_TIMEOUT", default_value = "60s", value_parser = duration::positive)]
    pub send_timeout: Duration,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        workers::settings::defaults()
    }
}

/// Raises the limit on descriptors as far as the process may; returns the new limit.
pub fn raise_descriptor_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit on file descriptors could not be raised");
            limit.current
        }
    }
}

/// The places of all connections.
pub(crate) struct Places {
    most: usize,
    most_by_network: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    /// Where the next search for an idle connection begins.
    looked_up_to: u64,
    open: BTreeMap<u64, Open>,
    by_network: HashMap<IpAddr, BTreeSet<u64>>,
}

struct Open {
    network: IpAddr,
    activity: Arc<Activity>,
}

/// The place of one connection, held by its stream.
pub(crate) struct Place {
    places: Arc<Places>,
    id: u64,
}

impl Places {
    /// Creates the places. `descriptors` is the process's limit.
    pub(crate) fn new(
        settings: &ConnectionSettings,
        descriptors: Option<u64>,
        behind_proxy: bool,
    ) -> Arc<Self> {
        let descriptors = descriptors.and_then(|it| usize::try_from(it).ok());
        let possible = descriptors.map_or(usize::MAX, |it| it - it / 4);
        let most = settings.max_clients.unwrap_or(MOST).min(possible).max(1);
        let most_by_network = match settings.max_clients_per_address {
            Some(most) => most,
            // All connections come from the proxy.
            None if behind_proxy => most,
            None => most.div_ceil(2),
        };
        tracing::debug!(most, most_by_network, "at most {most} connections");
        Arc::new(Self {
            most,
            most_by_network,
            taken: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock()
    }

    /// Takes a place for another connection; returns `None` when busy connections hold all of them.
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr, activity: &Arc<Activity>) -> Option<Place> {
        let network = network_of(peer);
        let mut taken = self.lock();
        let of_network = taken.by_network.get(&network).map_or(0, BTreeSet::len);
        if of_network >= self.most_by_network {
            taken.make_leave(Some(network))?;
        } else if taken.open.len() >= self.most {
            taken.make_leave(None)?;
        }
        let id = taken.next;
        taken.next += 1;
        taken.by_network.entry(network).or_default().insert(id);
        let activity = activity.clone();
        taken.open.insert(id, Open { network, activity });
        Some(Place {
            places: self.clone(),
            id,
        })
    }
}

impl Taken {
    /// Asks the most idle of the examined connections to leave, and frees its place.
    fn make_leave(&mut self, network: Option<IpAddr>) -> Option<()> {
        let from = self.looked_up_to;
        let chosen = match network {
            Some(network) => {
                let ids = self.by_network.get(&network)?;
                let ids = ids.range(from..).chain(ids.range(..from)).take(LOOKED_AT);
                self.most_idle(ids)
            }
            None => {
                let ids = self.open.range(from..).chain(self.open.range(..from));
                self.most_idle(ids.map(|(id, _)| id).take(LOOKED_AT))
            }
        };
        let (last, chosen) = chosen;
        self.looked_up_to = last + 1;
        let left = self.remove(chosen?)?;
        left.activity.ask_to_leave();
        Some(())
    }

    /// Returns the last connection examined, and the one that has been idle for longest.
    fn most_idle<'a>(&self, ids: impl Iterator<Item = &'a u64>) -> (u64, Option<u64>) {
        let (mut last, mut chosen) = (0, None);
        for id in ids {
            last = *id;
            let idle = self.open.get(id).and_then(|open| open.activity.idle_for());
            if idle > chosen.map(|(idle, _)| idle) {
                chosen = idle.map(|idle| (idle, *id));
            }
        }
        (last, chosen.map(|(_, id)| id))
    }

    fn remove(&mut self, id: u64) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if let Some(ids) = self.by_network.get_mut(&open.network) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_network.remove(&open.network);
            }
        }
        Some(open)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::Patience;

    fn places(most: usize, by_network: usize) -> Arc<Places> {
        let settings = ConnectionSettings {
            max_clients: Some(most),
            max_clients_per_address: Some(by_network),
            ..ConnectionSettings::default()
        };
        Places::new(&settings, None, false)
    }

    #[test]
    fn who_does_nothing_gives_way_and_who_is_busy_stays() {
        let places = places(3, 2);
        let peer = |last: u8| IpAddr::from([192, 0, 2, last]);
        let activities: Vec<_> = (0..5)
            .map(|_| Arc::new(Activity::new(Patience::default())))
            .collect();
        let busy = activities[0].hold();
        let _first = places.take(peer(1), &activities[0]).expect("a place");
        let _second = places.take(peer(1), &activities[1]).expect("a place");
        let third = places.take(peer(1), &activities[2]);
        let third = third.expect("the place of the second");
        assert!(activities[1].is_asked_to_leave() && !activities[0].is_asked_to_leave());
        let busy_too = activities[2].hold();
        assert!(
            places.take(peer(1), &activities[3]).is_none(),
            "its network has no idle one"
        );
        let _fourth = places.take(peer(2), &activities[3]).expect("a place");
        let _fifth = places
            .take(peer(3), &activities[4])
            .expect("another's place");
        assert!(activities[3].is_asked_to_leave());
        drop((busy, busy_too, third));
        assert_eq!(places.lock().open.len(), 2, "what ended is not counted");
    }

    #[test]
    fn descriptors_are_left_for_the_rest() {
        let most = |settings: &ConnectionSettings, descriptors| {
            let places = Places::new(settings, descriptors, false);
            (places.most, places.most_by_network)
        };
        let unset = ConnectionSettings::default();
        assert_eq!(most(&unset, Some(1_024)), (768, 384));
        assert_eq!(most(&unset, Some(1 << 20)), (20_000, 10_000));
        let much = ConnectionSettings {
            max_clients: Some(5_000),
            max_clients_per_address: Some(7),
            ..ConnectionSettings::default()
        };
        assert_eq!(most(&much, Some(1_024)), (768, 7));
        assert_eq!(Places::new(&unset, Some(1_024), true).most_by_network, 768);
    }
}
