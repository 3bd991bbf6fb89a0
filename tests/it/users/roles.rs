//! Who gives roles and who deactivates whom, and that there is always somebody left who can.

use serde_json::{Value, json};
use tests::{Setup, people};

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

async fn deactivation_is_for_good(setup: Setup) {
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

tests::both_ways!(
    administrators_give_roles,
    deactivation_is_for_good,
    the_last_administrator_stays,
    not_both_of_the_last_two_go,
);
