//! Enums that are stored, told in events and answered by the name of their value: `OnLeave` is `ON_LEAVE` everywhere. Names in tables
//! and in the log stay, so a value is never renamed.

/// Declares such an enum.
macro_rules! stored_enum {
    ($($item:tt)+) => {
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sea_orm::EnumIter,
            sea_orm::DeriveActiveEnum, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        #[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        $($item)+
    };
}
pub(crate) use stored_enum;
