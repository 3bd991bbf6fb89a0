//! What tungstenite makes of the same bytes, in the same pieces, is what this reader makes of them: messages, errors, and when.

use std::io::{Cursor, ErrorKind, Read, Write};

use proptest::prelude::*;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::*;

const MOST: usize = 300;

/// A client that has sent these bytes, and takes whatever it is sent.
struct Client(Cursor<Vec<u8>>);

impl Read for Client {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            bytes => Ok(bytes),
        }
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What comes of a piece: messages, and perhaps the end.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Message(Message),
    Error(String),
}

fn kind_of(error: &Error) -> String {
    match error {
        // The texts name what was wrong in other words.
        Error::Utf8(_) => "no UTF-8".to_owned(),
        error => error.to_string(),
    }
}

fn expected(pieces: &[Vec<u8>]) -> Vec<Vec<Outcome>> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST));
    let mut oracle = WebSocketContext::new(Role::Server, Some(config));
    let mut client = Client(Cursor::default());
    let mut is_over = false;
    let mut read = |piece: &Vec<u8>| {
        client.0.get_mut().extend_from_slice(piece);
        let mut outcomes = Vec::new();
        while !is_over {
            let message = match oracle.read(&mut client) {
                Ok(tungstenite::Message::Text(text)) => Message::Text(text.as_str().to_owned()),
                Ok(tungstenite::Message::Binary(_)) => Message::Binary,
                Ok(tungstenite::Message::Ping(payload)) => Message::Ping(payload.to_vec()),
                Ok(tungstenite::Message::Pong(_)) => Message::Pong,
                Ok(tungstenite::Message::Close(frame)) => {
                    is_over = true;
                    Message::Close(frame.map(|frame| frame.code))
                }
                Ok(tungstenite::Message::Frame(_)) => unreachable!("it is not read"),
                Err(Error::Io(_)) => break,
                Err(error) => {
                    is_over = true;
                    outcomes.push(Outcome::Error(kind_of(&error)));
                    break;
                }
            };
            outcomes.push(Outcome::Message(message));
        }
        outcomes
    };
    pieces.iter().map(&mut read).collect()
}

/// Tungstenite answers a code that nobody may send as if it were another.
fn as_answered(code: CloseCode) -> CloseCode {
    match code.is_allowed() {
        true => code,
        false => CloseCode::Protocol,
    }
}

fn found(pieces: &[Vec<u8>]) -> Vec<Vec<Outcome>> {
    let mut reader = Reader::new(MOST);
    let mut is_over = false;
    let mut arrived = 0;
    let mut read = |piece: &Vec<u8>| {
        let mut outcomes = Vec::new();
        if !is_over {
            reader.receive(piece);
            arrived += piece.len();
        }
        while !is_over {
            match reader.next() {
                Ok(None) => break,
                Ok(Some(Message::Close(code))) => {
                    is_over = true;
                    let code = code.map(as_answered);
                    outcomes.push(Outcome::Message(Message::Close(code)));
                }
                Ok(Some(message)) => outcomes.push(Outcome::Message(message)),
                Err(error) => {
                    is_over = true;
                    outcomes.push(Outcome::Error(kind_of(&error)));
                }
            }
        }
        assert!(reader.held() <= arrived, "it holds what arrived at most");
        if reader.held() == 0 && !is_over {
            assert_eq!(reader.received.capacity(), 0, "and nothing when idle");
        }
        outcomes
    };
    pieces.iter().map(&mut read).collect()
}

fn frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask: [u8; 4] = [7, 77, 177, 250];
    let bit = if masked { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(bit | u8::try_from(length).expect("short")),
        length => {
            frame.push(bit | 126);
            frame.extend(u16::try_from(length).expect("not long").to_be_bytes());
        }
    }
    if masked {
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b));
    } else {
        frame.extend(payload);
    }
    frame
}

/// Mostly what clients send, and now and then what none may.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        6 => prop::sample::select(vec![0x81_u8, 0x01, 0x00, 0x80, 0x82, 0x02, 0x89, 0x8a]),
        1 => prop::sample::select(vec![0x88_u8, 0x09, 0x83, 0x8b, 0xc1, 0xa1, 0x91, 0x08]),
    ];
    let payload = prop_oneof![
        4 => "[a-zé€𝄞]{0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => prop::collection::vec(b'x'..=b'y', 100..310),
    ];
    let masked = prop::sample::select(vec![true; 20]).prop_union(prop::sample::select(vec![false]));
    (first, masked, payload).prop_map(|(first, masked, payload)| frame(first, masked, &payload))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn it_reads_what_tungstenite_reads(
        frames in prop::collection::vec(frames(), 0..8),
        cuts in prop::collection::vec(1_usize..60, 1..40),
    ) {
        let mut bytes: &[u8] = &frames.concat();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, rest) = bytes.split_at(cut.min(bytes.len()));
            pieces.push(piece.to_vec());
            bytes = rest;
        }
        pieces.push(bytes.to_vec());
        prop_assert_eq!(found(&pieces), expected(&pieces));
    }
}

#[test]
fn a_character_may_be_cut_and_a_wrong_one_is_noticed_at_once() {
    let euro = "€".as_bytes();
    let cut = [frame(0x01, true, &euro[..1]), frame(0x80, true, &euro[1..])];
    let read = Outcome::Message(Message::Text("€".to_owned()));
    assert_eq!(found(&cut), [vec![], vec![read]]);
    let wrong = [frame(0x01, true, &[0xc3, 0x28]), frame(0x80, true, b"")];
    assert_eq!(
        found(&wrong),
        [vec![Outcome::Error("no UTF-8".to_owned())], vec![]]
    );
}
