//! Names of nothing that can be seen, or that turn what follows them around, are refused wherever there is a name; texts of several
//! lines are stored with line feeds.

use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::{Setup, customers, people, students};

const REFUSED: &[&str] = &[
    "\u{200b}",
    "\u{3164}",
    "\u{2800}",
    "\u{feff}\u{2060}",
    "\u{301}",
    "\u{202e} evil",
    "a\u{2067}b",
    "a\u{2028}b",
    "a\tb",
];

async fn run(client: &Client, kind: &str, input: Value) -> Answer {
    let name = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
    let document =
        format!("mutation($input: {name}Input!) {{ {kind}(input: $input) {{ __typename }} }}");
    client.run(&document, json!({ "input": input })).await
}

async fn names_can_be_seen(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let customer = customers::create(client, "Ada", "ada@example.com").await;
    let student = students::create(client, "Ada", "ada@example.com").await;
    let group = json!({ "kind": "GROUP", "title": "Tea", "memberIds": [] });
    let document =
        "mutation($input: CreateChatInput!) { createChat(input: $input) { chat { id } } }";
    let answer = client.run(document, json!({ "input": group })).await;
    let chat = &answer.data()["createChat"]["chat"]["id"];
    for name in REFUSED {
        let other = "other@example.com";
        for (kind, field, input) in [
            (
                "createCustomer",
                "name",
                json!({ "name": name, "email": other }),
            ),
            (
                "updateCustomer",
                "name",
                json!({ "id": customer["id"], "name": name }),
            ),
            (
                "createStudent",
                "name",
                json!({ "name": name, "email": other, "course": "Law" }),
            ),
            (
                "createStudent",
                "course",
                json!({ "name": "Bob", "email": other, "course": name }),
            ),
            (
                "updateStudent",
                "name",
                json!({ "id": student["id"], "name": name }),
            ),
            (
                "register",
                "name",
                json!({ "name": name, "email": other, "password": "a long password" }),
            ),
            ("updateProfile", "name", json!({ "name": name })),
            (
                "createChat",
                "title",
                json!({ "kind": "GROUP", "title": name, "memberIds": [] }),
            ),
            ("renameChat", "title", json!({ "id": chat, "title": name })),
            (
                "submitSignal",
                "source",
                json!({ "source": name, "value": 1.0 }),
            ),
        ] {
            let answer = run(client, kind, input).await;
            let violations = answer.expect_code("VALIDATION")["violations"].clone();
            assert_eq!(violations[0]["field"], field, "{kind} {name:?}");
        }
    }
    for blank in ["\u{200b}", " \u{3164}\n"] {
        for (kind, input) in [
            ("createPost", json!({ "message": blank })),
            ("sendMessage", json!({ "chatId": chat, "text": blank })),
        ] {
            run(client, kind, input).await.expect_code("VALIDATION");
        }
    }
}

async fn lines_end_with_a_line_feed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let (sent, stored) = (
        "line 1\r\nline 2\r\n\tline 3\rline 4",
        "line 1\nline 2\n\tline 3\nline 4",
    );
    let ada = people::register(client, "Ada").await;
    let mine = ada.client(client);
    let document = "mutation($text: String!) { \
        updateProfile(input: { bio: $text }) { user { bio } } createPost(input: { message: $text }) { post { id message } } \
        createChat(input: { kind: GROUP, title: \"Tea\", memberIds: [] }) { chat { id } } }";
    let answer = mine.run(document, json!({ "text": sent })).await;
    let data = answer.data();
    assert_eq!(data["updateProfile"]["user"]["bio"], stored);
    assert_eq!(data["createPost"]["post"]["message"], stored);
    let document = "mutation($chat: ID!, $post: ID!, $text: String!) { \
        sendMessage(input: { chatId: $chat, text: $text }) { message { text } } \
        addComment(input: { postId: $post, text: $text }) { comment { text } } }";
    let (chat, post) = (
        &data["createChat"]["chat"]["id"],
        &data["createPost"]["post"]["id"],
    );
    let variables = json!({ "chat": chat, "post": post, "text": sent });
    let answer = mine.run(document, variables).await;
    assert_eq!(answer.data()["sendMessage"]["message"]["text"], stored);
    assert_eq!(answer.data()["addComment"]["comment"]["text"], stored);
}

tests::embedded!(names_can_be_seen, lines_end_with_a_line_feed);
