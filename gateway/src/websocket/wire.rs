//! A WebSocket on its connection: what was read is messages, what is written is frames. Called by `connection` and `close`.
//!
//! Why an idle socket costs no buffer, and an event no allocation for each of its receivers: bytes are read into a buffer of the thread,
//! and only what is not a whole message yet is kept. Frames are put together in a buffer of the thread as well, several behind each other,
//! and go out in one write. A turn of a socket's task neither waits nor changes its thread, so no other socket sees these buffers. Only
//! what the client has not taken when the turn ends is kept by the socket, in a buffer of that size. The connection bounds it by asking
//! for [`Wire::unsent`] before it produces more.

#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod reader;

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::Error;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

pub(super) use reader::Message;
use reader::Reader;

use crate::connections::Upgraded;

/// The most bytes read at once.
const READ_BYTES: usize = 16 * 1024;
/// A larger buffer is not kept for the next socket.
const MOST_SPARE: usize = 256 * 1024;

thread_local! {
    static INCOMING: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
    /// An empty buffer with room.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How far the socket is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// We have sent a close frame.
    Closing,
    /// The client has closed, or nothing more can be read.
    Ended,
}

pub(super) struct Wire<S = Upgraded> {
    stream: S,
    reader: Reader,
    /// Frames, of which the first `sent` bytes are sent.
    unsent: Vec<u8>,
    sent: usize,
    state: State,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Wraps a connection on which these bytes have arrived already; messages have so many bytes at most.
    pub(super) fn new(stream: S, arrived: &[u8], most_bytes: usize) -> Self {
        let mut reader = Reader::new(most_bytes);
        if !arrived.is_empty() {
            reader.receive(arrived);
        }
        Self {
            stream,
            reader,
            unsent: Vec::new(),
            sent: 0,
            state: State::Open,
        }
    }

    /// Returns how many bytes of an unfinished message it holds.
    pub(super) fn unfinished(&self) -> usize {
        self.reader.held()
    }

    /// Returns how many bytes wait to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.len() - self.sent
    }

    /// Returns whether nothing more can be read.
    pub(super) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Returns the next message; `None` at the end. Pings and close frames are answered with the next flush.
    pub(super) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Error>>> {
        if self.state == State::Ended {
            return Poll::Ready(None);
        }
        let read = ready!(self.poll_read(cx));
        match &read {
            Ok(Message::Ping(payload)) if self.state == State::Open => {
                self.frame(OpCode::Control(Control::Pong), &[payload]);
            }
            Ok(Message::Close(code)) => {
                if self.state == State::Open {
                    self.answer_close(*code);
                }
                self.state = State::Ended;
            }
            Err(_) => self.state = State::Ended,
            Ok(_) => {}
        }
        Poll::Ready(Some(read))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        loop {
            if let Some(message) = self.reader.next().transpose() {
                return Poll::Ready(message);
            }
            let (stream, reader) = (Pin::new(&mut self.stream), &mut self.reader);
            let read = INCOMING.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(stream.poll_read(cx, &mut buffer))?;
                reader.receive(buffer.filled());
                Poll::Ready(Ok::<_, io::Error>(buffer.filled().len()))
            });
            if ready!(read)? == 0 {
                return Poll::Ready(Err(ProtocolError::ResetWithoutClosingHandshake.into()));
            }
        }
    }

    fn answer_close(&mut self, code: Option<CloseCode>) {
        match code {
            None => self.frame(OpCode::Control(Control::Close), &[]),
            Some(code) if code.is_allowed() => self.close_frame(code.into(), ""),
            Some(_) => self.close_frame(CloseCode::Protocol.into(), "Protocol violation"),
        }
    }

    /// Adds a text frame with these parts, which are UTF-8 together.
    pub(super) fn text(&mut self, parts: &[&[u8]]) {
        self.frame(OpCode::Data(Data::Text), parts);
    }

    /// Adds a ping.
    pub(super) fn ping(&mut self) {
        self.frame(OpCode::Control(Control::Ping), &[]);
    }

    /// Adds a close frame, after which only the client's is of interest.
    pub(super) fn close(&mut self, code: u16, reason: &str) {
        if self.state == State::Open {
            self.state = State::Closing;
        }
        self.close_frame(code, reason);
    }

    fn close_frame(&mut self, code: u16, reason: &str) {
        let close = OpCode::Control(Control::Close);
        self.frame(close, &[&code.to_be_bytes(), reason.as_bytes()]);
    }

    fn frame(&mut self, opcode: OpCode, parts: &[&[u8]]) {
        if self.unsent.capacity() == 0 {
            self.unsent = SPARE.take();
        }
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let header = FrameHeader {
            opcode,
            ..FrameHeader::default()
        };
        self.unsent.reserve(header.len(length as u64) + length);
        // A vector takes everything.
        let _ = header.format(length as u64, &mut self.unsent);
        for part in parts {
            self.unsent.extend_from_slice(part);
        }
    }

    /// Sends what waits; ready when nothing does.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.unsent() > 0 {
            let stream = Pin::new(&mut self.stream);
            match stream.poll_write(cx, &self.unsent[self.sent..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(sent)) => self.sent += sent,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.keep_rest();
                    return Poll::Pending;
                }
            }
        }
        self.give_back();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Keeps what is not sent in a buffer of its size, unless it has one that is not much larger.
    fn keep_rest(&mut self) {
        let rest = &self.unsent[self.sent..];
        if self.unsent.capacity() > 2 * rest.len() {
            let rest = rest.to_vec();
            self.give_back();
            self.unsent = rest;
        }
    }

    /// Leaves the buffer to other sockets of the thread.
    fn give_back(&mut self) {
        let mut buffer = std::mem::take(&mut self.unsent);
        self.sent = 0;
        if (1..=MOST_SPARE).contains(&buffer.capacity()) {
            buffer.clear();
            SPARE.set(buffer);
        }
    }
}

#[cfg(test)]
mod tests;
