//! Runs the blocks of a page that are marked `sh test`, in one shell against one gateway, and compares what each prints with the block behind
//! it that is marked `answer`, in which `…` stands for anything. So what readers copy works, and what they see is what the page shows. The
//! gateway's address and password are in the environment, where a reader sets them by hand.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tests::Setup;

use super::Page;

/// Printed between the blocks.
const BORDER: &str = "=== the next block ===";

async fn the_readme_does_what_it_shows(setup: Setup) {
    run(setup, "README.md").await;
}

async fn the_tutorial_does_what_it_shows(setup: Setup) {
    run(setup, "docs/tutorial.md").await;
}

/// Commands, and what they print if the page says so.
struct Block {
    commands: String,
    answer: Option<String>,
}

async fn run(setup: Setup, page: &str) {
    let app = setup.start();
    let (url, password) = (app.gateways[0].url(), setup.admin().password.clone());
    let blocks = blocks(&Page::read(page));
    let script: String = blocks
        .iter()
        .map(|block| format!("{}\necho\necho '{BORDER}'\n", block.commands))
        .collect();
    let directory = setup.directory.join("reader");
    let printed = tokio::task::spawn_blocking(move || shell(&script, url, password, directory))
        .await
        .expect("the shell");
    let outputs: Vec<&str> = printed.split(BORDER).collect();
    assert_eq!(outputs.len(), blocks.len() + 1, "{page}:\n{printed}");
    for (block, output) in blocks.iter().zip(outputs) {
        let Some(answer) = &block.answer else {
            continue;
        };
        assert!(
            is_like(output.trim(), answer.trim()),
            "{page}:\n{}\nshould print\n{answer}\nand printed\n{output}",
            block.commands
        );
    }
    assert!(blocks.len() >= 3, "{page} has only {} blocks", blocks.len());
}

fn shell(script: &str, url: String, password: String, directory: PathBuf) -> String {
    std::fs::create_dir(&directory).expect("a folder");
    std::fs::write(directory.join("script"), script).expect("the script");
    let output = Command::new("bash")
        .arg("script")
        .env("URL", url)
        .env("PASSWORD", password)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("bash starts");
    String::from_utf8(output.stdout).expect("text")
}

fn blocks(page: &Page) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    // Odd parts are inside of fences; each begins with its marks.
    for fenced in page.text.split("```").skip(1).step_by(2) {
        let (marks, text) = fenced.split_once('\n').expect("a fence ends its line");
        if marks == "sh test" {
            blocks.push(Block {
                commands: text.to_owned(),
                answer: None,
            });
        } else if marks.ends_with(" answer") {
            let block = blocks.last_mut().expect("an answer to something");
            block.answer = Some(text.to_owned());
        }
    }
    blocks
}

/// Whether the text is the pattern with something in place of each `…`.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('…');
    let first = pieces.next().expect("a split has one piece");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        let is_last = pieces.peek().is_none();
        if is_last && rest.ends_with(piece) {
            return true;
        }
        let Some(place) = rest.find(piece) else {
            return false;
        };
        rest = &rest[place + piece.len()..];
    }
    false
}

#[test]
fn patterns_fit_from_end_to_end() {
    for (text, pattern, fits) in [
        ("abc", "abc", true),
        ("abcd", "abc", false),
        ("abcd", "abc…", true),
        ("a1b2c", "a…b…c", true),
        ("a1b2", "a…b…c", false),
        ("xa", "a", false),
        ("a1b2b", "a…b", true),
        ("a1c", "a…b", false),
    ] {
        assert_eq!(is_like(text, pattern), fits, "{text} and {pattern}");
    }
}

tests::embedded!(
    the_readme_does_what_it_shows,
    the_tutorial_does_what_it_shows
);
