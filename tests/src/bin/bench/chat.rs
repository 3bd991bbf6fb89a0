//! The latency from a message to the sockets of a chat's members: 100 members with a socket each, who send 50 messages a second
//! by turns, each with its text and its author's name.

use std::cell::Cell;
use std::time::Duration;

use serde_json::json;
use tests::graphql::Client;
use tests::{chats, people};

use crate::fanout::{SUBSCRIBERS, Workload, measure_latency};
use crate::servers::Server;
use crate::summary::Summary;

const SUBSCRIBE: &str = "subscription Chat($id: ID!) { chatEvents(id: $id) { message { number text author { name } } } }";
const SEND: &str =
    "mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";

pub async fn measure(server: &Server<'_>, duration: Duration, summary: &mut Summary) {
    let admin = server.client();
    let mut members = Vec::new();
    for number in 0..SUBSCRIBERS {
        members.push(people::register(&admin, &format!("Member {number}")).await);
    }
    let clients: Vec<Client> = members.iter().map(|person| person.client(&admin)).collect();
    let others: Vec<&str> = members[1..]
        .iter()
        .map(|person| person.id.as_str())
        .collect();
    let chat = chats::create_group(&clients[0], "Bench", &others).await;
    let mut sockets = Vec::new();
    for client in &clients {
        let mut socket = client.socket().await;
        socket
            .subscribe("1", SUBSCRIBE, json!({ "id": chat }))
            .await;
        sockets.push(socket);
    }
    let heads: Vec<String> = clients
        .iter()
        .map(|client| server.head_of(client))
        .collect();
    let turn = Cell::new(0);
    let workload = Workload {
        name: "chat",
        marker: "\"text\":\"",
        expected: b"\"message\":{\"id\":\"",
        sockets,
        request: Box::new(|text, out| {
            let head = &heads[turn.replace(turn.get() + 1) % heads.len()];
            let input = json!({ "input": { "chatId": chat, "text": text } });
            let body = json!({ "query": SEND, "variables": input }).to_string();
            Server::write_behind(head, &body, out);
        }),
    };
    measure_latency(server, workload, duration, summary).await;
}
