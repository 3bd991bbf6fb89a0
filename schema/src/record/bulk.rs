//! Mutations for many records at once, alike for all kinds: the rows are the inputs of the mutations for one record.

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{Context, Enum, ID, SimpleObject, TypeName};
use entities::{
    RowRefusal, Violations,
    id::Id,
    record::{self, Edit, Inputs, Order, Outcome, Target},
};

use super::{Delete, ImportViolation, Recorded, Restore, TargetInput, UpdateInput, Verb};
use crate::{
    error::Result,
    list::List,
    price::list_size,
    request::{command_context, entities},
};

/// The number of rows that a call is assumed to have, for the price of what is selected of them.
const USUAL_ROWS: i32 = 100;

/// What becomes of a call in which rows are refused.
#[derive(Enum, Copy, Clone, Default, Eq, PartialEq)]
#[graphql(remote = "record::BulkMode")]
pub(crate) enum BulkMode {
    /// Nothing is changed. The call fails, and its error says which rows were refused, and why.
    #[default]
    AllOrNothing,
    /// The other rows are done; `rows` of the answer says what became of each.
    Each,
}

/// The reason for which a row was refused, named as the code of the error that the mutation for one record would have.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "entities::RowReason")]
pub(crate) enum RowErrorCode {
    /// The input breaks rules; `violations` lists them.
    #[graphql(name = "VALIDATION")]
    Invalid,
    /// There is no such record, or it is deleted.
    NotFound,
    /// The state does not allow it: the version differs, or a value is taken.
    Conflict,
}

/// Why a row was refused.
#[derive(SimpleObject)]
pub(crate) struct RowError {
    /// The reason.
    code: RowErrorCode,
    /// The reason in a sentence.
    message: String,
    /// The field whose value belongs to another record. Null for other reasons.
    field: Option<String>,
    /// The version that the record is at. Null unless `expectedVersion` was another one.
    current_version: Option<i64>,
    /// The rules that the input breaks. Empty for other reasons.
    violations: List<ImportViolation>,
}

impl From<RowRefusal> for RowError {
    fn from(refusal: RowRefusal) -> Self {
        Self {
            code: refusal.reason.into(),
            message: refusal.message,
            field: refusal.field,
            current_version: refusal.current_version,
            violations: refusal.violations.into_iter().map(Into::into).collect(),
        }
    }
}

/// What became of a row.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct RowOutcome<O: Recorded> {
    /// The place of the row in the input, from 0.
    index: u64,
    #[graphql(flatten)]
    record: O::Row,
    /// Why the row was refused. Null when it was done.
    error: Option<RowError>,
}

impl<O: Recorded> TypeName for RowOutcome<O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}RowOutcome", O::NAME).into()
    }
}

/// What the mutation answers.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct BulkPayload<V: Verb, O: Recorded> {
    /// How many rows were done. A row that changes nothing is done, too.
    done: u64,
    /// How many rows were refused.
    refused: u64,
    /// What became of each row, in the order of the input.
    #[graphql(directive = list_size::apply(USUAL_ROWS))]
    rows: List<RowOutcome<O>>,
    #[graphql(skip)]
    verb: PhantomData<V>,
}

impl<V: Verb, O: Recorded> TypeName for BulkPayload<V, O> {
    fn type_name() -> Cow<'static, str> {
        let (first, rest) = O::MANY.split_at(1);
        format!("{}{}{rest}Payload", V::NAME, first.to_uppercase()).into()
    }
}

/// The rows of an input, as orders.
pub(crate) type Rows<O> = Vec<Result<Order<<O as Recorded>::Record>, Violations>>;

/// The input of a mutation for many records.
pub(crate) trait BulkInput {
    /// What is done to them.
    type Verb: Verb;
    /// The object that shows such a record.
    type Object: Recorded;

    /// Returns the rows as orders, and the mode.
    fn into_rows(self) -> (Rows<Self::Object>, BulkMode);
}

/// A row of such an input.
pub(crate) trait BulkRow<O: Recorded> {
    fn into_order(self) -> Result<Order<O::Record>, Violations>;
}

/// Returns the order to create a record.
pub(crate) fn creation<O: Recorded>(
    new: impl Into<<O::Record as Inputs>::New>,
) -> Result<Order<O::Record>, Violations> {
    Ok(Order::Create(new.into()))
}

