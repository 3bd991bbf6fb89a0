//! A TCP proxy on loopback between the product and one of its servers, or between a client and a gateway. It cuts connections,
//! also in the middle of a command, stops all traffic for a while, silences existing connections for good while new ones work,
//! delays or swallows the answer to a COMMIT or another command, and limits the rate. It begins as a plain wire, and is one again when a fault is
//! over.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const BUFFER_BYTES: usize = 16 * 1024;
/// The number of bytes that a throttled connection may have in flight.
const NARROW_BYTES: u32 = 4 * 1024;
/// A Postgres client ends its transaction with this text, including the zero byte that ends a query.
const COMMIT: &[u8] = b"COMMIT\0";

/// The fate of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is executed, and answered this much later.
    AnsweredLate(Duration),
    /// It is executed, and never answered, while the connection stays open.
    NeverAnswered,
    /// It is executed, and the connection is cut before the answer.
    CutBeforeAnswer,
    /// It never arrives, and the connection is cut.
    Lost,
}

/// The lost directions of a silent connection. The proxy does not even pass on that the other end has closed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The data from the client.
    Requests,
    /// The data from the server.
    Answers,
    /// Both.
    Both,
}

impl Silence {
    /// Returns one variant after the other.
    pub fn in_turn(turn: usize) -> Self {
        [Self::Both, Self::Answers, Self::Requests][turn % 3]
    }
}

struct Shared {
    target: AtomicU16,
    /// The number of connections so far.
    connections: AtomicU64,
    /// On connections up to this one, data in the silenced directions does not arrive.
    silent_up: AtomicU64,
    silent_down: AtomicU64,
    is_narrow: bool,
    /// Connections of an older generation end.
    generation: watch::Sender<u64>,
    frozen: watch::Sender<bool>,
    /// How many more commands to cut in the middle.
    cuts: AtomicU32,
    /// The bytes per second towards the client; 0 for no limit.
    rate: AtomicU64,
    /// What is in the commands that are doomed, and the fates of the next ones.
    doomed: Mutex<(&'static [u8], Vec<Fate>)>,
}

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of a port of this machine.
    pub async fn start(target: u16) -> Self {
        Self::listen(target, false).await
    }

    /// Does the same with small buffers, so that the sender soon notices a receiver that does not read.
    pub async fn start_narrow(target: u16) -> Self {
        Self::listen(target, true).await
    }

