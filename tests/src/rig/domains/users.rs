//! Users: each changes their own profile and availability.

use serde_json::{Value, json};

use crate::rig::hand::Hand;

pub(in crate::rig) async fn write(mut hand: Hand, user: Value) -> Hand {
    let mut version = user["version"].as_u64().expect("a version");
    let mut is_away = false;
    while hand.goes_on().await {
        let (field, input) = if hand.random.u8(..10) < 3 {
            is_away = !is_away;
            let availability = if is_away { "AWAY" } else { "BUSY" };
            ("setAvailability", json!({ "availability": availability }))
        } else {
            let text = hand.new_text();
            (
                "updateProfile",
                json!({ "bio": text, "expectedVersion": version }),
            )
        };
        let changed = hand
            .ask_version(field, "user", input, &[("user", 1)], version)
            .await;
        version = changed["version"].as_u64().unwrap_or(version);
    }
    hand
}
