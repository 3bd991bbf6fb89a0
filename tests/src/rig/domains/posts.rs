//! Posts: every user writes some, and likes and comments on a few shared ones.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Own;
use crate::rig::hand::Hand;

const ONE: &[(&str, usize)] = &[("post", 1)];
const COMMENT: &str = "comment { id } post { id }";
/// The largest number of posts of a writer.
const MOST: usize = 20;

pub(in crate::rig) async fn write(mut hand: Hand, shared: Vec<String>) -> Hand {
    let mut own: Vec<Own> = Vec::new();
    let mut liked: BTreeSet<usize> = BTreeSet::new();
    // The user's own comments.
    let mut comments: Vec<Value> = Vec::new();
    while hand.goes_on().await {
        let text = hand.new_text();
        let place = hand.random.usize(..shared.len());
        match hand.random.u8(..10) {
            0..3 => {
                let is_liked = !liked.remove(&place);
                let field = if is_liked { "likePost" } else { "unlikePost" };
                if is_liked {
                    liked.insert(place);
                }
                let selection = "post { id likedByMe }";
                let input = json!({ "id": shared[place] });
                let payload = hand.ask(field, selection, input, ONE).await;
                if payload["post"]["likedByMe"] != is_liked {
                    hand.book
                        .note_lost(format!("{field} is answered with {payload}"));
                }
            }
            3..5 => {
                let input = json!({ "postId": shared[place], "text": text });
                let payload = hand.ask("addComment", COMMENT, input, ONE).await;
                comments.push(payload["comment"]["id"].clone());
            }
            5 if !comments.is_empty() => {
                let id = &comments[hand.random.usize(..comments.len())];
                let input = json!({ "id": id, "text": text });
                hand.ask("updateComment", COMMENT, input, ONE).await;
            }
            6 if !comments.is_empty() => {
                let id = comments.swap_remove(hand.random.usize(..comments.len()));
                let input = json!({ "id": id });
                hand.ask("deleteComment", COMMENT, input, ONE).await;
            }
            _ => write_own(&mut hand, &mut own, text).await,
        }
    }
    hand
}

async fn write_own(hand: &mut Hand, own: &mut Vec<Own>, text: String) {
    let chance = hand.random.u8(..10);
    if own.len() < 3 || (own.len() < MOST && chance < 4) {
        let input = json!({ "message": text });
        let created = hand.ask_version("createPost", "post", input, ONE, 0).await;
        own.extend(Own::of(&created));
        return;
    }
    let place = hand.random.usize(..own.len());
    let Own { id, version } = &own[place];
    if chance == 4 {
        let input = json!({ "id": id, "expectedVersion": version });
        let selection = "post { id version }";
        hand.ask("deletePost", selection, input, ONE).await;
        own.swap_remove(place);
        return;
    }
    let (before, input) = (
        *version,
        json!({ "id": id, "message": text, "expectedVersion": version }),
    );
    let changed = hand
        .ask_version("updatePost", "post", input, ONE, before)
        .await;
    if let Some(changed) = Own::of(&changed) {
        own[place] = changed;
    }
}
