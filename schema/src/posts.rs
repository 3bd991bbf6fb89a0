//! Posts in GraphQL. See `entities::posts` for the rules.

mod change;
mod comment;
mod comments;
mod counting;
mod inputs;
mod likers;
mod loaders;
mod mutation;
mod object;
mod query;
mod subscription;
mod trending;

pub(crate) use comment::Comment;
pub(crate) use comments::CommentConnection;
pub(crate) use likers::LikerConnection;
pub(crate) use loaders::loader;
pub(crate) use mutation::PostsMutation;
pub(crate) use object::Post;
pub(crate) use query::{PostConnection, PostsQuery, find, find_comment, resolve_posts_of};
pub(crate) use subscription::PostsSubscription;
pub(crate) use trending::{TrendingQuery, TrendingSubscription};
