//! Chats are found by their titles and by their other members, of those alone that the reader is a member of.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::Setup;
use tests::database::number;
use tests::graphql::Client;
use tests::live::Watch;
use tests::recipe::finish;

use super::api::{apply, crowd, direct, group, id_of, trio};

const FOUND: &str = "query($filter: ChatFilter) { chats(first: 100, filter: $filter, sort: { field: CREATED_AT, direction: ASC }) { \
    nodes { id } totalCount } }";

/// The ids of the chats that a filter selects, oldest first.
async fn found(client: &Client, filter: Value) -> Vec<String> {
    let answer = client.run(FOUND, json!({ "filter": filter.clone() })).await;
    let page = &answer.data()["chats"];
    let ids: Vec<String> = page["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(id_of)
        .collect();
    assert_eq!(page["totalCount"], ids.len(), "{filter}");
    ids
}

async fn name(client: &Client, input: Value) {
    let document =
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }";
    client.run(document, json!({ "input": input })).await.data();
}

async fn titles_and_other_members(setup: Setup) {
    let app = setup.start();
    let names = [
        "Ada",
        "Émile Zola",
        "100% Sure",
        "Under_score",
        "Back\\slash",
        "Bob",
    ];
    let crowd = crowd(app.client(), &names).await;
    let [
        (ada, a),
        (zola, z),
        (sure, _),
        (under, _),
        (back, _),
        (bob, b),
    ] = &crowd[..]
    else {
        panic!("six people");
    };
    name(z, json!({ "username": "nana_1880" })).await;
    let chats = [
        group(a, "Straße & Tea", &[]).await,
        group(a, "ΚΩΝΣΤΑΝΤΊΝΟΣ", &[bob]).await,
        group(a, "50% of a_b\\c", &[bob]).await,
        id_of(&direct(a, zola).await),
        id_of(&direct(a, sure).await),
        id_of(&direct(a, under).await),
        id_of(&direct(a, back).await),
        group(a, "Ada's", &[zola, bob]).await,
    ];
    // What only others see.
    group(z, "Tea with Bob, Zola and 100% Sure", &[bob]).await;
    direct(z, bob).await;
    for (search, expected) in [
        ("tea", &[0][..]),
        ("STRASSE", &[0]),
        ("straẞe", &[0]),
        ("κωνσταντίνος", &[1]),
        ("κωνσταντινος", &[]),
        ("%", &[2, 4]),
        ("_", &[2, 3, 5, 7]),
        ("_b", &[2]),
        ("\\", &[2, 6]),
        ("\\s", &[6]),
        ("%%", &[]),
        ("ÉMILE", &[3, 7]),
        ("emile", &[]),
        ("e\u{301}mile zol", &[3, 7]),
        ("NANA", &[3, 7]),
        ("@nana_", &[3, 7]),
        ("1880", &[3, 7]),
        ("@zola", &[]),
        ("bob", &[1, 2, 7]),
        // Their own name would find everything.
        ("ada", &[7]),
        ("people.example.com", &[]),
        ("nobody", &[]),
        ("", &[0, 1, 2, 3, 4, 5, 6, 7]),
    ] {
        let expected: Vec<_> = expected.iter().map(|place| chats[*place].clone()).collect();
        assert_eq!(
            found(a, json!({ "search": search })).await,
            expected,
            "{search:?}"
        );
        let mut others = chats.to_vec();
        others.retain(|id| !expected.contains(id));
        let not = json!({ "not": { "search": search } });
        assert_eq!(found(a, not).await, others, "not {search:?}");
    }
    for (filter, expected) in [
        (json!({ "member": { "eq": zola.id } }), &[3, 7][..]),
        (
            json!({ "member": { "in": [zola.id, under.id] } }),
            &[3, 5, 7],
        ),
        (json!({ "member": { "in": [] } }), &[]),
        (
            json!({ "member": { "eq": ada.id } }),
            &[0, 1, 2, 3, 4, 5, 6, 7],
        ),
        (
            json!({ "not": { "member": { "in": [zola.id, bob.id] } } }),
            &[0, 4, 5, 6],
        ),
        (
            json!({ "and": [{ "member": { "eq": zola.id } }, { "member": { "eq": bob.id } }] }),
            &[7],
        ),
        (
            json!({ "member": { "eq": zola.id }, "kind": { "eq": "DIRECT" } }),
            &[3],
        ),
        (
            json!({ "or": [{ "search": "tea" }, { "member": { "eq": sure.id } }] }),
            &[0, 4],
        ),
        (json!({ "member": { "eq": chats[0] } }), &[]),
        (json!({ "member": { "eq": "no id" } }), &[]),
        (
            json!({ "id": { "in": [chats[3]] }, "search": "zola" }),
            &[3],
        ),
    ] {
        let expected: Vec<_> = expected.iter().map(|place| chats[*place].clone()).collect();
        assert_eq!(found(a, filter.clone()).await, expected, "{filter}");
    }
    // A title and a membership count as they are now.
    apply(a, "renameChat", json!({ "id": chats[7], "title": "Élan" })).await;
    assert_eq!(
        found(b, json!({ "search": "éLAN" })).await,
        [chats[7].clone()]
    );
    assert_eq!(
        found(a, json!({ "search": "ada" })).await,
        Vec::<String>::new()
    );
    apply(
        a,
        "removeChatMember",
        json!({ "id": chats[7], "userId": zola.id }),
    )
    .await;
    assert_eq!(
        found(a, json!({ "search": "zola" })).await,
        [chats[3].clone()]
    );
    assert_eq!(
        found(z, json!({ "search": "élan" })).await,
        Vec::<String>::new()
    );
    let with_ada = json!({ "member": { "eq": ada.id } });
    assert_eq!(found(z, with_ada.clone()).await, [chats[3].clone()]);
    let anonymous = app.client().anonymous();
    let answer = anonymous.run(FOUND, json!({ "filter": with_ada })).await;
    answer.expect_code("UNAUTHENTICATED");
}

