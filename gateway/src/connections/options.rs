//! The options of a client's connection that the kernel knows. Called by `connections`.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// A peer that has nothing to acknowledge is asked after this long whether it is still there. One that leaves data unacknowledged is
/// given up by the kernel's retransmissions, after a quarter of an hour; sockets and HTTP/2 ask much earlier.
///
/// There is no `TCP_USER_TIMEOUT`: the kernel counts a peer whose window is too narrow for what waits as one that is gone, however
/// steadily it reads. Whether a client takes enough is decided in `stream`.
const SILENCE: Duration = Duration::from_secs(60);
/// How many bytes may wait unsent in the kernel before it reports no room. Without it, room is reported when a third of the buffer is
/// free, and a client that reads 3 KiB a second would seem to take nothing for a minute.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 32 * 1024;
/// The buffer sizes of one connection.
const KERNEL_BUFFER: usize = 256 * 1024;

/// A failure here costs latency or memory at most.
pub(super) fn set_options(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(SILENCE)
        .with_interval(SILENCE / 4);
    let set = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_send_buffer_size(KERNEL_BUFFER))
        .and_then(|()| socket.set_recv_buffer_size(KERNEL_BUFFER));
    #[cfg(target_os = "linux")]
    let set = set.and_then(|()| socket.set_tcp_notsent_lowat(UNSENT));
    if let Err(error) = set {
        tracing::debug!(%error, "could not set the options of a connection");
    }
}
