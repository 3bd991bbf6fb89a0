//! Trusted documents, read from files at the start and never changed. A file that cannot be read to its end, is too large, or has a
//! document that is not valid is refused, in words for an operator: a gateway with half of its documents would refuse clients at random.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use async_graphql::ServerError;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{DocumentSettings, Hash, hash_of};

/// The most bytes in a file, and the most documents in all.
const MAX_FILE: u64 = 16 * 1024 * 1024;
const MAX_DOCUMENTS: usize = 20_000;
const APOLLO: &str = "apollo-persisted-query-manifest";

/// The trusted documents, by their ids and by their hashes.
#[derive(Default)]
pub struct Trusted {
    by_id: HashMap<String, Arc<str>>,
    by_hash: HashMap<Hash, Arc<str>>,
    texts: HashSet<Arc<str>>,
}

impl Trusted {
    /// Reads the files that the settings name. Each document has to pass `check`.
    ///
    /// # Errors
    ///
    /// Says which file or document cannot be used, and why.
    pub fn read(
        settings: &DocumentSettings,
        check: impl Fn(&str) -> Result<(), Vec<ServerError>>,
    ) -> Result<Self, String> {
        let files = &settings.trusted_documents;
        if settings.trusted_documents_only && files.is_empty() {
            return Err("--trusted-documents-only needs --trusted-documents".to_owned());
        }
        let mut trusted = Self::default();
        for file in files {
            let refused =
                |why: String| format!("the trusted documents in {}: {why}", file.display());
            let documents = documents_in(&text_of(file).map_err(refused)?).map_err(refused)?;
            if documents.is_empty() {
                return Err(refused("there is none".to_owned()));
            }
            for (id, text) in documents {
                let wrong = check(&text).err().and_then(|errors| describe(&errors));
                if let Some(wrong) = wrong {
                    return Err(refused(format!("{id:?} is not valid: {wrong}")));
                }
                trusted.add(id, text).map_err(refused)?;
            }
        }
        Ok(trusted)
    }

