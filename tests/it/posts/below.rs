//! What is reached from other objects: a user's posts, who likes a post, the post of a comment. Each is a page as the direct query's,
//! in both directions, and the same from a fold as from the read model.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;
use tests::people;

use super::api::{apply, becomes, comment, create, find_at, like, person};

const LIKERS: &str = "query Likers($id: ID!, $version: Int, $first: Int, $after: String, $last: Int, $before: String) { \
    post(id: $id, asOfVersion: $version) { likeCount \
    likers(first: $first, after: $after, last: $last, before: $before) { totalCount edges { cursor node { id } } \
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";

/// The ids of all who like a post, in pages of 2.
async fn likers(
    client: &Client,
    id: &Value,
    version: Option<i64>,
    is_forward: bool,
) -> Vec<String> {
    let mut pages: Vec<Vec<String>> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let mut variables = json!({ "id": id, "version": version });
        let (size, from, end, more) = match is_forward {
            true => ("first", "after", "endCursor", "hasNextPage"),
            false => ("last", "before", "startCursor", "hasPreviousPage"),
        };
        variables[size] = json!(2);
        variables[from] = cursor;
        let answer = client.run(LIKERS, variables).await;
        let post = &answer.data()["post"];
        let page = post["likers"].clone();
        assert_eq!(page["totalCount"], post["likeCount"]);
        let ids = page["edges"].as_array().expect("edges").iter();
        let ids = ids.map(|edge| edge["node"]["id"].as_str().expect("an id").to_owned());
        pages.push(ids.collect());
        cursor = page["pageInfo"][end].clone();
        if page["pageInfo"][more] == false {
            break;
        }
    }
    if !is_forward {
        pages.reverse();
    }
    pages.concat()
}

async fn likers_are_paged_in_both_directions(setup: Setup) {
    let app = setup.start();
    let (_, ada) = person(app.client(), "Ada").await;
    let post = create(&ada, "Likeable").await;
    let id = &post["id"];
    let mut ids = Vec::new();
    let mut last = Value::Null;
    for name in ["Bob", "Dan", "Eve", "Fay", "Gus"] {
        let (person, client) = person(app.client(), name).await;
        last = like(&client, &post).await;
        ids.push(person.id);
    }
    let shown = apply(&ada, "likePost", json!({ "id": id })).await["post"].clone();
    let unliked = apply(&ada, "unlikePost", json!({ "id": id })).await["post"].clone();
    becomes(&ada, &unliked).await;
    // Ids are those of registering, so in this order.
    for (version, is_forward) in [
        (None, true),
        (None, false),
        (Some(6), true),
        (Some(6), false),
    ] {
        assert_eq!(
            likers(&ada, id, version, is_forward).await,
            ids,
            "{version:?}"
        );
    }
    assert_eq!(shown["likeCount"], 6);
    assert_eq!(last["likeCount"], 5);
    let foreign = json!({ "id": id, "after": "nonsense" });
    let refused = ada.run(LIKERS, foreign).await;
    refused.expect_code("CURSOR_INVALID");
    let both = ada
        .run(LIKERS, json!({ "id": id, "first": 1, "last": 1 }))
        .await;
    both.expect_code("VALIDATION");
}

