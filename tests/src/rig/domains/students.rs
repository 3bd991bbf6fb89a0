//! Students: created, updated and deleted one by one, and imported some at a time.

use serde_json::{Value, json};

use super::Own;
use crate::rig::hand::Hand;

const ONE: &[(&str, usize)] = &[("student", 1)];
/// The largest number of students of a writer, apart from imported ones.
const MOST: usize = 20;
const IMPORTED: usize = 5;

pub(in crate::rig) async fn write(mut hand: Hand) -> Hand {
    let mut own: Vec<Own> = Vec::new();
    while hand.goes_on().await {
        let text = hand.new_text();
        let chance = hand.random.u8(..20);
        if chance == 0 {
            import(&mut hand, &text).await;
        } else if own.len() < 3 || (own.len() < MOST && chance < 5) {
            let created = hand
                .ask_version("createStudent", "student", row(&text), ONE, 0)
                .await;
            own.extend(Own::of(&created));
        } else {
            let place = hand.random.usize(..own.len());
            let Own { id, version } = &own[place];
            let is_end = chance == 5;
            let (field, input) = if is_end {
                ("deleteStudent", json!({ "id": id }))
            } else {
                ("updateStudent", json!({ "id": id, "name": text }))
            };
            let before = *version;
            let changed = hand.ask_version(field, "student", input, ONE, before).await;
            match Own::of(&changed) {
                Some(_) if is_end => drop(own.swap_remove(place)),
                Some(changed) => own[place] = changed,
                None => {}
            }
        }
    }
    hand
}

async fn import(hand: &mut Hand, text: &str) {
    let rows: Vec<Value> = (0..IMPORTED)
        .map(|number| row(&format!("{text} {number}")))
        .collect();
    let events = &[("student", IMPORTED)];
    let input = json!({ "rows": rows });
    let imported = hand.ask("importStudents", "created", input, events).await;
    if imported["created"] != IMPORTED {
        let problem = format!("an import of {IMPORTED} rows is answered with {imported}");
        hand.book.note_lost(problem);
    }
}

/// Returns a row with an address that nobody else has.
fn row(text: &str) -> Value {
    let email = format!("{}@example.com", text.replace(' ', "-"));
    json!({ "name": text, "email": email, "course": "Law" })
}
