//! Typed ids: the id of a customer is not the id of a user, and the compiler checks it. An id is a uuid with a kind. Tables,
//! events and stored answers have the uuid alone; people and clients see it with the name of the kind, as in
//! `customer_01h455vb4pex5vsknk084sn02q` (TypeID). Only this module writes and reads that form.
//!
//! The log names streams by bare uuids. A domain that reads an event turns them into its own ids, with `Id::from_uuid`.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    str::FromStr,
};

use events::StreamKey;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use sea_orm::{
    ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable, Value,
    sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr},
};
use serde::{Deserialize, Serialize};
use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

/// A kind of thing that has ids of its own.
pub trait Kind: 'static {
    /// The prefix of the ids, such as `customer`; also the kind of the streams under them.
    const NAME: &'static str;
}

/// The id of a `K`.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// Declares the kinds that are not records (a record is its own kind), and the types of their ids.
macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident = Id<$kind:ident>, $name:literal;)+) => {
        $(
            #[doc = concat!("The kind of `", stringify!($id), "`.")]
            pub enum $kind {}

            impl $crate::id::Kind for $kind {
                const NAME: &'static str = $name;
            }

            $(#[$doc])*
            pub type $id = $crate::id::Id<$kind>;
        )+
    };
}
pub(crate) use ids;

impl<K> Id<K> {
    /// Returns a new id. Later ids are greater (uuid v7).
    pub fn generate() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// Returns the id of a uuid that is known to belong to a `K`.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// Returns the uuid without the kind.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K: Kind> Id<K> {
    /// The name of the kind.
    pub const KIND: &'static str = K::NAME;

    /// Returns the stream of the object with this id.
    pub fn stream(self) -> StreamKey {
        StreamKey {
            kind: K::NAME,
            id: self.0,
        }
    }
}

/// Returns the uuids of ids, as `events` takes them.
pub(crate) fn uuids<K>(ids: &[Id<K>]) -> Vec<Uuid> {
    ids.iter().map(|id| id.uuid()).collect()
}

/// An id as people see it.
struct Shown<'a>(&'a str, Uuid);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, id) = self;
        match DynamicType::new(kind) {
            Ok(kind) => TypeSafeId::from_type_and_uuid(kind, *id).fmt(f),
            // The kinds are names in this code, which TypeID accepts; any other name is shown unchanged.
            Err(_) => write!(f, "{kind}_{id}"),
        }
    }
}

/// Returns an id of any kind as people see it.
pub fn encode(kind: &str, id: Uuid) -> String {
    Shown(kind, id).to_string()
}

/// Returns the kind and the uuid of an id of any kind.
pub fn decode(text: &str) -> Option<(String, Uuid)> {
    let parsed: TypeSafeId<DynamicType> = text.parse().ok()?;
    Some((parsed.type_prefix().to_owned(), parsed.uuid()))
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(K::NAME, self.0).fmt(f)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of a {0}, such as {0}_01h455vb4pex5vsknk084sn02q")]
pub struct NotAnId(&'static str);

impl<K: Kind> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        match decode(text) {
            Some((kind, uuid)) if kind == K::NAME => Ok(Self::from_uuid(uuid)),
            _ => Err(NotAnId(K::NAME)),
        }
    }
}

// Derived implementations would demand of the kind what only the id has to have.

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

/// The default is the nil uuid, which belongs to nothing.
impl<K> Default for Id<K> {
    fn default() -> Self {
        Self::from_uuid(Uuid::nil())
    }
}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// The schema is that of the uuid: the contracts of events do not show kinds.
impl<K> JsonSchema for Id<K> {
    fn inline_schema() -> bool {
        Uuid::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Uuid::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        Uuid::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Uuid::json_schema(generator)
    }
}

impl<K> From<Id<K>> for Value {
    fn from(id: Id<K>) -> Self {
        id.0.into()
    }
}

impl<K> Nullable for Id<K> {
    fn null() -> Value {
        Uuid::null()
    }
}

impl<K> ValueType for Id<K> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <Uuid as ValueType>::try_from(value).map(Self::from_uuid)
    }

    fn type_name() -> String {
        <Uuid as ValueType>::type_name()
    }

    fn array_type() -> ArrayType {
        <Uuid as ValueType>::array_type()
    }

    fn column_type() -> ColumnType {
        <Uuid as ValueType>::column_type()
    }
}

impl<K> TryGetable for Id<K> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        Uuid::try_get_by(row, index).map(Self::from_uuid)
    }
}

/// SeaORM requires this of every primary key; no database generates uuids by counting.
impl<K> TryFromU64 for Id<K> {
    fn try_from_u64(number: u64) -> Result<Self, DbErr> {
        Uuid::try_from_u64(number).map(Self::from_uuid)
    }
}

#[cfg(test)]
mod tests {
    use schemars::schema_for;

    use super::*;

    enum Boat {}

    impl Kind for Boat {
        const NAME: &'static str = "boat";
    }

    type BoatId = Id<Boat>;

    #[test]
    fn an_id_reads_as_it_is_written() {
        let id = BoatId::generate();
        let text = id.to_string();
        assert!(text.starts_with("boat_"), "{text}");
        assert_eq!(text, format!("{id:?}"));
        assert_eq!(text, encode("boat", id.uuid()));
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(decode(&text), Some(("boat".to_owned(), id.uuid())));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let uuid = Uuid::now_v7();
        for text in [
            encode("car", uuid),
            uuid.to_string(),
            "boat_".to_owned(),
            String::new(),
        ] {
            let error = text.parse::<BoatId>().expect_err(&text).to_string();
            assert_eq!(
                error,
                "must be the id of a boat, such as boat_01h455vb4pex5vsknk084sn02q"
            );
        }
    }

    #[test]
    fn tables_and_events_have_the_uuid_alone() {
        let id = BoatId::generate();
        let json = serde_json::to_value(id).expect("an id is JSON");
        assert_eq!(json, serde_json::to_value(id.uuid()).expect("so is a uuid"));
        assert_eq!(serde_json::from_value::<BoatId>(json).ok(), Some(id));
        assert_eq!(schema_for!(BoatId), schema_for!(Uuid));
        assert_eq!(schema_for!(Vec<BoatId>), schema_for!(Vec<Uuid>));
        assert_eq!(Value::from(id), Value::from(id.uuid()));
        assert_eq!(<BoatId as ValueType>::unwrap(id.into()), id);
        assert_eq!(<Option<BoatId> as ValueType>::unwrap(BoatId::null()), None);
    }

    #[test]
    fn ids_are_in_the_order_of_their_uuids() {
        let [one, two] = [1, 2].map(|number| BoatId::from_uuid(Uuid::from_u128(number)));
        assert!(one < two);
        assert_eq!(BoatId::default().uuid(), Uuid::nil());
        assert_eq!((one.stream().kind, one.stream().id), ("boat", one.uuid()));
    }
}
