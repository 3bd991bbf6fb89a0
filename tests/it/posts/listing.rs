//! Lists of posts: newest and most liked, filtered, in pages that neither skip nor repeat, also below their authors; and pages of comments.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;
use tests::people::Person;

use super::api::{apply, becomes, comment, create, find, find_at, ids, like, person};

const LIST: &str = "query List($first: Int, $after: String, $last: Int, $before: String, $filter: PostFilter, \
    $sort: PostSort) { posts(first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort) { \
    totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
const BELOW: &str = "query Below($ids: [ID!]!, $first: Int, $after: String, $last: Int, $before: String, $filter: PostFilter, \
    $sort: PostSort) { nodes(ids: $ids) { ... on User { \
    posts(first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort) { \
    totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }";
const COMMENTS: &str = "query Comments($id: ID!, $version: Int, $first: Int, $after: String, $last: Int, $before: String) { \
    post(id: $id, asOfVersion: $version) { comments(first: $first, after: $after, last: $last, before: $before) { \
    totalCount nodes { id number text } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";

/// Descending by this field.
fn order(field: &str) -> Value {
    json!({ "field": field, "direction": "DESC" })
}

async fn list(client: &Client, variables: Value) -> Value {
    client.run(LIST, variables).await.data()["posts"].clone()
}

