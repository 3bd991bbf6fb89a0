//! What mutations answer: an object of its own for each, so that it can grow a field without the others. A line of the table is the
//! mutation, the object's name, and its fields with their descriptions; it stands for a `SimpleObject` of these.

macro_rules! payloads {
    ($($mutation:literal => $name:ident { $($field:ident: $type:ty = $description:literal),+ $(,)? })+) => {$(
        #[doc = concat!("The result of `", $mutation, "`.")]
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $name {
            $(
                #[doc = $description]
                $field: $type,
            )+
        }
    )+};
}

pub(crate) use payloads;
