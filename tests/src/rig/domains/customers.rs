//! Customers: created, updated, deleted and restored, as the writers of the fault tests do it.

use serde_json::Value;

use crate::customers::mutation;
use crate::rig::hand::Hand;
use crate::writers::{Own, plan};

/// The largest number of customers of a writer.
const MOST: usize = 30;

pub(in crate::rig) async fn write(mut hand: Hand) -> Hand {
    let mut own: Vec<Own> = Vec::new();
    while hand.goes_on().await {
        let is_new = own.len() < 5 || (own.len() < MOST && hand.random.u8(..10) < 2);
        let chosen = (!is_new).then(|| hand.random.usize(..own.len()));
        let marker = hand.new_text().replace(' ', "-");
        let (kind, input, expected) = plan(chosen.map(|index| &own[index]), &marker);
        let field = mutation(kind).1;
        let events = &[("customer", 1)];
        let changed = hand
            .ask_version(field, "customer", input, events, expected - 1)
            .await;
        match chosen {
            _ if changed.is_null() => {}
            Some(index) => {
                own[index].version = expected;
                own[index].deleted = kind == "delete";
            }
            None => own.push(new(&changed)),
        }
    }
    hand
}

fn new(created: &Value) -> Own {
    Own {
        id: created["id"].clone(),
        version: 1,
        deleted: false,
    }
}
