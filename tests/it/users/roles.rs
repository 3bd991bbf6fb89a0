//! Who gives roles and who deactivates whom, and that there is always somebody left who can.

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};
use tests::waiting::{SOON, eventually};
use tests::{Setup, database, ids, people};

async fn administrators_give_roles(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let bob = people::register(client, "Bob").await;
    let staff = people::with_role(client, "STAFF").await;
    for denied in [ada.client(client), staff.client(client)] {
        people::set_role(&denied, &ada.id, "ADMIN")
            .await
            .expect_code("FORBIDDEN");
        people::deactivate(&denied, Some(&bob.id))
            .await
            .expect_code("FORBIDDEN");
    }
    people::set_role(&client.anonymous(), &ada.id, "ADMIN")
        .await
        .expect_code("UNAUTHENTICATED");
    people::deactivate(&client.anonymous(), None)
        .await
        .expect_code("UNAUTHENTICATED");
    let given = people::set_role(client, &ada.id, "ADMIN").await;
    assert_eq!(given.data()["setRole"]["user"]["role"], "ADMIN");
    // At once, and with the token that was issued before.
    let promoted = ada.client(client);
    people::set_role(&promoted, &bob.id, "STAFF").await.data();
    let stale = "mutation($input: SetRoleInput!) { setRole(input: $input) { user { version } } }";
    let input = json!({ "id": bob.id, "role": "MEMBER", "expectedVersion": 1 });
    let conflict = promoted.run(stale, json!({ "input": input })).await;
    assert_eq!(conflict.expect_code("CONFLICT")["currentVersion"], 2);
    people::set_role(client, &ada.id, "MEMBER").await.data();
    people::set_role(&promoted, &bob.id, "STAFF")
        .await
        .expect_code("FORBIDDEN");
    let unknown = tests::ids::global_id("user", 1);
    people::set_role(client, &unknown, "STAFF")
        .await
        .expect_code("NOT_FOUND");
    people::deactivate(client, Some(&unknown))
        .await
        .expect_code("NOT_FOUND");
}

/// Only administrators make somebody active again, who then is what they were before, but for their sessions.
async fn who_was_deactivated_comes_back(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let staff = people::with_role(client, "STAFF").await;
    people::set_role(client, &ada.id, "STAFF").await.data();
    let start = client.head().await;
    people::deactivate(client, Some(&ada.id)).await.data();
    for (denied, code) in [
        (client.anonymous(), "UNAUTHENTICATED"),
        (ada.client(client), "UNAUTHENTICATED"),
        (staff.client(client), "FORBIDDEN"),
    ] {
        let answer = people::reactivate(&denied, &ada.id).await;
        answer.expect_code(code);
    }
    let stale =
        "mutation($input: ReactivateUserInput!) { reactivateUser(input: $input) { user { id } } }";
    let input = json!({ "id": ada.id, "expectedVersion": 2 });
    let conflict = client.run(stale, json!({ "input": input })).await;
    assert_eq!(conflict.expect_code("CONFLICT")["currentVersion"], 3);
    let back = json!({ "id": ada.id, "role": "STAFF", "version": 4, "deactivatedAt": null });
    for again in 0..2 {
        let answer = people::reactivate(client, &ada.id).await;
        assert_eq!(answer.data()["reactivateUser"]["user"], back, "{again}");
    }
    let unknown = tests::ids::global_id("user", 1);
    let answer = people::reactivate(client, &unknown).await;
    answer.expect_code("NOT_FOUND");

    // The sessions are over; the password is the same.
    let me = "{ me { id } }";
    let old = ada.client(client).run(me, json!({})).await;
    old.expect_code("UNAUTHENTICATED");
    people::send_sign_in(client, &ada.email, &ada.password)
        .await
        .data();
    let mut socket = client.socket().await;
    let changes = "subscription($id: ID, $after: String) { userChanged(id: $id, after: $after) { \
        type version user { deactivatedAt } } }";
    let from = json!({ "id": ada.id, "after": start });
    socket.subscribe("1", changes, from).await;
    for (kind, version) in [("DEACTIVATED", 3), ("REACTIVATED", 4)] {
        let change = loop {
            let change = socket.payload("1").await["data"]["userChanged"].clone();
            // Its role was changed a moment before, and may have got its position since.
            if change["version"] != 2 {
                break change;
            }
        };
        assert_eq!(
            (&change["type"], &change["version"]),
            (&json!(kind), &json!(version))
        );
        assert_eq!(change["user"]["deactivatedAt"].is_null(), version == 4);
    }

    // What is erased stays gone. Nobody can have the address that is there then, and keep it from being erased.
    people::deactivate(client, Some(&ada.id)).await.data();
    let erased = format!(
        "erased-{}@Erased.invalid",
        ids::uuid_digits(&ada.id).expect("an id")
    );
    let refused = people::send_register(client, "Eve", &erased, "knit a blue hat").await;
    let violations = &refused.expect_code("VALIDATION")["violations"];
    assert_eq!(violations[0]["code"], "email", "{violations}");
    let erase = "mutation($input: EraseUserInput!) { eraseUser(input: $input) { erasure { requestedAt } } }";
    let input = json!({ "input": { "id": ada.id } });
    client.run(erase, input).await.data();
    let answer = people::reactivate(client, &ada.id).await;
    answer.expect_code("CONFLICT");
}