/// Walks a list in pages of three, there and back.
async fn walk(client: &Client, filter: &Value, sort: &str) -> Vec<String> {
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let (mut after, mut before) = (Value::Null, Value::Null);
    loop {
        let page = list(
            client,
            json!({ "first": 3, "after": after, "filter": filter, "sort": order(sort) }),
        )
        .await;
        there.extend(ids(&page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    loop {
        let page = list(
            client,
            json!({ "last": 3, "before": before, "filter": filter, "sort": order(sort) }),
        )
        .await;
        back.splice(0..0, ids(&page));
        before = page["pageInfo"]["startCursor"].clone();
        if page["pageInfo"]["hasPreviousPage"] == false {
            break;
        }
    }
    assert_eq!(there, back, "{sort} {filter}");
    there
}

/// Holds the lists below users, who are asked for together, to the list of all posts with each of them as the author.
async fn assert_below(client: &Client, people: &[&Person], filter: &Value, sort: &Value) {
    let ids: Vec<_> = people.iter().map(|person| &person.id).collect();
    let ways = [
        ("first", "after", "endCursor"),
        ("last", "before", "startCursor"),
    ];
    for (place, id) in ids.iter().enumerate() {
        let of_them = json!({ "author": { "eq": id }, "and": [filter] });
        for (size, from, end) in ways {
            let mut cursor = Value::Null;
            for _ in 0..4 {
                let page = json!({ (size): 2, (from): cursor, "sort": sort });
                let (mut below, mut all) = (page.clone(), page);
                below["ids"] = json!(ids);
                below["filter"] = filter.clone();
                all["filter"] = of_them.clone();
                let expected = list(client, all).await;
                let found = client.run(BELOW, below).await.data()["nodes"][place]["posts"].clone();
                assert_eq!(found, expected, "{filter} {sort} {size} {cursor}");
                cursor = expected["pageInfo"][end].clone();
            }
        }
    }
}

async fn filters_and_orders(setup: Setup) {
    let app = setup.start();
    let (ada_person, ada) = person(app.client(), "Ada").await;
    let (bob_person, bob) = person(app.client(), "Bob").await;
    let (eve_person, eve) = person(app.client(), "Eve").await;
    let clients = [&ada, &bob, &eve];
    let mut posts = Vec::new();
    for number in 0..11_usize {
        let author = if number % 2 == 0 { &ada } else { &bob };
        let message = format!("Post {number} of ÉCOLE 100%_{}", number % 3);
        let mut post = create(author, &message).await;
        for fan in clients.iter().take(number % 4) {
            post = like(fan, &post).await;
        }
        if number % 5 == 0 {
            comment(&eve, &post, "A comment").await;
        }
        posts.push((post, number));
    }
    let last = posts.last().expect("posts").0.clone();
    let touched = apply(
        &ada,
        "updatePost",
        json!({ "id": last["id"], "message": "Post 10 of École 100%_1" }),
    )
    .await;
    becomes(&ada, &touched["post"]).await;
    let id = |post: &Value| post["id"].as_str().expect("an id").to_owned();
    let newest = |wanted: &dyn Fn(usize) -> bool| -> Vec<String> {
        let chosen = posts.iter().rev().filter(|(_, number)| wanted(*number));
        chosen.map(|(post, _)| id(post)).collect()
    };
    let none = json!({});
    assert_eq!(walk(&ada, &none, "CREATED_AT").await, newest(&|_| true));
    let mut most: Vec<_> = posts.iter().rev().collect();
    most.sort_by_key(|(_, number)| std::cmp::Reverse(number % 4));
    // Of those with as many likes, the ids decide; they are in the order of their creation.
    let most: Vec<String> = most.into_iter().map(|(post, _)| id(post)).collect();
    assert_eq!(walk(&ada, &none, "LIKE_COUNT").await, most);
    let mut most: Vec<_> = posts.iter().rev().collect();
    most.sort_by_key(|(_, number)| number % 5 != 0);
    let most: Vec<String> = most.into_iter().map(|(post, _)| id(post)).collect();
    assert_eq!(walk(&ada, &none, "COMMENT_COUNT").await, most);
    for (filter, wanted) in [
        (
            json!({ "author": { "eq": ada_person.id } }),
            (|number| number % 2 == 0) as fn(usize) -> bool,
        ),
        (json!({ "commentCount": { "gt": 0 } }), |number| {
            number % 5 == 0
        }),
        (json!({ "commentCount": { "eq": 0 } }), |number| {
            number % 5 != 0
        }),
        (json!({ "likeCount": { "gte": 2 } }), |number| {
            number % 4 >= 2
        }),
        (json!({ "search": "école" }), |_| true),
        (json!({ "search": "100%_1" }), |number| number % 3 == 1),
        (json!({ "search": "nowhere" }), |_| false),
        (
            json!({ "author": { "eq": ada_person.id }, "likeCount": { "gte": 2 }, "search": "POST" }),
            |number| number % 2 == 0 && number % 4 >= 2,
        ),
    ] {
        let expected = newest(&wanted);
        assert_eq!(
            walk(&bob, &filter, "CREATED_AT").await,
            expected,
            "{filter}"
        );
        let page = list(&bob, json!({ "filter": filter })).await;
        assert_eq!(page["totalCount"], expected.len(), "{filter}");
    }
    let page = list(&ada, json!({ "first": 1, "sort": order("CREATED_AT") })).await;
    let mut foreign =
        json!({ "after": page["pageInfo"]["endCursor"], "sort": order("LIKE_COUNT") });
    ada.run(LIST, foreign.clone())
        .await
        .expect_code("CURSOR_INVALID");
    let people = [&ada_person, &bob_person, &eve_person];
    let (then, some) = (
        &posts[3].0["createdAt"],
        [&posts[0].0["id"], &posts[5].0["id"]],
    );
    for filter in [
        json!({}),
        json!({ "likeCount": { "gte": 1, "lt": 3 } }),
        json!({ "search": "école" }),
        json!({ "search": "_1" }),
        json!({ "createdAt": { "gte": then }, "not": { "id": { "in": some } } }),
        json!({ "or": [{ "id": { "in": some } }, { "commentCount": { "gt": 0 } }] }),
        json!({ "or": [] }),
        json!({ "author": { "eq": bob_person.id } }),
    ] {
        let ascending = json!({ "field": "CREATED_AT", "direction": "ASC" });
        for sort in [ascending, order("LIKE_COUNT"), order("COMMENT_COUNT")] {
            assert_below(&eve, &people, &filter, &sort).await;
        }
    }
    foreign["ids"] = json!([ada_person.id]);
    let refused = ada.run(BELOW, foreign).await;
    refused.expect_code("CURSOR_INVALID");
    let mut deep = json!({});
    for _ in 0..9 {
        deep = json!({ "not": deep });
    }
    for (filter, code) in [
        (deep, "VALIDATION"),
        (
            json!({ "createdAt": { "eq": "tomorrow" } }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ] {
        let variables = json!({ "ids": [ada_person.id], "filter": filter });
        ada.run(BELOW, variables.clone()).await.expect_code(code);
        ada.run(LIST, variables).await.expect_code(code);
    }
}

async fn comments_come_in_pages(setup: Setup) {
    let app = setup.start();
    let (_, ada) = person(app.client(), "Ada").await;
    let post = create(&ada, "Much is said here").await;
    let mut comments = Vec::new();
    for number in 1..=10 {
        comments.push(comment(&ada, &post, &format!("comment {number}")).await);
    }
    for removed in [2_usize, 5, 9] {
        let input = json!({ "id": comments[removed]["id"] });
        apply(&ada, "deleteComment", input).await;
    }
    let state = find_at(&ada, &post["id"], 14).await;
    becomes(&ada, &state).await;
    assert_eq!(find(&ada, &post["id"]).await["commentCount"], 7);
    // The read model, and the fold.
    for version in [Value::Null, json!(14)] {
        let page = async |mut variables: Value| {
            variables["id"] = post["id"].clone();
            variables["version"] = version.clone();
            ada.run(COMMENTS, variables).await.data()["post"]["comments"].clone()
        };
        let numbers = |page: &Value| -> Vec<i64> {
            let nodes = page["nodes"].as_array().expect("nodes");
            nodes
                .iter()
                .filter_map(|node| node["number"].as_i64())
                .collect()
        };
        let first = page(json!({ "first": 3 })).await;
        assert_eq!(numbers(&first), [1, 2, 4], "{version}");
        assert_eq!(first["totalCount"], 7);
        assert_eq!(first["pageInfo"]["hasNextPage"], true);
        let next = page(json!({ "first": 3, "after": first["pageInfo"]["endCursor"] })).await;
        assert_eq!(numbers(&next), [5, 7, 8]);
        let rest = page(json!({ "first": 3, "after": next["pageInfo"]["endCursor"] })).await;
        assert_eq!(
            (numbers(&rest), &rest["pageInfo"]["hasNextPage"]),
            (vec![9], &json!(false))
        );
        let last = page(json!({ "last": 2 })).await;
        assert_eq!(numbers(&last), [8, 9]);
        assert_eq!(last["pageInfo"]["hasPreviousPage"], true);
        let before = page(json!({ "last": 9, "before": last["pageInfo"]["startCursor"] })).await;
        assert_eq!(numbers(&before), [1, 2, 4, 5, 7]);
        assert_eq!(before["pageInfo"]["hasPreviousPage"], false);
    }
}

tests::both_ways!(filters_and_orders, comments_come_in_pages);