/// Returns the order to update a record.
pub(crate) fn change<O: Recorded>(
    input: impl UpdateInput<Update = <O::Record as Inputs>::Update>,
) -> Result<Order<O::Record>, Violations> {
    let (id, expected_version, update) = input.into_parts()?;
    Ok(Order::Change(
        target::<O>(&id, expected_version)?,
        Edit::Update(update),
    ))
}

impl<O: Recorded> BulkRow<O> for TargetInput<Delete, O> {
    fn into_order(self) -> Result<Order<O::Record>, Violations> {
        Ok(Order::Change(
            target::<O>(&self.id, self.expected_version)?,
            Edit::Delete,
        ))
    }
}

impl<O: Recorded> BulkRow<O> for TargetInput<Restore, O> {
    fn into_order(self) -> Result<Order<O::Record>, Violations> {
        Ok(Order::Change(
            target::<O>(&self.id, self.expected_version)?,
            Edit::Restore,
        ))
    }
}

fn target<O: Recorded>(
    id: &ID,
    expected_version: Option<i64>,
) -> Result<Target<Id<O::Record>>, Violations> {
    let id = id.parse::<Id<O::Record>>();
    let id = id.map_err(|error| Violations::one("id", "id", &error.to_string()))?;
    Ok(Target {
        id,
        expected_version,
    })
}

/// Writes the inputs of the four mutations for many records of one kind.
macro_rules! bulk_inputs {
    ($object:ident: $create:ident of $new:ident, $update:ident of $changes:ident, $delete:ident, $restore:ident) => {
        impl $crate::record::BulkRow<$object> for $new {
            fn into_order(
                self,
            ) -> std::result::Result<
                entities::record::Order<<$object as $crate::record::Recorded>::Record>,
                entities::Violations,
            > {
                $crate::record::creation::<$object>(self)
            }
        }

        impl $crate::record::BulkRow<$object> for $changes {
            fn into_order(
                self,
            ) -> std::result::Result<
                entities::record::Order<<$object as $crate::record::Recorded>::Record>,
                entities::Violations,
            > {
                $crate::record::change::<$object>(self)
            }
        }

        $crate::record::bulk_inputs! {
            @each $object
            "What to create." $create Create of $new;
            "What to change." $update Update of $changes;
            "What to delete." $delete Delete of
                $crate::record::TargetInput<$crate::record::Delete, $object>;
            "What to restore." $restore Restore of
                $crate::record::TargetInput<$crate::record::Restore, $object>;
        }
    };
    (@each $object:ident $($doc:literal $name:ident $verb:ident of $row:ty;)+) => {$(
        #[doc = $doc]
        #[derive(async_graphql::InputObject)]
        pub(crate) struct $name {
            /// The rows, 1 to 1,000. Each is decided on what those before it have left.
            rows: Vec<$row>,
            /// What becomes of the call when rows are refused.
            #[graphql(default)]
            mode: $crate::record::BulkMode,
        }

        impl $crate::record::BulkInput for $name {
            type Verb = $crate::record::$verb;
            type Object = $object;

            fn into_rows(self) -> ($crate::record::Rows<$object>, $crate::record::BulkMode) {
                let rows = self.rows.into_iter().map($crate::record::BulkRow::into_order);
                (rows.collect(), self.mode)
            }
        }
    )+};
}
pub(crate) use bulk_inputs;

/// Carries out a mutation for many records.
pub(crate) async fn bulk<I: BulkInput>(
    ctx: &Context<'_>,
    input: I,
) -> Result<Option<BulkPayload<I::Verb, I::Object>>> {
    let (rows, mode) = input.into_rows();
    let records = I::Object::records(entities(ctx));
    let outcomes = records
        .carry_out(command_context(ctx)?, rows, mode.into())
        .await?;
    let refused = outcomes
        .iter()
        .filter(|it| matches!(it, Outcome::Refused(_)));
    let refused = refused.count() as u64;
    let done = outcomes.len() as u64 - refused;
    let rows = (0..).zip(outcomes).map(|(index, outcome)| {
        let (record, error) = match outcome {
            Outcome::Done(record) => (Some(I::Object::from(record)), None),
            Outcome::Refused(refusal) => (None, Some(refusal.into())),
        };
        RowOutcome {
            index,
            record: record.into(),
            error,
        }
    });
    Ok(Some(BulkPayload {
        done,
        refused,
        rows: rows.collect(),
        verb: PhantomData,
    }))
}
