//! `domain orders` writes a record domain into this repository: migration, entity, events, permissions, GraphQL, contract and
//! documents. `make domain NAME=orders` calls it, and brings the contracts up to date.
//!
//! The files in `templates/` are those of a domain of specimens, as Rust and SQL; its words are replaced by those of the new
//! domain. What other files have to say about it stands beside the line that says it about students, so that it can be found.

mod edits;
mod words;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use words::Words;

/// The files of a domain: where they go, and what they are.
const FILES: &[(&str, &str)] = &[
    (
        "migration/src/sql/NUMBER_specimens.postgres.sql",
        include_str!("templates/migration.postgres.sql"),
    ),
    (
        "migration/src/sql/NUMBER_specimens.sqlite.sql",
        include_str!("templates/migration.sqlite.sql"),
    ),
    (
        "entities/src/specimens.rs",
        include_str!("templates/entities.rs.txt"),
    ),
    (
        "entities/src/specimens/specimen.rs",
        include_str!("templates/row.rs.txt"),
    ),
    (
        "entities/src/specimens/record.rs",
        include_str!("templates/record.rs.txt"),
    ),
    (
        "schema/src/specimens.rs",
        include_str!("templates/schema.rs.txt"),
    ),
    (
        "schema/src/specimens/object.rs",
        include_str!("templates/object.rs.txt"),
    ),
    (
        "schema/src/specimens/inputs.rs",
        include_str!("templates/inputs.rs.txt"),
    ),
    (
        "schema/src/specimens/fields.rs",
        include_str!("templates/fields.rs.txt"),
    ),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match Words::of(&name).and_then(|words| write(Path::new("."), &words)) {
        Ok(written) => {
            for path in written {
                println!("{}", path.display());
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("domain: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the domain into the repository at `root`, or nothing at all. The files that are new or changed.
fn write(root: &Path, words: &Words) -> Result<Vec<PathBuf>, String> {
    let number = next_migration(root)?;
    let name = |text: &str| words.replace(text).replace("NUMBER", &number);
    let mut texts: Vec<(PathBuf, String)> = Vec::new();
    for (path, template) in FILES {
        let path = root.join(name(path));
        if path.exists() {
            return Err(format!("{} is there already", path.display()));
        }
        texts.push((path, name(template)));
    }
    for edit in edits::EDITS {
        let path = root.join(edit.file);
        let before = match texts.iter().find(|(known, _)| *known == path) {
            Some((_, text)) => text.clone(),
            None => read(&path)?,
        };
        let after = edit.apply(&before, &name(edit.text))?;
        texts.retain(|(known, _)| *known != path);
        texts.push((path, after));
    }
    for (path, text) in &texts {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let formatted = Command::new("cargo")
        .args(["fmt", "--all"])
        .current_dir(root)
        .status();
    match formatted {
        Ok(status) if status.success() => Ok(texts.into_iter().map(|(path, _)| path).collect()),
        Ok(status) => Err(format!("cargo fmt ended with {status}")),
        Err(error) => Err(format!("cargo fmt: {error}")),
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The number behind that of the newest migration, in four digits.
fn next_migration(root: &Path) -> Result<String, String> {
    let scripts = read(&root.join(edits::SCRIPTS))?;
    let numbers = scripts.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("script!(\"")?;
        name.split('_').next()?.parse::<u32>().ok()
    });
    let newest = numbers.max().ok_or("there is no migration to follow")?;
    Ok(format!("{:04}", newest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places that edits name are there; what a whole domain comes to is tried by `make domain-check`.
    #[test]
    fn every_edit_finds_its_place_in_this_repository() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for edit in edits::EDITS {
            let text = read(&root.join(edit.file)).expect("the file");
            edit.apply(&text, "").expect("its place");
        }
        next_migration(&root).expect("a number");
    }

    #[test]
    fn templates_have_no_other_words_than_those_that_are_replaced() {
        let words = Words::of("orders").expect("a name");
        for (path, template) in FILES {
            let text = words.replace(template).to_lowercase();
            assert!(!text.contains("specimen"), "{path}");
        }
    }
}
