//! Pages of messages and of chats are slices of the whole, in both directions.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;

use super::api::{self, group, say, trio};

const MESSAGES: usize = 53;
const CHATS: usize = 12;

const PAGE_OF_MESSAGES: &str = "query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { chat(id: $id) { \
    page: messages(first: $first, after: $after, last: $last, before: $before) { totalCount \
    edges { cursor node { id: number } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";
const PAGE_OF_CHATS: &str = "query($first: Int, $after: String, $last: Int, $before: String, $sort: ChatSort, $filter: ChatFilter) { \
    page: chats(first: $first, after: $after, last: $last, before: $before, sort: $sort, filter: $filter) { \
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

/// One list of the API.
struct List<'a> {
    client: &'a Client,
    document: &'a str,
    id: Option<&'a str>,
    /// The order of chats; null for the usual one.
    sort: Value,
    /// Which chats; null for all.
    filter: Value,
}

impl List<'_> {
    async fn page(&self, mut variables: Value) -> Value {
        variables["id"] = json!(self.id);
        variables["sort"] = self.sort.clone();
        variables["filter"] = self.filter.clone();
        let answer = self.client.run(self.document, variables).await;
        let data = answer.data();
        match self.id {
            Some(_) => data["chat"]["page"].clone(),
            None => data["page"].clone(),
        }
    }

    /// Walks over all pages of a size, in one direction.
    async fn walk(&self, size: usize, forward: bool) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = match forward {
                true => self.page(json!({ "first": size, "after": cursor })).await,
                false => self.page(json!({ "last": size, "before": cursor })).await,
            };
            let edges = page["edges"].as_array().expect("edges");
            let nodes = edges.iter().map(|edge| edge["node"]["id"].clone());
            match forward {
                true => all.extend(nodes),
                false => all = nodes.chain(all).collect(),
            }
            let info = &page["pageInfo"];
            let (more, next) = match forward {
                true => (&info["hasNextPage"], &info["endCursor"]),
                false => (&info["hasPreviousPage"], &info["startCursor"]),
            };
            if more == &json!(false) {
                return all;
            }
            assert_eq!(edges.len(), size);
            cursor = next.clone();
        }
    }
}

async fn messages_come_in_pages(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let other = group(&a, "Coffee", &[&bob]).await;
    for number in 1..=MESSAGES {
        say(&a, &chat, &format!("message {number}")).await;
        if number % 10 == 0 {
            say(&b, &other, "elsewhere").await;
        }
    }
    let list = List {
        client: &b,
        document: PAGE_OF_MESSAGES,
        id: Some(&chat),
        sort: Value::Null,
        filter: Value::Null,
    };
    let expected: Vec<Value> = (1..=MESSAGES).rev().map(|number| json!(number)).collect();
    for size in [1, 7, 50, 53, 100] {
        for forward in [true, false] {
            assert_eq!(list.walk(size, forward).await, expected, "{size} {forward}");
        }
    }
    // A page does not move when messages come.
    let page = list.page(json!({ "first": 10 })).await;
    say(&a, &chat, "one more").await;
    let after = &page["pageInfo"]["endCursor"];
    let next = list.page(json!({ "first": 1, "after": after })).await;
    assert_eq!(next["edges"][0]["node"]["id"], MESSAGES - 10);
    assert_eq!(next["pageInfo"]["hasPreviousPage"], true);
    let before = &page["pageInfo"]["startCursor"];
    let newer = list.page(json!({ "last": 10, "before": before })).await;
    assert_eq!(newer["totalCount"], MESSAGES + 1);
    assert_eq!(newer["edges"].as_array().map(Vec::len), Some(1), "{newer}");
}

async fn chats_come_in_pages(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), _] = trio(app.client()).await;
    let mut expected = Vec::new();
    for number in 0..CHATS {
        expected.push(json!(group(&a, &format!("Chat {number}"), &[&bob]).await));
        group(&a, "of Ada alone", &[]).await;
    }
    expected.reverse();
    let list = List {
        client: &b,
        document: PAGE_OF_CHATS,
        id: None,
        sort: Value::Null,
        filter: Value::Null,
    };
    for size in [1, 5, 12, 20] {
        for forward in [true, false] {
            assert_eq!(list.walk(size, forward).await, expected, "{size} {forward}");
        }
    }
}

