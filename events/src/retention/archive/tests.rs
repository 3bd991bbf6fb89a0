//! What is beside the files of an archive: remainders of killed processes, what is not ours, and a manifest that is missing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{Archive, ArchiveError, LOCK, MANIFEST, folder_of};

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("archive-{}", Uuid::now_v7()));
    fs::create_dir(&folder).expect("a folder");
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name != LOCK).collect();
    names.sort();
    names
}

#[test]
fn what_others_keep_beside_it_stays() {
    let folder = folder();
    let others = [
        "000000000001-000000000009.old.jsonl.gz",
        "1-9.jsonl.gz",
        "customers.jsonl.gz",
        "sorted.tmp",
    ];
    let left = [
        "000000000001-000000000009.jsonl.gz",
        "000000000001-000000000009.r2.jsonl.gz.tmp",
        "manifest.json.tmp",
        "next.jsonl.gz",
    ];
    drop(Archive::open(&folder, 7).expect("a new archive"));
    for name in others.iter().chain(&left) {
        fs::write(folder.join(name), "").expect("a file");
    }
    drop(Archive::open(&folder, 7).expect("the archive"));
    let mut expected = others.to_vec();
    expected.push(MANIFEST);
    expected.sort_unstable();
    assert_eq!(names(&folder), expected);
    fs::remove_dir_all(folder).expect("the folder goes");
}

#[test]
fn files_whose_manifest_is_missing_are_left_alone() {
    let folder = folder();
    let file = "000000000001-000000020000.jsonl.gz";
    let unlisted = |at: &Path| {
        fs::create_dir_all(at).expect("a folder");
        fs::write(at.join(file), "").expect("a file");
        let opened = Archive::open_all(&folder, 8).map(drop);
        let is_told = matches!(&opened, Err(ArchiveError::Unlisted(of)) if of == at);
        assert!(is_told, "{opened:?}");
        assert!(at.join(file).exists());
    };
    unlisted(&folder);
    let opened = Archive::open(&folder, 8).map(drop);
    assert!(matches!(opened, Err(ArchiveError::Unlisted(_))));
    fs::remove_file(folder.join(file)).expect("it is put elsewhere");
    // An erasure that did not see those of an epoch that has ended would be said to have ended, too.
    unlisted(&folder.join(folder_of(7)));
    fs::remove_dir_all(folder).expect("the folder goes");
}
