//! Clients that send nothing, or take nothing, in every protocol spoken here: their connections end, and those of others do not.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use axum::routing::{get, post};
use futures::StreamExt;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use super::*;
use crate::budget::Most;

const PATIENCE: Patience = Patience {
    first_request: Duration::from_millis(900),
    next_request: Duration::from_millis(1_800),
    stall: Duration::from_millis(2_700),
};
/// When everything must be over, even on a busy machine.
const OVER: Duration = Duration::from_secs(60);
const LARGE: usize = 8 << 20;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// SETTINGS without any setting.
const NO_SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// SETTINGS under which streams may carry nothing.
const NO_WINDOW: [u8; 15] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];

/// HEADERS of `GET path`, on stream 1.
fn ask(path: &str) -> Vec<u8> {
    // :method GET, :scheme http, :authority x, and :path as a literal.
    let mut block = vec![
        0x82,
        0x86,
        0x41,
        1,
        b'x',
        0x44,
        u8::try_from(path.len()).expect("short"),
    ];
    block.extend_from_slice(path.as_bytes());
    let length = u8::try_from(block.len()).expect("a short block");
    let mut frame = vec![0, 0, length, 1, 5, 0, 0, 0, 1];
    frame.extend(block);
    frame
}

async fn open() -> (SocketAddr, Door) {
    let large = || async { Bytes::from(vec![b'x'; LARGE]) };
    let events = || async {
        let event = Bytes::from(vec![b'x'; 64 * 1024]);
        let events = futures::stream::repeat(event).map(Ok::<_, Infallible>);
        (
            [(CONTENT_TYPE, "text/event-stream")],
            Body::from_stream(events),
        )
    };
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/large", get(large))
        .route("/events", get(events))
        .route("/refuse", post(|| async { StatusCode::UNAUTHORIZED }));
    let most = Most {
        in_all: usize::MAX,
        by_user: usize::MAX,
        by_network: LARGE * 3,
    };
    let door = Door {
        router,
        endpoint: None,
        shutdown: Shutdown::default(),
        transit: Budget::new("bytes on their way", most),
        forwarded: Forwarding::default(),
        places: Places::new(&ConnectionSettings::default(), None, false),
        hosts: Arc::new(["x".parse().expect("a name")]),
        patience: PATIENCE,
        tls: None,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, shared) = (listener.local_addr().expect("an address"), door.clone());
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let entrant = shared.admit(stream, peer).expect("a place");
            tokio::spawn(serve(entrant, shared.clone()));
        }
    });
    (address, door)
}

/// Waits until the server has hung up, whatever it sends before.
async fn end(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let ending = timeout(OVER, stream.read_to_end(&mut said)).await;
    let _ = ending.expect("the connection ends");
    said
}

/// Waits until the server has hung up on a client that reads nothing: what is written to it is refused then.
async fn end_unread(mut stream: TcpStream) {
    let ending = async {
        while stream.write_all(b"\r\n").await.is_ok() {
            sleep(LOOK).await;
        }
    };
    timeout(OVER, ending).await.expect("the connection ends");
}

