//! Chats: members write in chats that they share, edit and delete their messages, and read.

use serde_json::{Value, json};

use crate::rig::hand::Hand;

const ONE: &[(&str, usize)] = &[("chat", 1)];

pub(in crate::rig) async fn write(mut hand: Hand, chats: Vec<String>) -> Hand {
    let mut said: Vec<Value> = Vec::new();
    let mut last = vec![0; chats.len()];
    while hand.goes_on().await {
        let text = hand.new_text();
        match hand.random.u8(..10) {
            0 if !said.is_empty() => {
                let message = said.swap_remove(hand.random.usize(..said.len()));
                let input = json!({ "id": message });
                hand.ask("deleteMessage", "message { id }", input, ONE)
                    .await;
            }
            1 | 2 if !said.is_empty() => {
                let message = &said[hand.random.usize(..said.len())];
                let input = json!({ "id": message, "text": text });
                hand.ask("updateMessage", "message { id }", input, ONE)
                    .await;
            }
            number @ (3 | 4) => {
                // Whether there are unread messages, and so an event, depends on the other members.
                let mutation = ["markChatRead", "markChatDelivered"][usize::from(number - 3)];
                let chat = hand.random.usize(..chats.len());
                let input = json!({ "id": chats[chat] });
                hand.ask(mutation, "chat { id }", input, &[]).await;
            }
            _ => {
                let chat = hand.random.usize(..chats.len());
                let input = json!({ "chatId": chats[chat], "text": text });
                let selection = "message { id number text }";
                let sent = hand.ask("sendMessage", selection, input, ONE).await;
                let message = &sent["message"];
                let number = message["number"].as_u64().unwrap_or(u64::MAX);
                if number <= last[chat] || message["text"] != text.as_str() {
                    let problem = format!("{text:?} was answered with {message}");
                    hand.book.note_doubled(problem);
                }
                last[chat] = number;
                said.push(message["id"].clone());
            }
        }
    }
    hand
}