    async fn listen(target: u16, is_narrow: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let shared = Arc::new(Shared {
            target: AtomicU16::new(target),
            connections: AtomicU64::new(0),
            silent_up: AtomicU64::new(0),
            silent_down: AtomicU64::new(0),
            is_narrow,
            generation: watch::Sender::new(0),
            frozen: watch::Sender::new(false),
            cuts: AtomicU32::new(0),
            rate: AtomicU64::new(0),
            doomed: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self {
            port,
            shared,
            accepting,
        }
    }

    /// Leads new connections to another port. Those that exist stay where they are.
    pub fn lead_to(&self, target: u16) {
        self.shared.target.store(target, Ordering::SeqCst);
    }

    /// Ends all existing connections.
    pub fn cut_all(&self) {
        self.shared.generation.send_modify(|it| *it += 1);
    }

    /// Stops all traffic; connections stay open.
    pub fn freeze(&self) {
        self.shared.frozen.send_replace(true);
    }

    pub fn thaw(&self) {
        self.shared.frozen.send_replace(false);
    }

    /// Silences the existing connections for the rest of their lives; new ones work.
    pub fn silence_all(&self, silence: Silence) {
        let last = self.shared.connections.load(Ordering::SeqCst);
        if silence != Silence::Answers {
            self.shared.silent_up.store(last, Ordering::SeqCst);
        }
        if silence != Silence::Requests {
            self.shared.silent_down.store(last, Ordering::SeqCst);
        }
    }

    /// Returns the number of connections so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Lets only the first half of this many commands arrive, and cuts their connections.
    pub fn cut_commands(&self, count: u32) {
        self.shared.cuts.store(count, Ordering::Relaxed);
    }

    /// Returns how many commands are yet to be cut.
    pub fn cuts_left(&self) -> u32 {
        self.shared.cuts.load(Ordering::Relaxed)
    }

    /// Assigns these fates to the next COMMITs, the last one first.
    pub fn doom_commits(&self, fates: Vec<Fate>) {
        self.doom(COMMIT, fates);
    }

    /// Assigns these fates to the next commands that have this text, the last one first.
    pub fn doom(&self, text: &'static [u8], fates: Vec<Fate>) {
        *self.shared.doomed.lock() = (text, fates);
    }

    /// Returns how many doomed commands are yet to come.
    pub fn doomed_left(&self) -> usize {
        self.shared.doomed.lock().1.len()
    }

    /// Limits the bytes per second towards the client; 0 removes the limit.
    pub fn throttle(&self, bytes_per_second: u64) {
        self.shared.rate.store(bytes_per_second, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut_all();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        if let Ok((client, _)) = listener.accept().await {
            tokio::spawn(connect(client, shared.clone()));
        }
    }
}

async fn connect(client: TcpStream, shared: Arc<Shared>) {
    let mut generation = shared.generation.subscribe();
    let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
    let Ok(server) = open(&shared).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (answers, answering) = watch::channel(Answers::Flow);
    tokio::select! {
        _ = generation.changed() => {}
        _ = send_up(from_client, to_server, &shared, &answers, number) => {}
        _ = send_down(from_server, to_client, &shared, answering, number) => {}
    }
}

async fn open(shared: &Shared) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if shared.is_narrow {
        socket.set_recv_buffer_size(NARROW_BYTES)?;
    }
    let server = socket
        .connect(([127, 0, 0, 1], shared.target.load(Ordering::SeqCst)).into())
        .await?;
    server.set_nodelay(true)?;
    Ok(server)
}

/// The fate of a connection's answers.
#[derive(Clone, Copy, Debug)]
enum Answers {
    Flow,
    WaitUntil(tokio::time::Instant),
    Vanish,
    /// The next answer is thrown away, and the connection ends.
    End,
}

async fn send_up(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    answers: &watch::Sender<Answers>,
    number: u64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await;
        if number <= shared.silent_up.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let length = read?;
        if length == 0 {
            return Ok(());
        }
        shared.await_thaw().await;
        let bytes = &buffer[..length];
        if shared.takes_cut() {
            to.write_all(&bytes[..length / 2]).await?;
            to.flush().await?;
            return Ok(());
        }
        match shared.fate_of(bytes) {
            None => {}
            Some(Fate::Lost) => return Ok(()),
            Some(Fate::AnsweredLate(by)) => {
                let until = tokio::time::Instant::now() + by;
                answers.send_replace(Answers::WaitUntil(until));
            }
            Some(Fate::NeverAnswered) => drop(answers.send_replace(Answers::Vanish)),
            Some(Fate::CutBeforeAnswer) => drop(answers.send_replace(Answers::End)),
        }
        to.write_all(bytes).await?;
    }
}

async fn send_down(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    answers: watch::Receiver<Answers>,
    number: u64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let room = match shared.rate.load(Ordering::Relaxed) {
            0 => BUFFER_BYTES,
            rate => (rate as usize).min(BUFFER_BYTES),
        };
        let read = from.read(&mut buffer[..room]).await;
        if number <= shared.silent_down.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let length = read?;
        if length == 0 {
            return Ok(());
        }
        shared.await_thaw().await;
        let fate = *answers.borrow();
        match fate {
            Answers::Flow => {}
            Answers::WaitUntil(until) => tokio::time::sleep_until(until).await,
            Answers::Vanish => continue,
            Answers::End => return Ok(()),
        }
        to.write_all(&buffer[..length]).await?;
        if shared.rate.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

impl Shared {
    async fn await_thaw(&self) {
        let mut frozen = self.frozen.subscribe();
        // The sender lives as long as this connection.
        let _ = frozen.wait_for(|frozen| !frozen).await;
    }

    fn takes_cut(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.cuts.fetch_update(set, fetch, less).is_ok()
    }

    fn fate_of(&self, bytes: &[u8]) -> Option<Fate> {
        let (text, fates) = &mut *self.doomed.lock();
        if fates.is_empty() || !bytes.windows(text.len()).any(|window| window == *text) {
            return None;
        }
        fates.pop()
    }
}
