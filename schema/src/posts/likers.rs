//! Who likes a post, as clients see it: pages of users, in the order of their ids. A like or an unlike moves nobody else, and a fold
//! has the same order as the read model.

use std::sync::Arc;

use async_graphql::{
    Context, OutputType,
    connection::{ConnectionNameType, EdgeNameType},
};
use entities::{
    PageOf, SortKey,
    posts::{PostId, PostState, likers_of_state},
};
use serde::{Deserialize, Serialize};

use super::loaders::load_likers;
use crate::{
    connection::{self, Connection, KnownTotal, ListCursor, PageArguments},
    error::Result,
    users::UserRef,
};

/// What orders likers: so that a cursor of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum LikerOrder {
    #[serde(rename = "likers")]
    ById,
}

/// The names of the types of the connection, which would else be those of lists of users.
pub(crate) struct Liker;

impl ConnectionNameType for Liker {
    fn type_name<T: OutputType>() -> String {
        "LikerConnection".to_owned()
    }
}

impl EdgeNameType for Liker {
    fn type_name<T: OutputType>() -> String {
        "LikerEdge".to_owned()
    }
}

pub(crate) type LikerConnection = Connection<UserRef, KnownTotal, Liker, Liker>;

/// Returns a page of those who like a post: from the fold, if the post comes from one.
pub(super) async fn connect(
    ctx: &Context<'_>,
    post_id: PostId,
    state: Option<&Arc<PostState>>,
    total: KnownTotal,
    arguments: PageArguments,
) -> Result<Option<LikerConnection>> {
    let request = arguments
        .request(|cursor: &ListCursor<LikerOrder>| matches!(cursor.edge.key, SortKey::Number(_)))?;
    let page = match state {
        Some(state) => likers_of_state(state, &request).map(UserRef::from),
        None => {
            let of = PageOf {
                of: post_id,
                request,
            };
            let page = load_likers(ctx, of).await?;
            page.map(|(id, user)| UserRef::new(id, user))
        }
    };
    let order = LikerOrder::ById;
    connection::connect(page, order, total, |user| user).map(Some)
}
