//! The table of presences. The two others, of gateways and their users, are used only in SQL, in `record`.

/// One row for each user who was ever connected.
pub(in crate::users) mod user_presence {
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::access::UserId;

    #[sea_orm::model]
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_presence")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        pub is_online: bool,
        /// When the user was last known to be connected; while online, at the latest when they came.
        pub seen_at: DateTime<Utc>,
        /// The version of the stream; 0 before the first event.
        pub version: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
