//! Follows links as GitHub does: paths are relative to the page, and the anchor of a heading is its text in small letters, without
//! punctuation, with hyphens for spaces. Files of the code that pages name must exist, too. Addresses elsewhere are not looked up.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use tests::programs::repository;

use super::Page;

/// Where the files are that pages name.
const FOLDERS: &[&str] = &[
    "deploy",
    "docs",
    "entities",
    "events",
    "examples",
    "gateway",
    "migration",
    "schema",
    "tests",
    "web",
    "workers",
];

#[test]
fn every_link_leads_somewhere() {
    let pages = Page::all();
    let anchors: HashMap<&Path, BTreeSet<String>> = pages
        .iter()
        .map(|page| (page.path.as_path(), anchors(page)))
        .collect();
    let mut followed = 0;
    let mut broken = Vec::new();
    for page in &pages {
        let inside = targets(page).filter(|target| !target.contains("://"));
        for target in inside.filter(|target| !target.starts_with("mailto:")) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = if path.is_empty() {
                page.path.clone()
            } else {
                normal(&page.folder().join(path))
            };
            let is_there = path.starts_with('/') || repository().join(&to).exists();
            let is_heading = anchor.is_empty()
                || anchors
                    .get(to.as_path())
                    .is_some_and(|it| it.contains(anchor));
            if !is_there || !is_heading {
                broken.push(format!("{}: {target}", page.path.display()));
            }
            followed += 1;
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
    assert!(followed > 100, "only {followed} links were found");
}

#[test]
fn every_page_is_in_the_index() {
    let summary = Page::read("docs/SUMMARY.md");
    let listed: BTreeSet<PathBuf> = targets(&summary)
        .map(|target| Path::new("docs").join(target))
        .collect();
    let pages = Page::all().into_iter().map(|page| page.path);
    let missing: Vec<PathBuf> = pages
        .filter(|path| path.starts_with("docs") && *path != summary.path && !listed.contains(path))
        .collect();
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
}

/// Paths from the root in code spans. `orders` is the domain that the pages imagine.
#[test]
fn every_file_that_is_named_is_there() {
    let is_path = |text: &&str| {
        let top = text.split_once('/').map(|(top, _)| top);
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
        top.is_some_and(|top| FOLDERS.contains(&top)) && text.chars().all(is_plain)
    };
    let mut named = 0;
    let mut missing = Vec::new();
    for page in Page::all() {
        let spans = page
            .prose()
            .flat_map(|line| line.split('`').skip(1).step_by(2));
        for path in spans
            .filter(is_path)
            .filter(|path| !path.contains("orders"))
        {
            named += 1;
            if !repository().join(path).exists() {
                missing.push(format!("{}: {path}", page.path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
    assert!(named > 50, "only {named} files are named");
}

/// What links and images lead to.
fn targets(page: &Page) -> impl Iterator<Item = &str> {
    page.prose().flat_map(|line| {
        let links = line.split("](").skip(1);
        links.filter_map(|rest| rest.split(')').next())
    })
}

fn anchors(page: &Page) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let headings = page.prose().filter(|line| line.starts_with('#'));
    for heading in headings {
        let slug = slug(heading.trim_start_matches('#').trim());
        let repeated = (1..).map(|number| format!("{slug}-{number}"));
        let free = std::iter::once(slug.clone()).chain(repeated);
        let anchor = { free }.find(|anchor| !anchors.contains(anchor));
        anchors.extend(anchor);
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = |letter: char| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ => letter.is_alphanumeric().then_some(letter),
    };
    heading.to_lowercase().chars().filter_map(kept).collect()
}

/// Without `..`, which would go out of a folder that a link does not name.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}