    fn add(&mut self, id: String, text: String) -> Result<(), String> {
        if self.by_id.len() >= MAX_DOCUMENTS {
            return Err(format!("there are more than {MAX_DOCUMENTS} in all"));
        }
        let text: Arc<str> = text.into();
        match self.by_id.entry(id) {
            Entry::Occupied(known) if *known.get() != text => {
                return Err(format!("{:?} is the id of two documents", known.key()));
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(free) => drop(free.insert(text.clone())),
        }
        self.by_hash.insert(hash_of(&text), text.clone());
        self.texts.insert(text);
        Ok(())
    }

    /// Returns the document with this id or hash.
    pub(super) fn find(&self, id: &str, hash: Option<Hash>) -> Option<&Arc<str>> {
        let by_id = self.by_id.get(id);
        by_id.or_else(|| self.by_hash.get(&hash?))
    }

    /// Returns whether this text is that of a trusted document.
    pub(super) fn has(&self, text: &str) -> bool {
        self.texts.contains(text)
    }
}

fn describe(errors: &[ServerError]) -> Option<String> {
    let first = errors.first()?;
    let place = first.locations.first();
    let place = place.map(|at| format!(" (line {}, column {})", at.line, at.column));
    Some(format!("{}{}", first.message, place.unwrap_or_default()))
}

fn text_of(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    // What is no plain file may have no end.
    let reading = File::open(file).and_then(|opened| {
        let mut bounded = opened.take(MAX_FILE + 1);
        bounded.read_to_string(&mut text)
    });
    match reading {
        Err(error) => Err(error.to_string()),
        Ok(read) if read as u64 > MAX_FILE => {
            Err(format!("the file has more than {MAX_FILE} bytes"))
        }
        Ok(_) => Ok(text),
    }
}

/// The entries of an object, in which a name may occur twice.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from ids to documents, or a manifest of Apollo")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// An operation in a manifest of Apollo.
#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// Returns the ids and texts of a file's documents.
fn documents_in(text: &str) -> Result<Vec<(String, String)>, String> {
    let unreadable = |error: serde_json::Error| error.to_string();
    let Entries(entries) = serde_json::from_str(text).map_err(unreadable)?;
    let of_name = |name: &str| entries.iter().find(|(known, _)| known == name);
    if let Some((_, operations @ Value::Array(_))) = of_name("operations") {
        let format = of_name("format").and_then(|(_, format)| format.as_str());
        let version = of_name("version").and_then(|(_, version)| version.as_u64());
        if (format, version) != (Some(APOLLO), Some(1)) {
            return Err(format!(
                "a manifest has the format {APOLLO:?} and the version 1"
            ));
        }
        let operations = Vec::<Operation>::deserialize(operations).map_err(unreadable)?;
        let documents = operations.into_iter().map(|it| (it.id, it.body));
        return Ok(documents.collect());
    }
    let documents = entries.into_iter().map(|(id, value)| match value {
        Value::String(text) => Ok((id, text)),
        _ => Err(format!("{id:?} is no text")),
    });
    documents.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Trusted, String> {
        let folder = std::env::temp_dir().join(format!("trusted-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).expect("a folder");
        let mut settings: DocumentSettings = workers::settings::defaults();
        for (at, text) in texts.iter().enumerate() {
            let file = folder.join(format!("{at}.json"));
            std::fs::write(&file, text).expect("a file");
            settings.trusted_documents.push(file);
        }
        let check = |text: &str| match text.contains("wrong") {
            true => Err(vec![ServerError::new("no such field", None)]),
            false => Ok(()),
        };
        let read = Trusted::read(&settings, check);
        std::fs::remove_dir_all(&folder).expect("removed");
        read
    }

    #[test]
    fn the_formats_of_three_generators_are_read() {
        let apollo = r#"{"format":"apollo-persisted-query-manifest","version":1,"operations":[
            {"id":"x1","name":"A","type":"query","body":"query A { a }"},
            {"id":"x2","name":"B","type":"query","body":"query B { b }","clientName":"web"}]}"#;
        let relay = r#"{"5ad63fe1": "query C { c }"}"#;
        let trusted = read(&[apollo, relay]).expect("documents");
        assert_eq!(trusted.by_id.len(), 3);
        let found = |id: &str| trusted.find(id, None).map(|text| text.as_ref().to_owned());
        assert_eq!(found("x2").as_deref(), Some("query B { b }"));
        assert_eq!(found("5ad63fe1").as_deref(), Some("query C { c }"));
        assert_eq!(found("x3"), None);
        let by_hash = trusted.find("sha256:…", Some(hash_of("query C { c }")));
        assert!(by_hash.is_some(), "each is known by its hash, too");
        assert!(trusted.has("query A { a }") && !trusted.has("query A {a}"));
        let again = read(&[relay, relay]).expect("the same twice");
        assert_eq!(again.by_id.len(), 1);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        let large = format!("{{\"a\": \"{}\"}}", " ".repeat(MAX_FILE as usize));
        for (text, reason) in [
            ("", "EOF"),
            ("[]", "an object from ids to documents"),
            ("{}", "there is none"),
            (r#"{"a": 1}"#, "\"a\" is no text"),
            (r#"{"a": "{ a }", "a": "{ b }"}"#, "the id of two documents"),
            (r#"{"a": "{ wrong }"}"#, "\"a\" is not valid: no such field"),
            (r#"{"operations": []}"#, "a manifest has the format"),
            (
                r#"{"format":"apollo-persisted-query-manifest","version":2,"operations":[]}"#,
                "the version 1",
            ),
            (
                r#"{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a"}]}"#,
                "missing field `body`",
            ),
            (large.as_str(), "more than 16777216 bytes"),
        ] {
            let refused = read(&[text]).err().unwrap_or_default();
            assert!(refused.contains(reason), "{reason}: {refused}");
            assert!(refused.contains("0.json"), "the file is named: {refused}");
        }
        let mut settings: DocumentSettings = workers::settings::defaults();
        settings.trusted_documents_only = true;
        let none = Trusted::read(&settings, |_| Ok(())).err();
        assert!(none.is_some_and(|it| it.contains("needs --trusted-documents")));
        settings.trusted_documents.push("no-such-file.json".into());
        let missing = Trusted::read(&settings, |_| Ok(())).err();
        assert!(missing.is_some_and(|it| it.contains("no-such-file")));
    }
}
