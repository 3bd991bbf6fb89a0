//! Answers kept for repeats, and sessions, are removed when they are due, however many there are and whatever a worker's clock says.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::people::{ADMIN_EMAIL, ADMIN_PASSWORD, me, register, sign_in};
use tests::{Setup, clock, customers, database, eventually};

use super::SOON;
use crate::posts::api as posts;

/// More than are removed at once.
const OLD: u64 = 2_500;
const OF_ADA: &str = "user_id in (select id from app_user where name = 'Ada')";
/// By how many seconds the worker's clock is ahead: longer than a session lasts.
const AHEAD: &str = "3456000";

async fn what_is_due_is_removed_and_nothing_else(mut setup: Setup) {
    let database = setup.database().await;
    let mut app = setup.start_many(1, 0, &[]);
    let client = app.client();
    register(client, "Ada").await;
    let input = json!({ "name": "Once", "email": "once@example.com" });
    let first = customers::send_with_key(client, "create", input.clone(), Some("fresh")).await;
    let (old, numbers, bytes) = match database::is_postgres(&database) {
        true => (
            "now() - interval '90 days'",
            format!("select n from generate_series(1, {OLD}) n"),
            "decode(lpad(n::text, 64, '0'), 'hex')",
        ),
        false => (
            "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-90 days')",
            format!(
                "with recursive c(n) as (select 1 union all select n + 1 from c where n < {OLD}) select n from c"
            ),
            "unhex(printf('%064d', n))",
        ),
    };
    for sql in [
        format!(
            "insert into idempotency (scope, key, fingerprint, created_at) select 'old', cast(n as text), {bytes}, {old} from ({numbers}) n"
        ),
        format!("update session set expires_at = {old} where {OF_ADA}"),
        format!(
            "insert into refresh_token (hash, session_id) select {bytes}, session.id from ({numbers}) n, session where {OF_ADA}"
        ),
    ] {
        database.execute_unprepared(&sql).await.expect(&sql);
    }
    let count = async |what: &str| {
        database::number(&database, &format!("select count(*) as number from {what}")).await
    };
    assert!(count("refresh_token").await > OLD);
    let _workers = match setup.is_distributed() {
        true => {
            let library = clock::library().expect("a library").display().to_string();
            setup.settings.set("LD_PRELOAD", &library);
            setup.settings.set("CLOCK_OFFSET_S", AHEAD);
            Some(setup.workers(&[]))
        }
        false => {
            app.gateways[0].kill_and_restart();
            None
        }
    };
    eventually("what is due is gone", SOON, async || {
        let old = count("idempotency where scope = 'old'").await;
        let tokens = count("refresh_token").await;
        let sessions = count(&format!("session where {OF_ADA}")).await;
        (old == 0 && tokens < OLD && sessions == 0).then_some(())
    })
    .await;
    let client = app.client();
    let again = customers::send_with_key(client, "create", input, Some("fresh")).await;
    assert_eq!(again.data(), first.data(), "the answer is kept");
    assert!(me(client).await.data()["me"]["id"].is_string());
}

/// A gateway whose clock is a day ahead stores answers that are kept no longer for it: customers in groups, posts one by one.
async fn answers_are_as_old_as_the_database_says(mut setup: Setup) {
    let library = clock::library().expect("a library").display().to_string();
    setup.settings.set("LD_PRELOAD", &library);
    setup.settings.set("CLOCK_OFFSET_S", "86400");
    let app = setup.start();
    // The token of before is over there.
    let anonymous = app.client().anonymous();
    let admin = sign_in(&anonymous, ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let client = admin.client(&anonymous);
    let input = json!({ "name": "Once", "email": "once@example.com" });
    let customer = customers::send_with_key(&client, "create", input, Some("one")).await;
    customer.data();
    let input = json!({ "message": "Once" });
    let post = posts::send_with_key(&client, "createPost", input, Some("two")).await;
    post.data();
    let database = setup.database().await;
    let rows = "select concat(key, ' ', created_at < now() + interval '1 hour') as text
                from idempotency order by key";
    let found = database::texts(&database, rows).await;
    assert_eq!(found, ["one#createCustomer t", "two#createPost t"]);
}

tests::both_ways!(what_is_due_is_removed_and_nothing_else);
tests::distributed!(answers_are_as_old_as_the_database_says);
