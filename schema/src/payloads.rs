//! The payloads of mutations: each has an object of its own, so that it can get a field without the others. A line of the table
//! has the mutation, the object's name, and its fields with their descriptions; it stands for a `SimpleObject` of these.

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
