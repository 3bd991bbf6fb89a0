//! The modules of a crate are layers too: what one is built on does not know it. The test follows what each module at the top of
//! a crate says of others in `crate::…`.

use std::collections::{BTreeMap, BTreeSet};

use tests::programs::repository;

use crate::architecture::rust_files;

#[test]
fn modules_form_no_circles() {
    for name in [
        "events",
        "entities",
        "migration",
        "schema",
        "workers",
        "gateway",
    ] {
        let uses = uses(name);
        let mut reached = uses.clone();
        for _ in 0..uses.len() {
            for others in reached.values_mut() {
                let next = others.iter().filter_map(|other| uses.get(other));
                let next: Vec<String> = next.flatten().cloned().collect();
                others.extend(next);
            }
        }
        let is_in_circle = |module: &&String| reached[*module].contains(*module);
        let found: Vec<&String> = uses.keys().filter(is_in_circle).collect();
        assert!(
            found.is_empty(),
            "{found:?} of `{name}` are in a circle: {uses:#?}"
        );
    }
}

/// The modules at the top of the crate, and which others each uses. The root of a crate is above all of them.
fn uses(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let source = std::path::Path::new(name).join("src");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut root = String::new();
    for file in rust_files() {
        let Ok(inside) = file.strip_prefix(&source) else {
            continue;
        };
        let text = std::fs::read_to_string(repository().join(&file)).expect("a text file");
        // Tests may use everything.
        let text = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let text: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let text = text.join("\n");
        let mut parts = inside.iter().map(|part| part.to_str().expect("a name"));
        let module = parts.next().expect("a file").trim_end_matches(".rs");
        match module {
            "lib" | "main" => root.push_str(&text),
            _ if parts
                .any(|part| ["tests", "simulation"].contains(&part.trim_end_matches(".rs"))) => {}
            _ => texts.entry(module.to_owned()).or_default().push(text),
        }
    }
    let mut exported: BTreeMap<&str, &str> = BTreeMap::new();
    for statement in root.split("use ").skip(1) {
        let statement = statement.split(';').next().unwrap_or_default();
        let mut names = statement.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(module) = names.next().filter(|module| texts.contains_key(*module)) {
            exported.extend(names.map(|name| (name, module)));
        }
    }
    let module_of = |name: &str| match texts.contains_key(name) {
        true => Some(name.to_owned()),
        false => exported.get(name).map(|module| (*module).to_owned()),
    };
    let used = texts.iter().map(|(module, texts)| {
        let names = texts.iter().flat_map(|text| named(text));
        let others = names.filter_map(module_of).filter(|other| other != module);
        (module.clone(), others.collect())
    });
    used.collect()
}

/// What a text names right behind `crate::`, one name or several in braces.
fn named(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let (mut depth, mut start) = (0, 0);
        for (at, c) in rest.char_indices() {
            let is_name = c.is_alphanumeric() || c == '_';
            if !is_name && depth <= 1 && start < at {
                found.push(&rest[start..at]);
            }
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 && !is_name {
                break;
            }
            // A path goes on behind its first name, up to the next comma.
            if !is_name {
                start = if depth == 1 && matches!(c, '{' | ',' | ' ' | '\n') {
                    at + c.len_utf8()
                } else {
                    rest.len()
                };
            }
        }
    }
    found
}