async fn say(address: SocketAddr, what: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(what).await.expect("it is sent");
    stream
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let (address, _) = open().await;
    let mut asked_once = [PREFACE, &NO_SETTINGS].concat();
    asked_once.extend(ask("/"));
    let cases: [(&str, Vec<u8>); 8] = [
        ("nothing", vec![]),
        ("a letter", b"G".to_vec()),
        ("half a preface", PREFACE[..18].to_vec()),
        ("a preface", PREFACE.to_vec()),
        ("a preface and settings", [PREFACE, &NO_SETTINGS].concat()),
        (
            "half a header",
            b"GET / HTTP/1.1\r\nhost: x\r\nx: ".to_vec(),
        ),
        (
            "a request, and no more",
            b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        ),
        ("a request on HTTP/2, and no more", asked_once),
    ];
    let mut ending = JoinSet::new();
    for (what, said) in cases {
        let stream = say(address, &said).await;
        ending.spawn(async move { (what, end(stream).await) });
    }
    // A byte of a header now and then.
    let mut dripping = say(address, b"GET / HTTP/1.1\r\nx: ").await;
    ending.spawn(async move {
        let dripped = async {
            while dripping.write_all(b"x").await.is_ok() {
                sleep(LOOK).await;
            }
        };
        timeout(OVER, dripped).await.expect("the connection ends");
        ("drops", Vec::new())
    });
    while let Some(ended) = ending.join_next().await {
        let (what, answer) = ended.expect("it ended");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(
            what.starts_with("a request"),
            answer.contains("here"),
            "{what}: {answer}"
        );
    }
    // A client that keeps asking stays.
    let mut stream = say(address, b"").await;
    for _ in 0..10 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .expect("it is sent");
        let mut answer = [0; 512];
        let length = stream.read(&mut answer).await.expect("an answer");
        assert!(answer[..length].ends_with(b"here"));
        sleep(PATIENCE.first_request / 2).await;
    }
}

#[tokio::test]
async fn who_takes_nothing_is_not_waited_for_and_gets_nothing_more() {
    let (address, door) = open().await;
    let mut ending = JoinSet::new();
    for path in ["/large", "/events"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        ending.spawn(end_unread(say(address, request.as_bytes()).await));
        let mut request = [PREFACE, &NO_WINDOW].concat();
        request.extend(ask(path));
        let stream = say(address, &request).await;
        // The connection itself goes on; only the stream stands still.
        ending.spawn(async move { drop(end(stream).await) });
    }
    let wanting = |address| async move {
        say(
            address,
            b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        )
        .await
    };
    assert!(
        end(wanting(address).await)
            .await
            .starts_with(b"HTTP/1.1 200"),
        "there is room"
    );
    let mut unread = Vec::new();
    for _ in 0..2 {
        unread.push(say(address, b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await);
    }
    let mut answer = Vec::new();
    for _ in 0..100 {
        answer = end(wanting(address).await).await;
        if answer.starts_with(b"HTTP/1.1 429") {
            break;
        }
        sleep(Duration::from_millis(5)).await;
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        answer.contains("RATE_LIMITED") && answer.contains("retry-after"),
        "{answer}"
    );
    for stream in unread {
        ending.spawn(end_unread(stream));
    }
    while let Some(ended) = ending.join_next().await {
        ended.expect("it ended");
    }
    all_is_back(&door, address).await;
}

async fn all_is_back(door: &Door, address: SocketAddr) {
    let holders = [None, Some(Holder::network(address.ip()))];
    let all_back = async {
        while door.transit.share(holders).grow(LARGE * 3).is_err() {
            sleep(LOOK).await;
        }
    };
    let all_back = timeout(OVER, all_back).await;
    all_back.expect("nothing is held any more");
}

/// A stream of HTTP/2 without room asks for nothing of its answer, which is there all the same.
#[tokio::test]
async fn an_answer_is_counted_before_its_client_takes_any_of_it() {
    let (address, door) = open().await;
    let request = [PREFACE, &NO_WINDOW, &ask("/large")].concat();
    let mut unread = Vec::new();
    for _ in 0..4 {
        unread.push(say(address, &request).await);
    }
    let holders = [None, Some(Holder::network(address.ip()))];
    let counted = async {
        while door.transit.check(&holders).is_ok() {
            sleep(LOOK).await;
        }
    };
    timeout(OVER, counted).await.expect("they are counted");
    drop(unread);
    all_is_back(&door, address).await;
}

#[tokio::test]
async fn a_refusal_is_read_by_who_is_still_sending() {
    let (address, _) = open().await;
    const LENGTH: usize = 400_000;
    let head = format!("POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: {LENGTH}\r\n\r\n");
    let mut stream = say(address, head.as_bytes()).await;
    for piece in vec![b'x'; LENGTH].chunks(50_000) {
        stream.write_all(piece).await.expect("it is still taken");
        sleep(Duration::from_millis(10)).await;
    }
    let answer = end(stream).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 401"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    // A client that waits for permission to send gets none, and an answer at once.
    let head = format!(
        "POST /refuse HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {LENGTH}\r\n\r\n"
    );
    let answer = end(say(address, head.as_bytes()).await).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 401"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_an_idle_one() -> io::Result<()> {
    let (_, mut door) = open().await;
    door.patience = Patience::default();
    let settings = ConnectionSettings {
        max_clients: Some(4),
        max_clients_per_address: Some(3),
        ..ConnectionSettings::default()
    };
    door.places = Places::new(&settings, None, false);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            if let Some(entrant) = door.admit(stream, peer) {
                tokio::spawn(serve(entrant, door.clone()));
            }
        }
    });
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(say(address, b"").await);
        let asked = say(
            address,
            b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        )
        .await;
        assert!(end(asked).await.starts_with(b"HTTP/1.1 200"));
    }
    for stream in silent.drain(..17) {
        assert!(end(stream).await.is_empty(), "it had to go");
    }
    // A busy client keeps its place; the next one to come is told.
    let mut busy = Vec::new();
    for _ in 0..3 {
        busy.push(say(address, b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await);
        sleep(LOOK).await;
    }
    let refused = end(say(address, b"").await).await;
    let refused = String::from_utf8_lossy(&refused).into_owned();
    assert!(
        refused.starts_with("HTTP/1.1 503") && refused.contains("UNAVAILABLE"),
        "{refused}"
    );
    Ok(())
}