async fn a_deactivated_user_is_as_none(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let bob = people::register(client, "Bob").await;
    let own = people::deactivate(&ada.client(client), None).await;
    assert!(own.data()["deactivateUser"]["user"]["deactivatedAt"].is_string());
    people::deactivate(client, Some(&bob.id)).await.data();
    for gone in [&ada, &bob] {
        people::deactivate(client, Some(&gone.id))
            .await
            .expect_code("NOT_FOUND");
        people::set_role(client, &gone.id, "STAFF")
            .await
            .expect_code("NOT_FOUND");
        let found = client.run(
            "query($id: ID!) { user(id: $id) { name deactivatedAt } node(id: $id) { id } }",
            json!({ "id": gone.id }),
        );
        let found = found.await;
        assert!(
            found.data()["user"]["deactivatedAt"].is_string(),
            "what they wrote stays theirs"
        );
        assert_eq!(found.data()["node"]["id"], json!(gone.id));
    }
}

async fn the_last_administrator_stays(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let admin = setup.admin();
    people::set_role(client, &admin.id, "MEMBER")
        .await
        .expect_code("CONFLICT");
    people::deactivate(client, None)
        .await
        .expect_code("CONFLICT");
    people::set_role(client, &admin.id, "ADMIN").await.data();
    let ada = people::with_role(client, "ADMIN").await;
    people::deactivate(client, Some(&ada.id)).await.data();
    // A deactivated one does not count.
    people::set_role(client, &admin.id, "STAFF")
        .await
        .expect_code("CONFLICT");
    people::me(client).await.data();
}

/// Two administrators who depose each other at the same moment.
async fn not_both_of_the_last_two_go(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let first = app.client().clone();
    for round in 0..10 {
        let second = people::with_role(&first, "ADMIN").await;
        let other = second.client(&app.gateways[app.gateways.len() - 1].client);
        let admin = setup.admin().id.clone();
        let (deposed, deactivated) = futures::join!(
            people::set_role(&other, &admin, "STAFF"),
            people::deactivate(&first, Some(&second.id)),
        );
        let done = [&deposed, &deactivated]
            .iter()
            .filter(|answer| answer.code().is_none())
            .count();
        assert!(done <= 1, "round {round}: nobody is left");
        let list =
            "{ users(first: 100, filter: { role: { eq: ADMIN } }) { totalCount nodes { id } } }";
        if deposed.code().is_none() {
            let left = other.run(list, json!({})).await;
            assert_eq!(left.data()["users"]["totalCount"], 1);
            people::set_role(&other, &admin, "ADMIN").await.data();
            people::deactivate(&first, Some(&second.id)).await.data();
        } else if deactivated.code().is_some() {
            // Both lost: the one because the other had deposed them in between, say.
            let left = first.run(list, json!({})).await;
            assert_ne!(left.data()["users"]["nodes"], Value::Null);
            people::deactivate(&first, Some(&second.id)).await.data();
        }
    }
}

/// A chat that begins with two users locks the one, then the other. Who deactivates the one waits, and has not locked the other.
async fn several_users_are_locked_in_one_order(setup: Setup) {
    let app = setup.start();
    let client = app.client().clone();
    let ada = people::register(&client, "Ada").await;
    let admin = people::with_role(&client, "ADMIN").await;
    let (beside, database) = (setup.database().await, setup.database().await);
    let beginning = database.begin().await.expect("a transaction");
    let lock = async |id: &str| {
        let uuid = ids::uuid_digits(id).expect("an id");
        let lock = format!(
            "set local lock_timeout = '900ms'; select id from app_user where id = '{uuid}' for share"
        );
        beginning.execute_unprepared(&lock).await
    };
    lock(&ada.id).await.expect("a lock");
    let deactivating = tokio::spawn({
        let (client, id) = (client.clone(), ada.id.clone());
        async move { people::deactivate(&client, Some(&id)).await }
    });
    eventually("the deactivation waits", SOON, async || {
        let waiting = "select count(*) as number from pg_locks where locktype = 'tuple' and relation = 'app_user'::regclass";
        (database::number(&beside, waiting).await > 0).then_some(())
    })
    .await;
    lock(&admin.id).await.expect("nobody has it");
    beginning.commit().await.expect("a commit");
    let deactivated = deactivating.await.expect("an answer");
    assert!(deactivated.data()["deactivateUser"]["user"]["deactivatedAt"].is_string());
}

tests::distributed!(several_users_are_locked_in_one_order);
tests::both_ways!(
    administrators_give_roles,
    a_deactivated_user_is_as_none,
    who_was_deactivated_comes_back,
    the_last_administrator_stays,
    not_both_of_the_last_two_go,
);
