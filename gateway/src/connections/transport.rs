//! The bytes of a connection, plain or by TLS. The stream with the deadlines and the place is below TLS, so both hold from the first byte of
//! the handshake on.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use super::stream::Stream;
use crate::shutdown::Shutdown;
use crate::tls::Tls;

pub(crate) enum Transport {
    Plain(Stream<TcpStream>),
    Tls(Box<TlsStream<Stream<TcpStream>>>),
}

impl Transport {
    /// Shakes hands where that is to be done; `None` when the client does not go on, has to make room, or the process stops.
    pub(super) async fn open(
        stream: Stream<TcpStream>,
        tls: Option<&Tls>,
        activity: &Activity,
        shutdown: &Shutdown,
    ) -> Option<Self> {
        let Some(tls) = tls else {
            return Some(Self::Plain(stream));
        };
        let accepted = tokio::select! {
            accepted = tls.accept(stream) => accepted,
            // One that others need the place of is closed at once, or there would be more connections than places.
            _ = activity.overdue() => return None,
            () = shutdown.wait() => return None,
        };
        match accepted {
            Ok(stream) => Some(Self::Tls(Box::new(stream))),
            Err(error) => {
                tracing::debug!(%error, "a handshake failed");
                None
            }
        }
    }
}

/// Calls the stream that there is.
macro_rules! forward {
    ($self:ident.$method:ident($($argument:ident),*)) => {
        match $self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Self::Tls(stream) => Pin::new(stream.as_mut()).$method($($argument),*),
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        forward!(self.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        forward!(self.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        forward!(self.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self.poll_shutdown(cx))
    }
}
