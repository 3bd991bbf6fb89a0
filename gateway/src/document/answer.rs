//! Completes an answer to the form that the specification demands: fields in the order in which they are selected; null where a field
//! failed, or, if null is not allowed there, in place of the nearest nullable parent; and an empty object where nothing is selected. The
//! executor orders fields as they are resolved, and omits those that failed. An answer without errors that is in order is only read.

use std::collections::HashMap;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationType;
use async_graphql::{Name, PathSegment, Response, ServerError, Value};

use super::introspection;
use super::plan::{Below, Plan, Planned, Set};
use crate::errors::{Code, typed};

impl Plan {
    /// Completes an answer of the executor, which has null for an object of which every field failed, as it has for one that is missing.
    /// The errors distinguish the two: below a missing object there are none.
    pub fn complete(&self, answer: &mut Response) {
        let is_of_request = answer.errors.iter().all(|error| error.path.is_empty());
        if answer.data == Value::Null && (is_of_request || self.kind == OperationType::Subscription)
        {
            // Nothing was executed, or the source of a subscription failed.
            return;
        }
        let faults = Faults::of(&answer.errors);
        let mut completion = Completion { broken: Vec::new() };
        let path = Path(None);
        if answer.data == Value::Null {
            answer.data = Value::Object(IndexMap::new());
        }
        if !completion.object(&self.root, &mut answer.data, faults.as_ref(), &path) {
            answer.data = Value::Null;
        }
        answer.errors.append(&mut completion.broken);
    }
}

/// The errors of an answer by their paths.
#[derive(Default)]
struct Faults<'a>(HashMap<Step<'a>, Faults<'a>>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

impl<'a> Faults<'a> {
    fn of(errors: &'a [ServerError]) -> Option<Self> {
        if errors.is_empty() {
            return None;
        }
        let mut root = Self::default();
        for error in errors {
            let mut at = &mut root;
            for segment in &error.path {
                let step = match segment {
                    PathSegment::Field(name) => Step::Field(name),
                    PathSegment::Index(index) => Step::Index(*index),
                };
                at = at.0.entry(step).or_default();
            }
        }
        Some(root)
    }

    fn below<'b>(&'b self, step: Step<'b>) -> Option<&'b Self>
    where
        'a: 'b,
    {
        self.0.get(&step)
    }
}

/// The place that is being completed in an answer.
#[derive(Clone, Copy)]
struct Path<'a>(Option<(&'a Path<'a>, Step<'a>)>);

impl<'a> Path<'a> {
    const fn to(&'a self, step: Step<'a>) -> Self {
        Self(Some((self, step)))
    }

    fn segments(&self) -> Vec<PathSegment> {
        let mut segments = Vec::new();
        let mut at = self;
        while let Some((parent, step)) = &at.0 {
            segments.push(match step {
                Step::Field(name) => PathSegment::Field((*name).to_owned()),
                Step::Index(index) => PathSegment::Index(*index),
            });
            at = parent;
        }
        segments.reverse();
        segments
    }
}

struct Completion {
    /// Nulls that no error explains, where null is not allowed.
    broken: Vec<ServerError>,
}

impl Completion {
    /// Completes an object; returns false when it cannot be shown.
    fn object(
        &mut self,
        set: &Set,
        value: &mut Value,
        faults: Option<&Faults<'_>>,
        path: &Path<'_>,
    ) -> bool {
        let Value::Object(fields) = value else {
            return true;
        };
        let hidden = set.hidden.as_ref().and_then(|key| fields.swap_remove(key));
        arrange(set, fields);
        if let Some(kind) = hidden {
            introspection::complete(&kind, set, fields);
        }
        for ((name, value), field) in fields.iter_mut().zip(&*set.fields) {
            if matches!(field.below, Below::Leaf) && *value != Value::Null && field.shape.lists == 0
            {
                continue;
            }
            let step = Step::Field(name);
            let faults = faults.and_then(|faults| faults.below(step));
            if !self.value(field, 0, value, faults, &path.to(step)) {
                return false;
            }
        }
        true
    }

    /// Completes a field's value, or, at a deeper level, an item of it. Returns false when it is null and must not be.
    fn value(
        &mut self,
        field: &Planned,
        level: u8,
        value: &mut Value,
        faults: Option<&Faults<'_>>,
        path: &Path<'_>,
    ) -> bool {
        if *value == Value::Null
            && level == field.shape.lists
            && let Below::Object(_) = field.below
            && faults.is_some_and(|faults| !faults.0.is_empty())
        {
            *value = Value::Object(IndexMap::new());
        }
        let is_whole = match value {
            Value::List(items) if level < field.shape.lists => {
                let mut items = items.iter_mut().enumerate();
                items.all(|(index, item)| {
                    let step = Step::Index(index);
                    let faults = faults.and_then(|faults| faults.below(step));
                    self.value(field, level + 1, item, faults, &path.to(step))
                })
            }
            Value::Object(_) => match field.below.set(value) {
                Some(set) => self.object(set, value, faults, path),
                None => true,
            },
            _ => true,
        };
        if !is_whole {
            *value = Value::Null;
        }
        if *value != Value::Null || !field.shape.is_non_null(level) {
            return true;
        }
        if is_whole && faults.is_none() {
            tracing::error!(field = %field.key, "a non-null field is null without an error");
            let error = typed(Code::Internal, "An internal error occurred");
            self.broken.push(error.with_path(path.segments()));
        }
        false
    }
}

impl Below {
    /// Returns the selection for an object.
    fn set(&self, object: &Value) -> Option<&Set> {
        match (self, object) {
            (Self::Leaf, _) => None,
            (Self::Object(set), _) => Some(set),
            (Self::Typed { key, sets }, Value::Object(fields)) => {
                let Some(Value::String(name)) = fields.get(key) else {
                    return None;
                };
                let found = sets.iter().find(|(known, _)| known == name);
                found.map(|(_, set)| set)
            }
            (Self::Typed { .. }, _) => None,
        }
    }
}

/// Brings the fields into their order. Missing ones failed, and become null.
fn arrange(set: &Set, fields: &mut IndexMap<Name, Value>) {
    let is_arranged = fields.len() == set.fields.len()
        && fields
            .keys()
            .zip(&*set.fields)
            .all(|(key, field)| *key == field.key);
    if is_arranged {
        return;
    }
    let mut arranged = IndexMap::with_capacity(set.fields.len());
    for field in &*set.fields {
        let value = fields.swap_remove(&field.key).unwrap_or_default();
        arranged.insert(field.key.clone(), value);
    }
    *fields = arranged;
}