async fn chats_come_in_every_order(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (eve, _)] = trio(app.client()).await;
    let mut chats = Vec::new();
    for number in 0..CHATS {
        let title = ["Tea", "coffee", "Água"][number % 3];
        let others = &[&bob, &eve][..1 + number % 2];
        chats.push((title, 2 + number % 2, group(&a, title, others).await));
    }
    let input = json!({ "kind": "DIRECT", "memberIds": [bob.id] });
    let direct = api::apply(&a, "createChat", input).await;
    chats.push(("", 2, api::id_of(&direct)));
    for (field, direction) in [
        ("TITLE", "ASC"),
        ("TITLE", "DESC"),
        ("MEMBER_COUNT", "ASC"),
        ("MEMBER_COUNT", "DESC"),
    ] {
        match field {
            "TITLE" => chats.sort_by_key(|(title, _, id)| (*title, id.clone())),
            _ => chats.sort_by_key(|(_, members, id)| (*members, id.clone())),
        }
        let mut expected: Vec<_> = chats.iter().map(|(_, _, id)| json!(id)).collect();
        if direction == "DESC" {
            expected.reverse();
        }
        let list = List {
            client: &b,
            document: PAGE_OF_CHATS,
            id: None,
            sort: json!({ "field": field, "direction": direction }),
            filter: Value::Null,
        };
        for forward in [true, false] {
            let walked = list.walk(5, forward).await;
            assert_eq!(walked, expected, "{field} {direction}");
        }
    }
}

/// Of many chats, those with a text in the title or the name of another member, in any order and by pages of any size.
async fn chats_that_are_searched_come_in_pages(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (eve, _)] = trio(app.client()).await;
    let (mut searched, mut with_eve) = (Vec::new(), Vec::new());
    for number in 0..CHATS {
        let title = ["Tea", "Eve's", "Ada"][number % 3];
        let others = &[&bob, &eve][..1 + number % 2];
        let id = json!(group(&a, title, others).await);
        if number % 3 == 1 || number % 2 == 1 {
            searched.push((title, id.clone()));
        }
        if number % 2 == 1 {
            with_eve.push((title, id));
        }
        // Neither is seen by Bob.
        group(&a, "Eve's", &[&eve]).await;
    }
    for (filter, found) in [
        (json!({ "search": "eVE" }), searched),
        (json!({ "member": { "eq": eve.id } }), with_eve),
    ] {
        for field in ["LAST_ACTIVITY_AT", "TITLE"] {
            let mut expected = found.clone();
            if field == "TITLE" {
                expected.sort_by_key(|(title, id)| (*title, id.to_string()));
            }
            let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
            for size in [1, 3, 50] {
                for forward in [true, false] {
                    let list = List {
                        client: &b,
                        document: PAGE_OF_CHATS,
                        id: None,
                        sort: json!({ "field": field, "direction": "ASC" }),
                        filter: filter.clone(),
                    };
                    let walked = list.walk(size, forward).await;
                    assert_eq!(walked, expected, "{filter} {field} {size} {forward}");
                }
            }
        }
    }
}

async fn pages_have_bounds(setup: Setup) {
    let app = setup.start();
    let [(_, a), _, _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[]).await;
    say(&a, &chat, "Hello").await;
    for document in [
        "query($id: ID!) { chat(id: $id) { messages(first: 101) { nodes { id } } } }",
        "query($id: ID!) { chat(id: $id) { messages(first: 0) { nodes { id } } } }",
        "query($id: ID!) { chat(id: $id) { messages(first: 1, last: 1) { nodes { id } } } }",
        "query($id: ID!) { chat(id: $id) { history(first: 101) { nodes { version } } } }",
    ] {
        let answer = a.run(document, json!({ "id": chat })).await;
        answer.expect_code("VALIDATION");
    }
    let chats = a.run(PAGE_OF_CHATS, json!({ "first": 1 })).await;
    let cursor = &chats.data()["page"]["edges"][0]["cursor"];
    for cursor in [cursor, &json!("nonsense")] {
        let answer = a
            .run(PAGE_OF_MESSAGES, json!({ "id": chat, "after": cursor }))
            .await;
        answer.expect_code("CURSOR_INVALID");
    }
    assert_eq!(api::list(&a).await.len(), 1);
}

/// One page that is asked for with authors and without them, by one request and by two at once, is the same page.
async fn a_page_is_the_same_in_two_shapes(setup: Setup) {
    let app = setup.start();
    let [(_, a), (ben, b), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&ben]).await;
    for number in 0..3 {
        say(&a, &chat, &format!("Hello {number}")).await;
    }
    let document = "query($id: ID!) { chat(id: $id) { a: messages(first: 2) { nodes { id: number } pageInfo { hasNextPage } } \
        b: messages(first: 2) { nodes { id: number author { name } } pageInfo { hasNextPage } } } }";
    for _ in 0..10 {
        let ask = async |client: &Client| client.run(document, json!({ "id": chat })).await;
        let (first, second) = futures::future::join(ask(&a), ask(&b)).await;
        for answer in [first, second] {
            let chat = answer.data()["chat"].clone();
            for shape in ["a", "b"] {
                let page = &chat[shape];
                let numbers = page["nodes"].as_array().expect("nodes").iter();
                let numbers: Vec<_> = numbers.map(|it| it["id"].clone()).collect();
                assert_eq!(numbers, [json!(3), json!(2)], "{chat}");
                assert_eq!(page["pageInfo"]["hasNextPage"], true, "{chat}");
            }
        }
    }
}

tests::both_ways!(
    a_page_is_the_same_in_two_shapes,
    messages_come_in_pages,
    chats_come_in_pages,
    chats_come_in_every_order,
    chats_that_are_searched_come_in_pages,
    pages_have_bounds
);