/// What is found changes with the name of a member, who is no event of the chat.
async fn a_live_search_follows_names(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (eve, _)] = trio(app.client()).await;
    direct(&a, &eve).await;
    let chat = id_of(&direct(&a, &bob).await);
    let document = "query @live { chats(filter: { search: \"lovelace\" }) { nodes { id } } }";
    let mut watch = Watch::open(&a, document, json!({})).await;
    assert_eq!(watch.data()["chats"]["nodes"], json!([]));
    name(&b, json!({ "name": "Lovelace, Bob" })).await;
    let nodes = json!([{ "id": chat }]);
    watch
        .until("his new name", |it| it["chats"]["nodes"] == nodes)
        .await;
    name(&b, json!({ "name": "Bob" })).await;
    watch
        .until("his old name", |it| it["chats"]["nodes"] == json!([]))
        .await;
}

/// A title of which an earlier version wrote nothing but itself is found, and brought into form with the next migration.
async fn titles_of_an_earlier_version(setup: Setup) {
    let app = setup.start();
    let [(_, a), _, _] = trio(app.client()).await;
    let created = group(&a, "Tea STRAßE", &[]).await;
    let renamed = group(&a, "Coffee", &[]).await;
    let database = setup.database().await;
    for statement in [
        "update chat set search_text = null where title = 'Tea STRAßE'",
        "update chat set title = 'Cocoa' where title = 'Coffee'",
    ] {
        database
            .execute_unprepared(statement)
            .await
            .expect("written");
    }
    assert_eq!(
        found(&a, json!({ "search": "TEA" })).await,
        std::slice::from_ref(&created)
    );
    let migrated = finish(&mut setup.command(&["migrate"]));
    assert!(migrated.status.success(), "{migrated:?}");
    assert_eq!(found(&a, json!({ "search": "strasse" })).await, [created]);
    assert_eq!(found(&a, json!({ "search": "COCOA" })).await, [renamed]);
    let without = "select count(*) as number from chat where search_text is null";
    assert_eq!(number(&database, without).await, 0);
}

tests::both_ways!(
    titles_and_other_members,
    a_live_search_follows_names,
    titles_of_an_earlier_version,
);
