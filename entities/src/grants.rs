//! What a subscription is allowed while it is open. A grant first registers what it depends on and then checks it, so that no
//! change falls between the two. A change marks the grant as stale when its event arrives, before that event or any later one
//! is handed to subscribers. The code that delivers looks at the mark before every delivery and checks a stale grant again, so
//! nothing is delivered that came after the change. Called by resolvers (`require`) and by the gateway (the rest).

mod dismissals;

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

pub use dismissals::{Dismissal, Dismissals};
use events::EventLog;
use futures::future::OptionFuture;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    access::{AccessError, Action, Reason, SessionId, UserId, Viewer, authorize},
    boxed,
    chats::{self, ChatEventKind, ChatId, InboxEventKind, membership},
    operations::{self, OperationEventKind},
    users::{self, Caller, SessionEventKind, UserEventKind, Users},
};

/// What a subscription requires of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// A role that allows this action.
    Action(Action),
    /// Membership in this chat.
    Member {
        /// The chat.
        chat_id: ChatId,
    },
    /// Permission to use chats. What is delivered depends on the user's memberships, so leaving a chat withdraws results that
    /// are on their way.
    OwnChats,
}

/// A subject whose change may end subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    User(UserId),
    Session(SessionId),
    Chat(ChatId),
    Inbox(UserId),
    /// The sockets of a user, which have to close.
    Sockets(UserId),
}

