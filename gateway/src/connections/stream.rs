//! A connection's bytes, with a deadline for clients that do not take theirs. It counts the time in which the client takes nothing, and
//! bytes taken make up for it at a minimum rate: a client that takes a byte now and then is disconnected as soon as one that takes none,
//! and a merely slow one is not. The deadline applies to any protocol on the connection, HTTP or WebSocket. The stream also holds the
//! connection's place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::Activity;
use super::places::Place;

/// The minimum rate at which a client takes bytes, per second, when there are any.
const LEAST_RATE: u32 = 1024;

pub(crate) struct Stream<S> {
    inner: S,
    activity: Arc<Activity>,
    stall: Stall,
    /// Freed when the stream is closed, whoever owns it then.
    _place: Place,
}

/// The time for which the client has taken less than it should.
struct Stall {
    limit: Duration,
    /// The earlier stalls, without the present one.
    waited: Duration,
    since: Option<Instant>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    fn progress(&mut self, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
            self.deadline = None;
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let worth = Duration::from_secs(1) * bytes / LEAST_RATE;
        self.waited = self.waited.saturating_sub(worth);
    }

    /// Returns ready when the client has run out of time.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            let left = self.limit.saturating_sub(self.waited);
            self.deadline = Some(Box::pin(sleep_until(now + left)));
        }
        match &mut self.deadline {
            Some(deadline) => deadline.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<S> Stream<S> {
    /// Wraps a connection whose client may take nothing for as long as `limit`.
    pub(super) fn new(inner: S, activity: Arc<Activity>, place: Place, limit: Duration) -> Self {
        Self {
            inner,
            activity,
            stall: Stall {
                limit,
                waited: Duration::ZERO,
                since: None,
                deadline: None,
            },
            _place: place,
        }
    }

    fn after(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.stall.progress(bytes);
                self.activity.note_written();
                Poll::Ready(Ok(bytes))
            }
            Poll::Pending => self.stall.poll_wait(cx).map(|()| {
                let message = "the client takes nothing";
                Err(io::Error::new(io::ErrorKind::TimedOut, message))
            }),
            failed => failed,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.after(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.after(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::connections::Patience;
    use crate::connections::places::{ConnectionSettings, Places};

    const LIMIT: Duration = Duration::from_millis(1_200);

    /// Returns a connection with room for at most `room` bytes under way, and its client's end.
    fn stream(room: usize) -> (Stream<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
        let (ours, theirs) = duplex(room);
        let activity = Arc::new(Activity::new(Patience::default()));
        let places = Places::new(&ConnectionSettings::default(), None, false);
        let place = places.take(IpAddr::from([127, 0, 0, 1]), &activity);
        let place = place.expect("a place");
        (Stream::new(ours, activity, place, LIMIT), theirs)
    }

    /// Writes to a client that takes this many bytes ten times a second.
    async fn write_to_client_of(bytes: usize) -> io::Result<()> {
        let (mut ours, mut theirs) = stream(256);
        let reading = tokio::spawn(async move {
            let mut taken = vec![0; bytes];
            while theirs.read_exact(&mut taken).await.is_ok() {
                sleep(Duration::from_millis(100)).await;
            }
        });
        let written = timeout(Duration::from_secs(60), ours.write_all(&[0; 4_000])).await;
        reading.abort();
        written.expect("an end")
    }

    #[tokio::test]
    async fn who_takes_next_to_nothing_is_gone_and_who_is_slow_is_not() {
        for bytes in [1, 20] {
            let written = write_to_client_of(bytes).await;
            let error = written.map_err(|error| error.kind());
            assert_eq!(error, Err(io::ErrorKind::TimedOut), "{bytes} bytes");
        }
        assert!(write_to_client_of(200).await.is_ok());
    }

    #[tokio::test]
    async fn what_waits_for_us_does_not_count() {
        let (mut ours, mut theirs) = stream(8);
        for _ in 0..3 {
            let mut taken = [0; 16];
            let reading = async {
                sleep(LIMIT / 8).await;
                theirs.read_exact(&mut taken).await
            };
            let (written, read) = tokio::join!(ours.write_all(&[0; 16]), reading);
            assert!(written.is_ok() && read.is_ok());
            sleep(LIMIT * 2).await;
        }
    }
}
