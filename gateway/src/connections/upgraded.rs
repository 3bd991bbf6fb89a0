//! A connection after its upgrade. On HTTP/1.1 it is taken out of hyper, whose buffers are freed; on HTTP/2 it is one stream of a
//! connection that hyper goes on driving. Called by `websocket`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::transport::Transport;

pub(crate) enum Upgraded {
    Connection(Transport),
    /// A stream of HTTP/2.
    Stream(TokioIo<hyper::upgrade::Upgraded>),
}

impl Upgraded {
    /// Returns the connection, and what has arrived on it behind the request.
    pub(crate) fn of(upgraded: hyper::upgrade::Upgraded) -> (Self, Bytes) {
        match downcast::<TokioIo<Transport>>(upgraded) {
            Ok(parts) => (Self::Connection(parts.io.into_inner()), parts.read_buf),
            Err(upgraded) => (Self::Stream(TokioIo::new(upgraded)), Bytes::new()),
        }
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Connection(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Stream(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Connection(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Stream(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Connection(stream) => Pin::new(stream).poll_flush(cx),
            Self::Stream(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Connection(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Stream(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