impl Key {
    /// Returns the subject that an event changes; most events change none.
    fn of(kind: &str, id: Uuid, event_type: &str) -> Option<Self> {
        let is_one_of = |names: &[&str]| names.contains(&event_type);
        match kind {
            users::STREAM => is_one_of(&[
                UserEventKind::RoleChanged.name(),
                UserEventKind::Deactivated.name(),
            ])
            .then_some(Self::User(UserId::from_uuid(id))),
            users::SESSION_STREAM => is_one_of(&[SessionEventKind::Revoked.name()])
                .then_some(Self::Session(SessionId::from_uuid(id))),
            chats::STREAM => is_one_of(&[
                ChatEventKind::MemberRemoved.name(),
                ChatEventKind::MemberLeft.name(),
            ])
            .then_some(Self::Chat(ChatId::from_uuid(id))),
            chats::INBOX_STREAM => is_one_of(&[InboxEventKind::Left.name()])
                .then_some(Self::Inbox(UserId::from_uuid(id))),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Signal {
    is_stale: AtomicBool,
    changed: Notify,
}

#[derive(Default)]
struct Registry {
    signals: Mutex<HashMap<Key, HashMap<u64, Weak<Signal>>>>,
    next: AtomicU64,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, HashMap<u64, Weak<Signal>>>> {
        self.signals.lock()
    }

    /// Marks all grants as stale after events were missed: any of their subjects may have changed. Sockets are not included;
    /// see `close_missed`.
    fn mark_all(&self) {
        let signals = self.lock();
        let checked = signals
            .iter()
            .filter(|(key, _)| !matches!(key, Key::Sockets(_)));
        for (_, signals) in checked {
            for signal in signals.values().filter_map(Weak::upgrade) {
                signal.is_stale.store(true, Ordering::Release);
                signal.changed.notify_waiters();
            }
        }
    }

    fn mark(&self, key: Key) {
        if let Some(signals) = self.lock().get(&key) {
            for signal in signals.values().filter_map(Weak::upgrade) {
                signal.is_stale.store(true, Ordering::Release);
                signal.changed.notify_waiters();
            }
        }
    }
}

/// The grants of one process.
#[derive(Clone)]
pub struct Grants(Arc<Shared>);

/// What they share: each grant has a handle on it, and there are several for every socket.
struct Shared {
    registry: Arc<Registry>,
    users: Users,
    log: EventLog,
}

impl Grants {
    pub(crate) fn new(log: &EventLog, users: Users) -> Self {
        let registry = Arc::<Registry>::default();
        let observed = registry.clone();
        log.observe_positions(move |kind, id, event_type, position| {
            if let Some(key) = Key::of(kind, id, event_type) {
                observed.mark(key);
            }
            // The sockets are closed once, when the event arrives: if they were closed at the commit too, a client that
            // reconnects at once would be closed twice.
            let closes = OperationEventKind::UserSocketsClosed.name();
            if kind == operations::STREAM && event_type == closes && position.is_some() {
                observed.mark(Key::Sockets(UserId::from_uuid(id)));
            }
        });
        let missed = registry.clone();
        let of_log = log.clone();
        log.observe_gaps(move |gap| {
            missed.mark_all();
            // Positions of another epoch cannot be compared with the recorded ones; the sockets stay open, and their
            // subscriptions end.
            if let Some(after) = gap.after {
                let (log, registry) = (of_log.clone(), Arc::downgrade(&missed));
                tokio::spawn(dismissals::close_missed(log, registry, after));
            }
        });
        Self(Arc::new(Shared {
            registry,
            users,
            log: log.clone(),
        }))
    }

    /// Opens a grant for one subscription of `caller`; it contains no requirement yet.
    pub fn open(&self, caller: Caller) -> Grant {
        let held = self.hold(caller);
        held.register_caller();
        Grant(Some(Arc::new(held)))
    }
}

impl Grants {
    fn hold(&self, caller: Caller) -> Held {
        Held {
            number: self.0.registry.next.fetch_add(1, Ordering::Relaxed),
            signal: Arc::default(),
            state: Mutex::default(),
            grants: self.clone(),
            caller,
        }
    }
}

#[derive(Default)]
struct State {
    keys: Vec<Key>,
    requirements: Vec<Requirement>,
    /// The watched session: the caller's, until a new token names another.
    session_id: Option<SessionId>,
}

struct Held {
    number: u64,
    signal: Arc<Signal>,
    state: Mutex<State>,
    grants: Grants,
    caller: Caller,
}

/// The requirements that a caller has to meet while a subscription is open.
#[derive(Clone)]
pub struct Grant(Option<Arc<Held>>);

impl Grant {
    /// Returns the grant of a shared execution: each of its subscribers has a grant of its own, and that one is checked.
    pub const fn shared() -> Self {
        Self(None)
    }

    /// Checks `requirement` now, and adds it to those that are checked again.
    ///
    /// # Errors
    /// Fails when the requirement is not met.
    #[boxed]
    pub async fn require(&self, requirement: Requirement) -> Result<(), AccessError> {
        let Some(held) = &self.0 else {
            return Ok(());
        };
        match (requirement, held.caller.user_id()) {
            (Requirement::Member { chat_id }, _) => held.register(Key::Chat(chat_id)),
            (Requirement::OwnChats, Some(user_id)) => held.register(Key::Inbox(user_id)),
            _ => {}
        }
        held.add(requirement);
        let viewer = held.grants.0.users.viewer_of(&held.caller).await?;
        held.check(&viewer, requirement).await
    }

    /// Returns whether a change may end the subscription. Must be called before every delivery.
    pub fn is_stale(&self) -> bool {
        self.0.as_ref().is_some_and(|held| {
            held.signal.is_stale.load(Ordering::Acquire)
                || held.caller.time_left().is_some_and(|left| left.is_zero())
                // The sessions are compared, as a token may be renewed while nobody waits for the notice.
                || held.state.lock().session_id != held.caller.session_id()
        })
    }

    /// Marks the grant as stale, too, when the caller is no longer a member of a chat.
    pub fn watch_memberships(&self) {
        if let Some(held) = &self.0
            && let Some(user_id) = held.caller.user_id()
        {
            held.register(Key::Inbox(user_id));
        }
    }

    /// Marks the grant as stale, so that it is checked again.
    pub fn mark(&self) {
        if let Some(held) = &self.0 {
            held.signal.is_stale.store(true, Ordering::Release);
        }
    }

    /// Resolves when the grant is stale.
    #[boxed]
    pub async fn stale(&self) {
        let Some(held) = &self.0 else {
            return std::future::pending().await;
        };
        loop {
            let changed = held.signal.changed.notified();
            let renewed = held.caller.renewed();
            tokio::pin!(changed, renewed);
            changed.as_mut().enable();
            if let Some(renewed) = renewed.as_mut().as_pin_mut() {
                renewed.enable();
            }
            if self.is_stale() {
                return;
            }
            let expired = OptionFuture::from(held.caller.time_left().map(tokio::time::sleep));
            let renewed = OptionFuture::from(renewed.as_pin_mut());
            tokio::select! {
                () = changed => {}
                Some(()) = expired => {}
                // The token is valid for longer, and may name another session, which is then watched.
                Some(()) = renewed => {}
            }
        }
    }

    /// Returns whether a change may withdraw results that were computed before it, even if the grant still holds.
    pub fn withdraws(&self) -> bool {
        let held = self.0.as_ref();
        held.is_some_and(|held| {
            held.state
                .lock()
                .requirements
                .contains(&Requirement::OwnChats)
        })
    }

    /// Checks all requirements again; returns the caller's current viewer.
    ///
    /// # Errors
    /// Fails when a requirement is no longer met: the subscription ends with this error.
    #[boxed]
    pub async fn recheck(&self) -> Result<Viewer, AccessError> {
        let Some(held) = &self.0 else {
            return Ok(Viewer::Anonymous);
        };
        // The mark is cleared first: a change during the check sets it again.
        held.signal.is_stale.store(false, Ordering::Release);
        held.register_caller();
        let checked = held.check_all().await;
        if matches!(checked, Err(AccessError::Log(_))) {
            held.signal.is_stale.store(true, Ordering::Release);
        }
        checked
    }
}

impl Held {
    /// Adds a requirement once, however often the subscription is executed: each execution requires it again.
    fn add(&self, requirement: Requirement) {
        let requirements = &mut self.state.lock().requirements;
        if !requirements.contains(&requirement) {
            requirements.push(requirement);
        }
    }

    fn register_caller(&self) {
        if let Some(user_id) = self.caller.user_id() {
            self.register(Key::User(user_id));
        }
        let session_id = self.caller.session_id();
        if let Some(session_id) = session_id {
            self.register(Key::Session(session_id));
        }
        self.state.lock().session_id = session_id;
    }

    fn register(&self, key: Key) {
        let mut state = self.state.lock();
        if !state.keys.contains(&key) {
            state.keys.push(key);
            let mut signals = self.grants.0.registry.lock();
            let signal = Arc::downgrade(&self.signal);
            signals.entry(key).or_default().insert(self.number, signal);
        }
    }

    async fn check_all(&self) -> Result<Viewer, AccessError> {
        let viewer = self.grants.0.users.viewer_of(&self.caller).await?;
        let requirements = self.state.lock().requirements.clone();
        for requirement in requirements {
            self.check(&viewer, requirement).await?;
        }
        Ok(viewer)
    }

    async fn check(&self, viewer: &Viewer, requirement: Requirement) -> Result<(), AccessError> {
        match requirement {
            Requirement::Action(action) => authorize(viewer, action),
            Requirement::OwnChats => authorize(viewer, Action::UseChats),
            Requirement::Member { chat_id } => {
                let user_id = viewer
                    .user_id()
                    .ok_or(AccessError::Unauthenticated(Reason::Missing))?;
                match membership::is_member(&self.grants.0.log, chat_id, user_id).await? {
                    true => Ok(()),
                    false => Err(AccessError::NotMember),
                }
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let keys = std::mem::take(&mut self.state.lock().keys);
        let mut signals = self.grants.0.registry.lock();
        for key in keys {
            if let Some(of_key) = signals.get_mut(&key) {
                of_key.remove(&self.number);
                if of_key.is_empty() {
                    signals.remove(&key);
                }
            }
        }
    }
}
