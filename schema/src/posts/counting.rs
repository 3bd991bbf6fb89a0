//! The statistics of posts.

use entities::posts;

use crate::statistics::statistics;

statistics! {
    /// How many posts there are, and when they came and went.
    PostStatistics of posts::Post {
        PostDayCount {
            created = created, "Posts created.";
            deleted = deleted, "Posts deleted."
        }
    }
}
