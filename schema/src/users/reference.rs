//! A user as a field of other objects. The user is loaded when the field is resolved, together with all others that are
//! requested at the moment, unless they were already loaded with the object.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value,
    parser::types::{Field, SelectionSet},
    registry::Registry,
};
use async_trait::async_trait;
use entities::users::{self, UserId};

use super::{
    loaders::load_user,
    object::{User, avatar_url},
};
use crate::{
    error::{codes, error},
    plain,
};

/// A user by id, who is known to exist: users are never removed.
pub(crate) struct UserRef {
    id: UserId,
    loaded: Option<Arc<users::User>>,
}

impl UserRef {
    pub(crate) fn new(id: UserId, loaded: Option<Arc<users::User>>) -> Self {
        Self { id, loaded }
    }

    pub(crate) fn id(&self) -> UserId {
        self.id
    }

    /// Returns the field's value, if the user was loaded and all that is selected of them is plain.
    pub(crate) fn plain(&self, field: &Field) -> Option<Value> {
        of_row(self.loaded.as_deref()?, &field.selection_set.node)
    }
}

impl From<UserId> for UserRef {
    fn from(id: UserId) -> Self {
        Self::new(id, None)
    }
}

/// Resolves as the user.
#[async_trait]
impl OutputType for UserRef {
    fn type_name() -> Cow<'static, str> {
        User::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        User::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let user = match &self.loaded {
            Some(user) => Ok(Some(user.clone())),
            None => load_user(ctx, self.id).await,
        };
        let user = user
            .and_then(|user| user.ok_or_else(|| error(codes::INTERNAL, "internal error")))
            .map_err(|cause| ctx.set_error_path(cause.0.into_server_error(field.pos)))?;
        match of_row(&user, &field.node.selection_set.node) {
            Some(value) => Ok(value),
            None => User::from(user).resolve(ctx, field).await,
        }
    }
}

/// Returns the selected fields, if all of them are plain.
fn of_row(user: &users::User, selected: &SelectionSet) -> Option<Value> {
    plain::read::<User>(selected, |field| match field.name.node.as_str() {
        "id" => Some(user.id.to_string().into()),
        "name" => Some(user.name.as_str().into()),
        "avatarUrl" => Some(avatar_url(user).map_or(Value::Null, Value::from)),
        "username" => Some(user.username.as_deref().map_or(Value::Null, Value::from)),
        _ => None,
    })
}