#[test]
fn who_has_no_place_is_told_in_http() {
    let text = std::str::from_utf8(NO_PLACE).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{}",
        body.len()
    );
    assert!(
        serde_json::from_str::<serde_json::Value>(body).is_ok(),
        "{body}"
    );
}

/// A client that reads steadily, and not much, through a narrow window: the writer hears of room often enough to know that it reads,
/// and the kernel never takes it for gone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_slow_reader_is_heard_of_and_never_taken_for_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let client = TcpSocket::new_v4().expect("a socket");
    client.set_recv_buffer_size(8 * 1024).expect("a buffer");
    let address = listener.local_addr().expect("an address");
    let (client, server) = tokio::join!(client.connect(address), listener.accept());
    let (mut client, (server, _)) = (client.expect("connected"), server.expect("accepted"));
    set_options(&server);
    let limit = SockRef::from(&server).tcp_user_timeout();
    assert_eq!(limit.expect("an option"), None, "see `options`");

    let mut piece = vec![0; 4 * 1024];
    for _ in 0..5 {
        while server.try_write(&[0; 16 * 1024]).is_ok() {}
        let mut read = 0;
        let reading = async {
            loop {
                read += client.read(&mut piece).await.expect("bytes");
                sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            () = reading => {}
            room = server.writable() => room.expect("room"),
        }
        assert!(read <= 96 * 1024, "{read} bytes until there was room");
    }
}

/// A request that has arrived is answered, even if its connection has to make room before anybody has read it.
#[tokio::test]
async fn who_has_asked_is_answered_before_they_leave() {
    let (_, door) = open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    // Which of several things that are ready comes first is drawn.
    for said in [&request[..], b""].into_iter().cycle().take(20) {
        let client = say(address, said).await;
        let (stream, peer) = listener.accept().await.expect("a connection");
        let entrant = door.admit(stream, peer).expect("a place");
        entrant.activity.ask_to_leave();
        tokio::spawn(serve(entrant, door.clone()));
        let answer = end(client).await;
        assert_eq!(answer.starts_with(b"HTTP/1.1 200"), !said.is_empty());
    }
}
