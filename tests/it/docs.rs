//! The documents keep what they say: `links` follows every link within the repository, `commands` does what the pages show, `procedures`
//! what operators do with the databases, and the README stays a page that is read to its end.

mod commands;
mod links;
mod procedures;

use std::path::{Path, PathBuf};

use tests::programs::repository;

/// A page of Markdown.
struct Page {
    /// Relative to the repository.
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(repository().join(path));
        Self {
            path: path.into(),
            text: text.unwrap_or_else(|error| panic!("{path}: {error}")),
        }
    }

    /// Every page of the repository but those of packages and builds.
    fn all() -> Vec<Self> {
        let mut pages = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(repository().join(&folder)).expect("a folder");
            for entry in entries.flatten() {
                let name = entry.file_name().into_string().expect("a name in UTF-8");
                let path = folder.join(&name);
                let is_other = name.starts_with('.')
                    || ["target", "node_modules", "dist", "data"].contains(&name.as_str());
                if entry.file_type().expect("a type").is_dir() && !is_other {
                    folders.push(path);
                } else if name.ends_with(".md") {
                    pages.push(Self::read(path.to_str().expect("a path in UTF-8")));
                }
            }
        }
        pages
    }

    /// Lines outside of fenced blocks.
    fn prose(&self) -> impl Iterator<Item = &str> {
        let mut is_fenced = false;
        self.text.lines().filter(move |line| {
            let is_fence = line.trim_start().starts_with("```");
            is_fenced ^= is_fence;
            !is_fenced && !is_fence
        })
    }

    fn folder(&self) -> &Path {
        self.path.parent().expect("a file is in a folder")
    }
}

#[test]
fn the_readme_is_short() {
    let bytes = Page::read("README.md").text.len();
    assert!(bytes <= 8 * 1024, "the README has {bytes} bytes");
}
