//! The output of commands. A reader may have read enough (`millrace status | head -1`): the pipe is closed then, and the command
//! continues silently and ends as it would have. A full disk behind standard output is an error. Nothing else in the programs
//! writes to standard output; the lint `print_stdout` enforces that.

use std::fmt::{Arguments, Display};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

static IS_OVER: AtomicBool = AtomicBool::new(false);
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// Prints a line; takes what `println!` takes.
#[macro_export]
macro_rules! say {
    () => { $crate::printing::line(format_args!("")) };
    ($($argument:tt)*) => { $crate::printing::line(format_args!($($argument)*)) };
}

/// Prints a line.
pub fn line(text: Arguments<'_>) {
    print(format_args!("{text}\n"));
}

/// Prints a text that ends its lines itself.
pub fn text(text: impl Display) {
    print(format_args!("{text}"));
}

/// Returns a progress bar on standard error, which shows nothing where that is not a terminal.
pub fn progress_bar(template: &str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        // Templates are constants; if one were invalid, the default bar would do.
        Err(_) => bar,
    }
}

/// Returns whether output was lost that somebody wanted to read.
pub fn has_failed() -> bool {
    HAS_FAILED.load(Ordering::Relaxed)
}

fn print(text: Arguments<'_>) {
    if IS_OVER.load(Ordering::Relaxed) {
        return;
    }
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) {
        IS_OVER.store(true, Ordering::Relaxed);
        if error.kind() != io::ErrorKind::BrokenPipe {
            HAS_FAILED.store(true, Ordering::Relaxed);
            tracing::error!(%error, "standard output cannot be written: {error}");
        }
    }
}
