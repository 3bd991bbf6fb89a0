//! Users in GraphQL. See `entities::users` for the rules.

mod actor;
mod availability;
mod counting;
mod inputs;
mod loaders;
mod mailing;
mod mutation;
mod object;
mod query;
mod reference;
mod session;
mod sign_in;
mod sockets;
mod subscription;

pub(crate) use actor::{Actor, resolve_actor};
pub(crate) use loaders::{load_all, loaders, note_users};
pub(crate) use mailing::MailingMutation;
pub(crate) use mutation::UsersMutation;
pub(crate) use object::{PostsOfUser, User};
pub(crate) use query::{UserConnection, UsersQuery, find};
pub(crate) use reference::UserRef;
pub(crate) use session::{UserSession, find_session};
pub(crate) use sign_in::SignInMutation;
pub(crate) use subscription::UsersSubscription;
