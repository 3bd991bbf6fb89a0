//! Why the server closes a socket: the close codes of graphql-transport-ws and of RFC 6455, and how the client is told. Reasons fit a
//! close frame.

use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use async_graphql::ServerError;
use tokio::time::Instant;
use tungstenite::Error;
use tungstenite::error::ProtocolError;

use super::wire::Wire;
use crate::errors;

/// How long a close frame may take to be sent and answered.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the peer has to take a close frame before its unread data makes the kernel reset the connection.
const LINGER: Duration = Duration::from_secs(1);
/// A close frame's payload is at most 125 bytes, two of which are the code.
const MAX_REASON_BYTES: usize = 123;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    code: u16,
    reason: String,
    /// Whether nothing more is read, not even the peer's answer.
    is_final: bool,
}

impl Close {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
        Self {
            code,
            reason,
            is_final: false,
        }
    }

    pub(super) const fn code(&self) -> u16 {
        self.code
    }

    pub(super) fn invalid(reason: fmt::Arguments<'_>) -> Self {
        Self::new(4400, reason.to_string())
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    /// Uses a code of our own: the client may come back, but not at once.
    pub(super) fn disconnected() -> Self {
        Self::new(4410, "Disconnected by an administrator")
    }

    pub(super) fn try_again() -> Self {
        Self::new(1013, "Try again later")
    }

    pub(super) fn subprotocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub(super) fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub(super) fn duplicate(id: &str) -> Self {
        Self::new(4409, format!("Subscriber for {id} already exists"))
    }

    pub(super) fn repeated_init() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }

    pub(super) fn going_away() -> Self {
        Self::new(1001, "Going away")
    }

    pub(super) fn protocol_error() -> Self {
        Self::new(1002, "Protocol error")
    }

    pub(super) fn not_utf8() -> Self {
        Self::new(1007, "Text must be UTF-8")
    }

    pub(super) fn too_large(maximum: usize) -> Self {
        Self::new(1009, format!("Messages are limited to {maximum} bytes"))
    }

    /// Closes on a message that was not finished in time: its received part is discarded, and the rest is not read.
    pub(super) fn unfinished() -> Self {
        Self {
            is_final: true,
            ..Self::new(1008, "The message was not finished in time")
        }
    }

    /// Closes on an unfinished message whose room others need.
    pub(super) fn no_room() -> Self {
        Self {
            is_final: true,
            ..Self::new(1013, "Too much is on its way; try again later")
        }
    }

    /// Returns the close for a client that is not admitted. Only reasons beyond its control are worth another try.
    pub(super) fn of_refusal(error: &ServerError) -> Self {
        match errors::code_of(error) {
            Some("UNAVAILABLE" | "TIMEOUT" | "INTERNAL" | "RATE_LIMITED") => Self::try_again(),
            _ => Self::forbidden(),
        }
    }

    /// Returns the close for input that cannot be read, if there is a peer to tell; `maximum` is the most bytes in a message.
    pub(super) fn of_read_error(error: &Error, maximum: usize) -> Option<Self> {
        match error {
            Error::Capacity(_) => Some(Self::too_large(maximum)),
            Error::Utf8(_) => Some(Self::not_utf8()),
            // A peer that vanished without a close frame is told nothing.
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(_) => Some(Self::protocol_error()),
            _ => None,
        }
    }

    pub(super) fn silent() -> Self {
        Self::new(1001, "No answer to ping")
    }
}

/// Sends a close frame and waits, for a while, until the peer has answered: dropping the socket earlier could discard the frame on its way.
pub(super) async fn finish(wire: &mut Wire, close: Close) {
    let deadline = Instant::now() + CLOSE_TIMEOUT;
    wire.close(close.code, &close.reason);
    let closing = async {
        if poll_fn(|cx| wire.poll_flush(cx)).await.is_err() || close.is_final {
            return;
        }
        // After a broken frame nothing more can be read, so the peer's answer cannot be seen.
        if wire.has_ended() {
            tokio::time::sleep(LINGER).await;
        }
        while let Some(Ok(_)) = poll_fn(|cx| wire.poll_message(cx)).await {}
    };
    let _ = tokio::time::timeout_at(deadline, closing).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_a_frame_at_a_character() {
        let close = Close::invalid(format_args!("{}", "ü".repeat(100)));
        assert_eq!(close.reason.len(), 122);
    }
}
