//! What a client sends on a socket, as fuzzing makes it.

use super::{Message, Reader};
use crate::websocket::message;

const MOST: usize = 1024;

/// Reads bytes whole and in pieces, whose length is the first of them. The messages are the same, and so is the end.
pub(crate) fn frames(data: &[u8]) {
    let Some((length, bytes)) = data.split_first() else {
        return;
    };
    let whole = read([bytes].into_iter());
    let pieces = read(bytes.chunks(usize::from(*length).max(1)));
    assert_eq!(whole, pieces);
    for message in whole.into_iter().flatten() {
        if let Message::Text(text) = message {
            let _ = message::parse(&text);
        }
    }
}

/// Returns the messages, and none for an error, which ends them.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Option<Message>> {
    let (mut reader, mut messages, mut arrived) = (Reader::new(MOST), Vec::new(), 0);
    for piece in pieces {
        reader.receive(piece);
        arrived += piece.len();
        loop {
            match reader.next() {
                Ok(Some(Message::Close(code))) => {
                    messages.push(Some(Message::Close(code)));
                    return messages;
                }
                Ok(Some(message)) => messages.push(Some(message)),
                Ok(None) => break,
                Err(_) => {
                    messages.push(None);
                    return messages;
                }
            }
        }
        assert!(reader.held() <= arrived, "it holds what arrived at most");
    }
    messages
}