async fn posts_of_a_user_are_paged_in_both_directions(setup: Setup) {
    let app = setup.start();
    let (ada_person, ada) = person(app.client(), "Ada").await;
    let (_, bob) = person(app.client(), "Bob").await;
    let mut written = Vec::new();
    for number in 0..5 {
        let post = create(&ada, &format!("Post {number}")).await;
        create(&bob, "Of somebody else").await;
        written.push(post["id"].as_str().expect("an id").to_owned());
        becomes(&ada, &post).await;
    }
    written.reverse();
    let document = "query Posts($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { user(id: $id) { \
        posts(first: $first, after: $after, last: $last, before: $before) { nodes { id author { name } } totalCount \
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";
    let page = async |variables: Value| {
        let mut all = json!({ "id": ada_person.id });
        all.as_object_mut()
            .expect("variables")
            .extend(variables.as_object().expect("variables").clone());
        bob.run(document, all).await.data()["user"]["posts"].clone()
    };
    let ids = |page: &Value| -> Vec<String> {
        let nodes = page["nodes"].as_array().expect("nodes").iter();
        nodes
            .map(|it| it["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let first = page(json!({ "first": 2 })).await;
    assert_eq!(ids(&first), written[..2]);
    assert_eq!(first["totalCount"], 5);
    assert_eq!(first["nodes"][0]["author"]["name"], "Ada");
    let next = page(json!({ "first": 2, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(ids(&next), written[2..4]);
    let back = page(json!({ "last": 9, "before": next["pageInfo"]["startCursor"] })).await;
    assert_eq!(ids(&back), written[..2]);
    assert_eq!(back["pageInfo"]["hasNextPage"], true);
    let last = page(json!({ "last": 3 })).await;
    assert_eq!(ids(&last), written[2..]);
    assert_eq!(last["pageInfo"]["hasPreviousPage"], true);
}

async fn comments_know_their_posts(setup: Setup) {
    let app = setup.start();
    let (_, ada) = person(app.client(), "Ada").await;
    let post = create(&ada, "Discussed").await;
    let document = "mutation($input: AddCommentInput!) { addComment(input: $input) { \
        comment { id post { id commentCount version } } } }";
    let input = json!({ "postId": post["id"], "text": "First" });
    let answer = ada.run(document, json!({ "input": input })).await;
    let added = answer.data()["addComment"]["comment"].clone();
    let whole = json!({ "id": post["id"], "commentCount": 1, "version": 2 });
    assert_eq!(added["post"], whole, "at once, whatever the read model has");
    becomes(&ada, &find_at(&ada, &post["id"], 2).await).await;
    let other = comment(&ada, &post, "Second").await;
    becomes(&ada, &find_at(&ada, &post["id"], 3).await).await;
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Comment { text post { id commentCount } } } }";
    let ids = json!([
        other["id"],
        added["id"],
        "comment_01h455vb4pex5vsknk084sn02q"
    ]);
    let answer = ada.run(nodes, json!({ "ids": ids })).await;
    let of = |id: &Value, text: &str| json!({ "id": id, "text": text, "post": { "id": post["id"], "commentCount": 2 } });
    let expected = json!([of(&other["id"], "Second"), of(&added["id"], "First"), null]);
    assert_eq!(answer.data()["nodes"], expected);
}

/// Objects of all types, as everybody: in the order of the ids, with null for what is not there, is no id, or not for them.
async fn nodes_are_in_the_order_of_ids(setup: Setup) {
    let app = setup.start();
    let admin = app.client();
    let (ada_person, ada) = person(admin, "Ada").await;
    let customer = tests::customers::create(admin, "Customer", "node@example.com").await;
    let post = create(&ada, "A post").await;
    becomes(&ada, &post).await;
    let chat = tests::chats::create_group(&ada, "A chat", &[]).await;
    let message = tests::chats::say(&ada, &chat, "A message").await["id"].clone();
    let signal = tests::signals::submit(&ada, "A source", 1.0).await["id"].clone();
    let nothing = [
        json!("customer_01h455vb4pex5vsknk084sn02q"),
        json!("x"),
        json!(""),
    ];
    let ids = json!([
        post["id"],
        nothing[0],
        chat,
        customer["id"],
        message,
        nothing[1],
        signal,
        ada_person.id,
        nothing[2],
        post["id"]
    ]);
    let document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let ask =
        async |client: &Client, ids: &Value| client.run(document, json!({ "ids": ids })).await;
    let types = |answer: &tests::graphql::Answer| -> Vec<Value> {
        let nodes = answer.data()["nodes"].as_array().expect("nodes").clone();
        nodes
            .iter()
            .map(|node| node["__typename"].clone())
            .collect()
    };
    let expected = |all: [&str; 10]| {
        all.map(|it| {
            if it.is_empty() {
                Value::Null
            } else {
                json!(it)
            }
        })
    };
    let theirs = ask(&ada, &ids).await;
    let of_ada = [
        "Post", "", "Chat", "", "Message", "", "Signal", "User", "", "Post",
    ];
    assert_eq!(types(&theirs), expected(of_ada));
    let of_admin = [
        "Post", "", "", "Customer", "", "", "Signal", "User", "", "Post",
    ];
    assert_eq!(types(&ask(admin, &ids).await), expected(of_admin));
    assert_eq!(theirs.data()["nodes"][9]["id"], post["id"]);
    let staff = people::with_role(admin, "STAFF").await.client(admin);
    assert_eq!(types(&ask(&staff, &ids).await), expected(of_admin));
    let unknown = ask(&admin.anonymous(), &ids).await;
    unknown.expect_code("UNAUTHENTICATED");
    for wrong in [json!([]), json!(vec!["x"; 101])] {
        let refused = ask(&ada, &wrong).await;
        assert_eq!(
            refused.expect_code("VALIDATION")["violations"][0]["field"],
            "ids"
        );
    }
    let many = ask(&ada, &json!(vec!["x"; 100])).await;
    assert_eq!(types(&many), vec![Value::Null; 100]);
    // A hundred ids cost a hundred objects.
    let dear = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on User { posts(first: 100) { nodes { id } } } } }";
    let refused = ada.run(dear, json!({ "ids": vec!["x"; 100] })).await;
    refused.expect_code("LIMIT_EXCEEDED");
    ada.run(dear, json!({ "ids": ["x"] })).await.data();
}

tests::both_ways!(
    likers_are_paged_in_both_directions,
    posts_of_a_user_are_paged_in_both_directions,
    comments_know_their_posts,
    nodes_are_in_the_order_of_ids,
);
