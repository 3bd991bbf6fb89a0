//! What a token's session and user were found to allow, remembered with the token. It saves the look-up of both rows, twice for
//! each request, and is exactly as fresh: it holds only in the generations of the two rows that were read before they were
//! looked up, and every event about a row begins a new one (`cache::strict`). Called by `caller`, kept by `tokens`.

use std::time::SystemTime;

use parking_lot::Mutex;

use crate::{access::Principal, cache::Generation};

/// The generations of the session's row and of the user's.
pub(super) type Generations = (Generation, Generation);

#[derive(Debug, Clone, Copy)]
struct Found {
    generations: Generations,
    /// When the session expires, of which no event tells.
    until: SystemTime,
    principal: Principal,
}

/// The principal that a token stood for when it was last looked up.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Option<Found>>);

impl Standing {
    /// Returns the principal, if it was found in these generations and its session has not expired since.
    pub(super) fn get(&self, generations: Generations, now: SystemTime) -> Option<Principal> {
        let found = (*self.0.lock())?;
        let holds = found.generations == generations && now < found.until;
        holds.then_some(found.principal)
    }

    /// Remembers a principal that was looked up after these generations were read.
    pub(super) fn set(&self, generations: Generations, until: SystemTime, principal: Principal) {
        *self.0.lock() = Some(Found {
            generations,
            until,
            principal,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::access::{Role, SessionId, UserId};

    #[test]
    fn it_ends_with_a_change_of_either_row_and_with_the_session() {
        let principal = Principal {
            user_id: UserId::generate(),
            session_id: SessionId::generate(),
            role: Role::Staff,
        };
        let (standing, now) = (Standing::default(), SystemTime::now());
        let [old, new] = [7, 8].map(Generation::of);
        assert_eq!(standing.get((old, old), now), None, "nothing is known");
        let until = now + Duration::from_secs(1);
        standing.set((old, old), until, principal);
        assert_eq!(standing.get((old, old), now), Some(principal));
        assert_eq!(standing.get((new, old), now), None, "another session's row");
        assert_eq!(standing.get((old, new), now), None, "another user's row");
        assert_eq!(standing.get((old, old), until), None, "it has expired");
    }
}
