//! What fuzzing calls: each target takes any bytes, and panics when something does not hold that Millrace promises of them. The programs in
//! `tests/fuzz` look for such bytes; the test here tries those of its corpus, which are kept from earlier searches.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::LazyLock;

use axum::http::Uri;
use entities::{chats, customers, posts, record::RecordEvent, signals, students, users};
use events::{Cursor, Event};
use serde::de::IgnoredAny;

use crate::document::{Documents, Typing};
use crate::http::get;
use crate::limits::Limits;
use crate::params::Params;
use crate::request_id::RequestId;
use crate::{import, websocket};

type Target = fn(&[u8]);

/// The targets by name.
pub const TARGETS: [(&str, Target); 6] = [
    ("parameters", parameters),
    ("documents", documents),
    ("frames", websocket::fuzz),
    ("cursors", cursors),
    ("events", events),
    ("csv", import::fuzz::csv),
];

/// Calls a target.
///
/// # Panics
/// When there is no such target, or it has found something.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.expect("a target").1(data);
}

/// The parameters of a request, as a body, as a batch, and in an address.
fn parameters(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(params) = Params::from_json(text) {
        // Numbers in what is ignored may be too large for anything.
        let object = serde_json::from_str::<HashMap<String, IgnoredAny>>(text);
        object.expect("what is accepted is a JSON object");
        examine(&params);
    }
    for params in Params::batch_from_json(text).into_iter().flatten() {
        examine(&params);
    }
    let address = Uri::from_str(&format!("/graphql?{text}"));
    if let Ok(Ok(params)) = address.map(|uri| get::params(&uri)) {
        examine(&params);
    }
}

fn examine(params: &Params) {
    let _ = params.check_text();
    let _ = params.read_after();
    let _ = params.idempotency_key(None);
    let _ = params.trace();
}

/// A document, and behind a NUL its variables. What is cached is what was made, and nothing exceeds its limit.
fn documents(data: &[u8]) {
    static TYPING: LazyLock<String> = LazyLock::new(schema::sdl);
    thread_local! {
        static DOCUMENTS: Documents = Documents::new(Limits::default(), Typing::of(&TYPING).expect("the schema"), true);
    }
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let (query, variables) = text.split_once('\0').unwrap_or((text, "{}"));
    let body = format!(r#"{{"query":"","variables":{variables}}}"#);
    DOCUMENTS.with(|documents| {
        let prepare = || {
            let mut params = Params::from_json(&body).unwrap_or_default();
            query.clone_into(&mut params.query);
            let prepared = documents.prepare(params, None, &RequestId::generate());
            prepared.map(|it| (it.kind, it.price, it.is_live))
        };
        let (made, cached) = (prepare(), prepare());
        match (&made, &cached) {
            (Ok(made), Ok(cached)) => assert_eq!(made, cached),
            (Err(made), Err(cached)) => assert_eq!(format!("{made:?}"), format!("{cached:?}")),
            _ => panic!("{made:?} became {cached:?}"),
        }
        if let Ok((_, price, _)) = made {
            let most = documents.limits().max_complexity;
            assert!(price <= most as u64, "{price} is more than {most}");
        }
    });
}

/// Cursors and ids: whatever is accepted is written back as it came, or as what is accepted again and means the same.
fn cursors(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
    }
    if let Some((kind, id)) = entities::id::decode(text) {
        assert_eq!(entities::id::encode(&kind, id), text);
    }
}

/// An event as Redis or an archive has it, read by all domains. One that is read folds to a state, or to none.
fn events(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(data) else {
        return;
    };
    let text = serde_json::to_string(&event).expect("it is written as it was read");
    let again: Event = serde_json::from_str(&text).expect("and read again");
    assert_eq!(again.event_id, event.event_id);
    let _ = RecordEvent::<customers::Customer>::decode(&event);
    let _ = RecordEvent::<students::Student>::decode(&event);
    let _ = users::UserEvent::decode(&event);
    let _ = chats::ChatEvent::decode(&event);
    let _ = chats::InboxEvent::decode(&event);
    let _ = chats::ReceiptEvent::decode(&event);
    let _ = signals::SignalEvent::decode(&event);
    if let Ok(post) = posts::PostEvent::decode(&event) {
        let _ = posts::fold(None, [&post, &post]);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_corpora_hold() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus");
        for (name, _) in TARGETS {
            let kept = fs::read_dir(corpora.join(name)).expect("each target has a corpus");
            let mut count = 0;
            for input in kept {
                let path = input.expect("a file").path();
                // The last one is that which fails.
                eprintln!("{}", path.display());
                run(name, &fs::read(path).expect("bytes"));
                count += 1;
            }
            assert!(count > 0, "{name} has inputs");
        }
    }
}
