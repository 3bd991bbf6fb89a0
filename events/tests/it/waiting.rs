//! Followers that wait renew their leases together, and still do not wait for each other.

use std::{sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait, TransactionTrait};
use tests::{eventually, setup};

use crate::{
    model::{Applied, Counted, Following, NAME},
    world::{SOON, Way, World},
};

/// The statements that wait for a lock on a checkpoint.
const WAITING: &str = "select query as text from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like 'update checkpoint%'";

#[test]
fn a_checkpoint_that_is_locked_holds_up_its_follower_alone() {
    setup::run(async || {
        let world = World::new(Way::Distributed).await;
        let log = world.log().await;
        let counted: Arc<dyn events::Follower> = Arc::new(Counted::default());
        let followers = [Applied::default().arc(), counted];
        let lease = Duration::from_millis(900);
        let following =
            followers.map(|follower| Following::with(&log, follower, "a process", lease));
        let held = "select count(*) as number from checkpoint where owner = 'a process'";
        eventually("they hold all parts", SOON, async || {
            (world.number(held).await == 32).then_some(())
        })
        .await;

        let database = world.database.schema_connection();
        let replay = database.begin().await.expect("a transaction");
        replay
            .execute_unprepared(&format!(
                "select 1 from checkpoint where follower = '{NAME}' and part = 3 for update"
            ))
            .await
            .expect("the lock");
        let mut alone = 0;
        eventually("the follower waits for its own row", SOON, async || {
            for row in world.rows(WAITING).await {
                let text: String = row.try_get("", "text").expect("a text");
                assert!(!text.contains("follower in"), "all wait: {text}");
                alone += 1;
            }
            (alone >= 5).then_some(())
        })
        .await;
        replay.commit().await.expect("the end of the lock");
        for following in following {
            following.stop().await;
        }
        assert_eq!(world.number(held).await, 0, "all was released");
    });
}
