//! The plan of an operation, for one choice of its conditions and of the omitted variables: the document to execute, in which every
//! response key occurs once, the shape of its answer, and its price. It is made once, and kept with the document.

use std::sync::{Arc, OnceLock, Weak};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationType, Selection,
};
use async_graphql::{Name, Request};

use parking_lot::Mutex;

use super::introspection::Asked;
use super::live;
use super::price::Price;
use super::typing::{Shape, Typing};
use crate::budget::{Share, Spent};
use crate::metrics::{Figures, Kind, METRICS, type_name};
use crate::params::AFTER;

/// A plan.
pub struct Plan {
    pub(super) kind: OperationType,
    /// The text of the document, and the index of this operation in it.
    pub(super) text: Arc<str>,
    pub(super) name: Option<Arc<str>>,
    pub(super) document: Arc<ExecutableDocument>,
    pub(super) root: Set,
    pub(super) price: Price,
    pub(super) introspection: Asked,
    pub(super) live: live::Asked,
    /// Whether it asks for nothing but `__typename` at its root.
    pub(super) resolves_nothing: bool,
    /// About how many bytes it takes.
    pub(super) size: usize,
    /// What is counted of it: as what it is, and as a live query.
    pub(super) figures: [OnceLock<Arc<Figures>>; 2],
    /// What counts its memory while somebody listens by it.
    pub(super) held: Mutex<Weak<Share>>,
}

/// The fields of an object of a known type in an answer, in their order.
#[derive(Default)]
pub(super) struct Set {
    pub(super) fields: Box<[Planned]>,
    /// A key that is requested from the executor, and removed from the answer.
    pub(super) hidden: Option<Name>,
}

pub(super) struct Planned {
    pub(super) key: Name,
    /// The name in the schema, of which `key` may be an alias.
    pub(super) name: Name,
    pub(super) shape: Shape,
    pub(super) below: Below,
}

/// The selection of a field's value.
pub(super) enum Below {
    Leaf,
    Object(Set),
    /// By the type of the object, which its field `key` tells.
    Typed {
        key: Name,
        sets: Box<[(Name, Set)]>,
    },
}

/// Returns a key like this name that is not taken.
pub(super) fn free_key(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut key = name.to_owned();
    while is_taken(&key) {
        key.push('_');
    }
    key
}

impl Plan {
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(crate) fn operation_name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// Returns about how many bytes it takes.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Counts its memory for as long as anybody holds what is returned: in `share`, unless it is counted already.
    pub(crate) fn hold(&self, mut share: Share) -> Result<Arc<Share>, Spent> {
        let mut held = self.held.lock();
        if let Some(held) = held.upgrade() {
            return Ok(held);
        }
        share.grow(self.size)?;
        let share = Arc::new(share);
        *held = Arc::downgrade(&share);
        Ok(share)
    }

    pub(crate) const fn kind(&self) -> OperationType {
        self.kind
    }

    /// Returns the schema's name for a field at the root of the answer.
    pub(crate) fn root_field(&self, key: &str) -> Option<&str> {
        let planned = self.root.fields.iter().find(|it| it.key == key)?;
        Some(planned.name.as_str())
    }

    /// Returns what is counted of it. Operations that are never executed take no place among those that are counted by name.
    pub(crate) fn figures(&self, is_live: bool) -> &Arc<Figures> {
        self.figures[usize::from(is_live)].get_or_init(|| {
            let kind = self.type_name(is_live);
            METRICS.operations.of(self.name.as_deref(), kind)
        })
    }

    /// Returns what it is called in metrics and in the log.
    pub(crate) const fn type_name(&self, is_live: bool) -> &'static str {
        match is_live {
            true => Kind::LiveQuery.name(),
            false => type_name(self.kind),
        }
    }

    /// Returns whether no resolver runs, as for the query with which clients and load balancers ask whether a gateway is there.
    pub(crate) const fn resolves_nothing(&self) -> bool {
        self.resolves_nothing
    }

    /// Returns whether this is a subscription that can begin at a cursor, whether or not the document names one.
    pub(super) fn resumes(&self, typing: &Typing) -> bool {
        let DocumentOperations::Single(operation) = &self.document.operations else {
            return false;
        };
        let root = operation.node.selection_set.node.items.first();
        let Some(Selection::Field(field)) = root.map(|root| &root.node) else {
            return false;
        };
        let subscription = &typing.schema.schema_definition.subscription;
        self.kind == OperationType::Subscription
            && subscription.as_ref().is_some_and(|kind| {
                let definition = typing.schema.type_field(kind, &field.node.name.node);
                definition.is_ok_and(|it| it.argument_by_name(AFTER).is_some())
            })
    }

    /// Returns the document to execute. A request for it has the variables that it was prepared with.
    pub(crate) fn document(&self) -> &Arc<ExecutableDocument> {
        &self.document
    }
}

/// Returns the plan of a request that was prepared here.
#[must_use]
pub fn plan_of(request: &Request) -> Option<&Arc<Plan>> {
    let plan = request.data.get(&std::any::TypeId::of::<Arc<Plan>>())?;
    plan.downcast_ref()
}
