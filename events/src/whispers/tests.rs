//! Whispers within a process, and between two over a Redis that comes and goes.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use sea_orm::ConnectionTrait;
use tokio::{sync::broadcast::error::TryRecvError, time::timeout};

use super::*;
use crate::{
    EventLog, LogConfig,
    kit::{self, SqliteFile},
};

const CHAT: StreamKey = StreamKey {
    kind: "chat",
    id: Uuid::from_u128(1),
};

fn other(id: u128) -> StreamKey {
    StreamKey {
        id: Uuid::from_u128(id),
        ..CHAT
    }
}

#[test]
fn a_whisper_is_heard_at_once_by_those_who_listen_to_its_stream() {
    let whispers = Whispers::new(None);
    whispers.whisper(CHAT, "too early");
    let (mut one, mut two) = (whispers.listen(CHAT), whispers.listen(CHAT));
    let mut elsewhere = whispers.listen(other(2));
    whispers.whisper(CHAT, "hello");
    for listener in [&mut one, &mut two] {
        assert_eq!(listener.try_recv().as_deref(), Ok("hello"));
        assert_eq!(listener.try_recv(), Err(TryRecvError::Empty));
    }
    assert_eq!(elsewhere.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn everything_is_bounded() {
    let (to_others, mut queue) = mpsc::channel(8);
    let whispers = Whispers::new(Some(to_others));
    let mut slow = whispers.listen(CHAT);
    whispers.whisper(CHAT, &"x".repeat(MAX_MESSAGE_BYTES + 1));
    assert_eq!(slow.try_recv(), Err(TryRecvError::Empty));
    for number in 0..100 {
        whispers.whisper(CHAT, &number.to_string());
    }
    let lost = 100 - LISTENER_MESSAGES as u64;
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(lost)));
    assert_eq!(slow.try_recv().as_deref(), Ok(&*lost.to_string()));
    let queued = std::iter::from_fn(|| queue.try_recv().ok()).count();
    assert_eq!(queued, 8, "nobody took them away");
    while slow.try_recv().is_ok() {}
    for id in 2..10_000 {
        whispers.listen(other(id));
        whispers.whisper(other(id), "nobody listens any more");
    }
    let held = whispers.with_channels(|channels| channels.by_stream.len());
    assert!(held <= UNSWEPT, "{held} channels for one listener");
    whispers.whisper(CHAT, "still here");
    assert_eq!(slow.try_recv().as_deref(), Ok("still here"));
}

#[test]
fn what_returns_to_its_origin_is_not_heard_twice() {
    let (to_others, mut queue) = mpsc::channel(8);
    let here = Whispers::new(Some(to_others));
    let there = Whispers::new(None);
    let (mut heard_here, mut heard_there) = (here.listen(CHAT), there.listen(CHAT));
    here.whisper(CHAT, "\"hello\"\n");
    let text = queue.try_recv().expect("it goes to others");
    here.receive(text.as_bytes());
    there.receive(text.as_bytes());
    there.receive(b"{}");
    for listener in [&mut heard_here, &mut heard_there] {
        assert_eq!(listener.try_recv().as_deref(), Ok("\"hello\"\n"));
        assert_eq!(listener.try_recv(), Err(TryRecvError::Empty));
    }
}

struct Redis {
    port: u16,
    server: Child,
}

impl Redis {
    fn start(port: u16) -> Self {
        let server = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is in PATH; on Debian or Ubuntu: apt-get install redis-server");
        Self { port, server }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.server.kill().expect("it is ours");
        self.server.wait().expect("it ends");
    }
}

async fn start_log(redis: &Redis) -> (SqliteFile, EventLog) {
    let (file, database) = SqliteFile::create().await;
    // Both logs take their databases for one, whose processes they are.
    let sql = "update log_head set epoch = 7";
    let updated = database.schema_connection().execute_unprepared(sql).await;
    updated.expect("an epoch");
    let config = LogConfig {
        redis_url: Some(format!("redis://127.0.0.1:{}", redis.port)),
        ..kit::config()
    };
    let log = EventLog::start(database, config).await;
    (file, log.expect("the log starts"))
}

/// Whispers until it is received at the other side: whispers before both are connected are lost, as they should be.
async fn is_heard(from: &EventLog, to: &EventLog, message: &str) -> bool {
    let mut heard = to.listen_whispers(CHAT);
    for _ in 0..500 {
        from.whisper(CHAT, message.to_owned());
        let next = timeout(Duration::from_millis(20), heard.recv()).await;
        if next.is_ok_and(|next| next.as_deref() == Ok(message)) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn other_processes_hear_over_a_redis_that_comes_and_goes() {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let redis = Redis::start(port);
    let (_one_file, one) = start_log(&redis).await;
    let (_two_file, two) = start_log(&redis).await;
    assert!(is_heard(&one, &two, "hello").await);
    assert!(is_heard(&two, &one, "hello to you").await);
    drop(redis);
    let mut listener = one.listen_whispers(CHAT);
    for _ in 0..2 * QUEUED_MESSAGES {
        one.whisper(CHAT, "only here".to_owned());
    }
    assert!(listener.recv().await.is_err(), "it was too slow");
    assert_eq!(listener.recv().await.as_deref(), Ok("only here"));
    let _redis = Redis::start(port);
    assert!(is_heard(&one, &two, "back").await);
    assert!(is_heard(&two, &one, "and here").await);
}
