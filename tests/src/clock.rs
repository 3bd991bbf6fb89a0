//! A wrong clock for one process: a small library, compiled on first use by the C compiler that Rust links with, interposes the
//! functions that return the time of day.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::guard;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/clock.c");

/// Returns the library that shifts the clock by CLOCK_OFFSET_S seconds, for LD_PRELOAD.
///
/// # Errors
/// Returns the compiler's message when it fails.
pub fn library() -> Result<&'static Path, String> {
    static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let compile = || {
        let library = guard::new_directory("clock").join("clock.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library);
        let output = cc.arg(SOURCE).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(library)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    };
    let library = LIBRARY.get_or_init(compile);
    library.as_deref().map_err(Clone::clone)
}
