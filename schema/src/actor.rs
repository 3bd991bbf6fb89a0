//! Who did something, as the log names them: by the id of a user, or the name of a process. Clients get an object: see
//! `users::actor`.

use crate::upward::{Up, Upward};

/// An actor as the log names them.
pub(crate) struct LoggedActor(pub(crate) String);

impl Upward for LoggedActor {
    const TYPE: &'static str = "Actor";
}

/// A field that is an actor.
pub(crate) type ActorRef = Up<LoggedActor>;

impl From<String> for ActorRef {
    fn from(actor: String) -> Self {
        Self(LoggedActor(actor))
    }
}

impl From<&str> for ActorRef {
    fn from(actor: &str) -> Self {
        actor.to_owned().into()
    }
}
