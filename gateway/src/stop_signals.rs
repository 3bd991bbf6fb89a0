//! Requests to stop: SIGTERM and Ctrl-C set a flag, which all running parts observe. A second request means that the user does not want
//! to wait: the process ends at once, which is safe at any point.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// What asked the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// SIGTERM, from a service manager that may still route clients here.
    Terminate,
    /// Ctrl-C, from a user who waits.
    Interrupt,
}

impl Asked {
    /// Returns the exit code of a process that a signal has ended.
    fn code(self) -> i32 {
        128 + match self {
            Self::Terminate => SignalKind::terminate().as_raw_value(),
            Self::Interrupt => SignalKind::interrupt().as_raw_value(),
        }
    }
}

/// Returns a receiver of the first signal; the second ends the process.
///
/// # Errors
/// When signals cannot be received.
pub fn watch_signals() -> io::Result<watch::Receiver<Option<Asked>>> {
    let (tell, told) = watch::channel(None);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => Asked::Terminate,
            _ = interrupt.recv() => Asked::Interrupt,
        }
    };
    tokio::spawn(async move {
        let asked = next().await;
        tracing::info!("stopping");
        tell.send_replace(Some(asked));
        let again = next().await;
        tracing::warn!("asked to stop a second time; ending at once");
        std::process::exit(again.code());
    });
    Ok(told)
}

/// Returns a flag that turns true with the first signal; the second ends the process.
///
/// # Errors
/// When signals cannot be received.
pub fn stop_on_signals() -> io::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let mut told = watch_signals()?;
    tokio::spawn(async move {
        let _ = told.wait_for(Option::is_some).await;
        stop.send_replace(true);
    });
    Ok(stopped)
}
