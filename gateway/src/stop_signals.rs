//! Being asked to stop: SIGTERM and Ctrl-C turn a flag, which everything that runs looks at. Who asks a second time does not
//! want to wait: the process ends at once, as it may at any point.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// What asked the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// SIGTERM: whatever runs it, which may still send clients here.
    Terminate,
    /// Ctrl-C: somebody who waits.
    Interrupt,
}

impl Asked {
    /// The exit code of a process that a signal has ended.
    fn code(self) -> i32 {
        128 + match self {
            Self::Terminate => SignalKind::terminate().as_raw_value(),
            Self::Interrupt => SignalKind::interrupt().as_raw_value(),
        }
    }
}

/// Tells of the first signal; the second ends the process.
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

/// A flag that turns true with the first signal; the second ends the process.
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
