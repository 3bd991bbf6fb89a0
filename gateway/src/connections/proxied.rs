//! The PROXY protocol, versions 1 and 2: a load balancer that passes bytes on says before the first of them whose they are. A connection from
//! a proxy that is trusted has to begin so, and any other is served as it is. So nobody claims another's address, and nothing is guessed.
//! It is bounded in bytes and in time, and nothing behind it is read. Called by `connections`, before TLS.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::activity::Activity;
use crate::forwarding::Forwarding;
use crate::shutdown::Shutdown;

/// How long it may take: it is sent at once, and fits a packet.
const LIMIT: Duration = Duration::from_secs(5);
/// The bytes of the shortest one, and the most: of a text, and of binary with more about the client, such as its certificate's name.
const SHORTEST: usize = b"PROXY UNKNOWN\r\n".len();
const LONGEST_TEXT: usize = 107;
const LONGEST: usize = 2 * 1024;
/// What a binary one begins with, up to the length of the rest.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const BINARY_HEAD: usize = BINARY.len() + 4;

/// Returns the address of the client; `None` when it does not begin as it has to, or is to make room.
pub(super) async fn client_of(
    stream: &mut TcpStream,
    peer: IpAddr,
    activity: &Activity,
    (forwarding, shutdown): (&Forwarding, &Shutdown),
) -> Option<IpAddr> {
    if !forwarding.begins_with_address(peer) {
        return Some(peer);
    }
    let read = tokio::select! {
        read = timeout(LIMIT, read(stream)) => read,
        _ = activity.overdue() => return None,
        () = shutdown.wait() => return None,
    };
    match read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        // Without an address it is a connection of the proxy's own, such as a probe.
        Ok(address) => Some(address.unwrap_or(peer)),
        Err(error) => {
            tracing::debug!(%error, %peer, "a proxy did not say whose its connection is");
            None
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut header = vec![0; SHORTEST];
    stream.read_exact(&mut header).await?;
    if header.starts_with(BINARY) {
        header.resize(BINARY_HEAD, 0);
        stream.read_exact(&mut header[SHORTEST..]).await?;
        let [.., high, low] = header[..] else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let whole = BINARY_HEAD + usize::from(u16::from_be_bytes([high, low]));
        if whole > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        header.resize(whole, 0);
        stream.read_exact(&mut header[BINARY_HEAD..]).await?;
    } else {
        while !header.ends_with(b"\r\n") {
            if header.len() == LONGEST_TEXT || !header.starts_with(b"PROXY ") {
                return Err(io::ErrorKind::InvalidData.into());
            }
            header.push(stream.read_u8().await?);
        }
    }
    let parsed = ProxyHeader::parse(&header, ParseConfig::default());
    let (header, _) = parsed.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let address = header.proxied_address();
    Ok(address.map(|address| address.source.ip()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{Router, extract::Request, routing::get};
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;
    use crate::budget::{Budget, Most};
    use crate::connections::{Client, ConnectionSettings, Door, Patience, Places, serve};
    use crate::sign_in::SignInSettings;

    /// A door whose one route says where its client is, behind a proxy at 127.0.0.2.
    fn door() -> Door {
        let who = |request: Request| async move {
            let client = request.extensions().get::<Client>();
            client.map_or_else(String::new, |client| format!("you are {}", client.address))
        };
        let settings = SignInSettings {
            proxy_protocol: true,
            trusted_proxies: vec!["127.0.0.2/32".parse().expect("a network")],
            ..workers::settings::defaults()
        };
        let most = Most {
            in_all: usize::MAX,
            by_user: usize::MAX,
            by_network: usize::MAX,
        };
        Door {
            router: Router::new().route("/", get(who)),
            endpoint: None,
            shutdown: Shutdown::default(),
            transit: Budget::new("bytes on their way", most),
            forwarded: settings.forwarding().expect("proxies"),
            places: Places::new(&ConnectionSettings::default(), None, true),
            hosts: Arc::new([]),
            patience: Patience::default(),
            tls: None,
        }
    }

    #[tokio::test]
    async fn who_is_trusted_begins_with_an_address_and_nobody_else_is_believed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, door) = (listener.local_addr().expect("an address"), door());
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let entrant = door.admit(stream, peer).expect("a place");
                tokio::spawn(serve(entrant, door.clone()));
            }
        });
        let header = "PROXY TCP4 198.51.100.7 127.0.0.1 4711 80\r\n";
        for (from, header, expected) in [
            ("127.0.0.2", header, "you are 198.51.100.7"),
            ("127.0.0.2", "PROXY UNKNOWN\r\n", "you are 127.0.0.2"),
            ("127.0.0.2", "", ""),
            ("127.0.0.1", "", "you are 127.0.0.1"),
            ("127.0.0.1", header, "400 Bad Request"),
        ] {
            let socket = TcpSocket::new_v4().expect("a socket");
            let from_any = format!("{from}:0").parse().expect("an address");
            socket.bind(from_any).expect("an address of this machine");
            let mut stream = socket.connect(address).await.expect("a connection");
            let request =
                format!("{header}GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            let sent = stream.write_all(request.as_bytes()).await;
            sent.expect("it is sent");
            let mut answer = Vec::new();
            // What is refused may be cut off.
            let _ = stream.read_to_end(&mut answer).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.contains(expected), "{from} {header}: {answer}");
            assert_eq!(answer.is_empty(), expected.is_empty(), "{answer}");
        }
    }

    #[test]
    fn somebody_has_to_be_trusted() {
        let settings = SignInSettings {
            proxy_protocol: true,
            ..workers::settings::defaults()
        };
        assert!(settings.forwarding().is_err());
    }

    /// Reads one that has `rest` behind it; returns the address and what was left.
    async fn read_of(mut header: &[u8]) -> Result<(Option<String>, &[u8]), io::ErrorKind> {
        let read = read(&mut header).await.map_err(|error| error.kind())?;
        Ok((read.map(|address| address.to_string()), header))
    }

    fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).expect("short").to_be_bytes();
        [BINARY, &[command, family], &length, body, b"GET"].concat()
    }

    #[tokio::test]
    async fn the_client_is_who_the_header_says_and_nothing_behind_it_is_read() {
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x11, 0x22, 0, 80];
        let mut v6 = [0; 36];
        v6[..2].copy_from_slice(&[0x20, 0x01]);
        v6[15] = 7;
        // With the name of the host behind the addresses.
        let named = [&v4[..], &[2, 0, 4, b'h', b'o', b's', b't']].concat();
        let cases: [(Vec<u8>, Option<&str>); 7] = [
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\nGET".to_vec(),
                Some("192.0.2.7"),
            ),
            (
                b"PROXY TCP6 2001::7 2001::1 4711 80\r\nGET".to_vec(),
                Some("2001::7"),
            ),
            (b"PROXY UNKNOWN\r\nGET".to_vec(), None),
            (binary(0x21, 0x11, &v4), Some("192.0.2.7")),
            (binary(0x21, 0x11, &named), Some("192.0.2.7")),
            (binary(0x21, 0x21, &v6), Some("2001::7")),
            (binary(0x20, 0x00, &[]), None),
        ];
        for (header, expected) in &cases {
            let (address, rest) = read_of(header).await.expect("a header");
            assert_eq!((address.as_deref(), rest), (*expected, &b"GET"[..]));
        }
    }

    #[tokio::test]
    async fn what_is_none_is_refused_before_much_of_it_is_read() {
        let endless = [b"PROXY TCP4 ".to_vec(), vec![b'1'; 4_096]].concat();
        let cases: [(Vec<u8>, io::ErrorKind); 7] = [
            (
                b"GET / HTTP/1.1\r\nhost: x\r\n".to_vec(),
                io::ErrorKind::InvalidData,
            ),
            (
                b"PROXY TCP4 192.0.2.700 10.0.0.1 4711 80\r\n".to_vec(),
                io::ErrorKind::InvalidData,
            ),
            (endless, io::ErrorKind::InvalidData),
            (binary(0x31, 0x11, &[0; 12]), io::ErrorKind::InvalidData),
            (binary(0x21, 0x11, &[0; 2]), io::ErrorKind::InvalidData),
            (binary(0x21, 0x11, &[0; 4_096]), io::ErrorKind::InvalidData),
            (b"PROXY TCP4 192".to_vec(), io::ErrorKind::UnexpectedEof),
        ];
        for (header, expected) in &cases {
            assert_eq!(read_of(header).await, Err(*expected));
        }
    }
}
