//! Frames leave whole and in order however little the client takes at once, and no buffer stays behind.

use futures::future::poll_fn;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const MOST: usize = 64 * 1024;

fn pair(room: usize) -> (Wire<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(room);
    (Wire::new(ours, b"", MOST), theirs)
}

/// Reads one of the server's frames; returns its first byte and its payload.
async fn frame(client: &mut DuplexStream) -> (u8, Vec<u8>) {
    let first = client.read_u8().await.expect("a frame");
    let length = match client.read_u8().await.expect("a length") {
        126 => usize::from(client.read_u16().await.expect("a length")),
        127 => client.read_u64().await.expect("a length") as usize,
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    client.read_exact(&mut payload).await.expect("a payload");
    (first, payload)
}

async fn flush(wire: &mut Wire<DuplexStream>) -> io::Result<()> {
    poll_fn(|cx| wire.poll_flush(cx)).await
}

async fn message(wire: &mut Wire<DuplexStream>) -> Option<Result<Message, Error>> {
    poll_fn(|cx| wire.poll_message(cx)).await
}

#[tokio::test]
async fn frames_arrive_whole_and_in_order_through_any_room() {
    for room in [1, 7, 1_000, 1 << 20] {
        let (mut wire, mut client) = pair(room);
        let long = "x".repeat(70_000);
        let texts = ["", "a", &"b".repeat(125), &"c".repeat(126), &long, "d"];
        let sending = async {
            for text in texts {
                wire.text(&[
                    &text.as_bytes()[..text.len() / 2],
                    &text.as_bytes()[text.len() / 2..],
                ]);
            }
            flush(&mut wire).await.expect("all is sent");
            // Another turn, with other frames.
            wire.ping();
            flush(&mut wire).await.expect("all is sent");
            assert_eq!(
                (wire.unsent(), wire.unsent.capacity()),
                (0, 0),
                "nothing stays"
            );
        };
        let receiving = async {
            for text in texts {
                let (first, payload) = frame(&mut client).await;
                assert_eq!(first, 0x81);
                assert!(payload == text.as_bytes(), "{} bytes", text.len());
            }
            assert_eq!(frame(&mut client).await, (0x89, Vec::new()));
        };
        tokio::join!(sending, receiving);
    }
}

#[tokio::test]
async fn what_a_client_does_not_take_is_all_that_is_kept() {
    let (mut wire, mut client) = pair(1_000);
    for _ in 0..30 {
        wire.text(&[&[b'x'; 1_000]]);
    }
    assert!(futures::poll!(Box::pin(flush(&mut wire))).is_pending());
    let mut kept = wire.unsent();
    assert!(wire.unsent.capacity() <= 2 * kept, "of {kept}");
    while kept > 0 {
        let mut taken = [0; 700];
        client
            .read_exact(&mut taken[..kept.min(700)])
            .await
            .expect("bytes");
        let _ = futures::poll!(Box::pin(flush(&mut wire)));
        kept = wire.unsent();
        assert!(wire.unsent.capacity() <= (2 * kept).max(8), "of {kept}");
    }
}

#[tokio::test]
async fn pings_and_closes_are_answered_and_the_end_is_the_end() {
    let (mut wire, mut client) = pair(1_000);
    // A masked ping with two bytes, and a close with a code that nobody may send; the mask is zero.
    client
        .write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i'])
        .await
        .expect("room");
    client
        .write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed])
        .await
        .expect("room");
    assert_eq!(
        message(&mut wire).await.expect("a message").ok(),
        Some(Message::Ping(b"hi".to_vec()))
    );
    assert!(matches!(
        message(&mut wire).await,
        Some(Ok(Message::Close(Some(CloseCode::Status))))
    ));
    assert!(message(&mut wire).await.is_none());
    flush(&mut wire).await.expect("all is sent");
    assert_eq!(frame(&mut client).await, (0x8a, b"hi".to_vec()));
    let (first, payload) = frame(&mut client).await;
    assert_eq!((first, &payload[..2]), (0x88, &1002_u16.to_be_bytes()[..]));

    let (mut wire, mut client) = pair(1_000);
    wire.close(4400, "why");
    flush(&mut wire).await.expect("all is sent");
    assert_eq!(
        frame(&mut client).await,
        (0x88, [&4400_u16.to_be_bytes()[..], b"why"].concat())
    );
    client
        .write_all(&[0x88, 0x80, 0, 0, 0, 0])
        .await
        .expect("room");
    assert!(matches!(
        message(&mut wire).await,
        Some(Ok(Message::Close(None)))
    ));
    assert!(message(&mut wire).await.is_none());
    flush(&mut wire).await.expect("nothing more is sent");
    drop(wire);
    assert_eq!(
        client.read(&mut [0]).await.expect("the end"),
        0,
        "it does not answer the answer"
    );

    let (mut wire, client) = pair(1_000);
    drop(client);
    assert!(
        matches!(message(&mut wire).await, Some(Err(_))),
        "a client that vanishes"
    );
    assert!(wire.has_ended());
}
