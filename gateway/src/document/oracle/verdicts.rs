//! Compares which documents are valid.

use super::{Oracle, assert_none};
use crate::document::reading::read;
use crate::document::typing::Typing;
use crate::errors::code_of;
use crate::limits::Limits;

#[test]
fn documents_are_valid_for_us_when_they_are_for_graphql_js() {
    let sdl = schema::sdl();
    let typing = Typing::of(&sdl).expect("a schema");
    let limits = Limits::default();
    let (mut differing, mut compared, mut valid) = (Vec::new(), 0, 0);
    for line in Oracle::start("validate", &sdl, 4_000) {
        let document = line["document"].as_str().expect("a document");
        let expected = line["valid"].as_bool().expect("a verdict");
        let ours = match read(document, &typing, &limits) {
            Ok(_) => None,
            Err(errors) if code_of(&errors[0]) == Some("LIMIT_EXCEEDED") => continue,
            Err(errors) => Some(errors[0].message.clone()),
        };
        compared += 1;
        valid += usize::from(expected);
        if ours.is_none() != expected {
            let (seed, theirs) = (&line["seed"], &line["why"]);
            let ours = ours.as_deref().unwrap_or("valid");
            differing.push(format!(
                "{seed}: {document}\n   graphql-js: {theirs}\n   here: {ours}"
            ));
        }
    }
    assert_none(&differing, compared);
    // Both kinds occur.
    assert!(
        valid > compared / 4 && valid < compared * 9 / 10,
        "{valid} of {compared}"
    );
}
