//! Reads the frames of a WebSocket client (RFC 6455) out of the bytes that arrive. Invariant: it holds what is not a whole message yet and
//! nothing else, so an idle socket holds no buffer; what it holds is at most one message, and what came with its end. It answers
//! nothing and reads from nowhere: `wire` does. Tungstenite's own reader is the oracle of its tests.

use std::io::Cursor;

use tungstenite::Error;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

/// The most bytes in the payload of a control frame.
pub(super) const MOST_CONTROL_BYTES: usize = 125;

/// A message of a client.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::websocket) enum Message {
    Text(String),
    Binary,
    /// With its payload, which the answer repeats.
    Ping(Vec<u8>),
    Pong,
    /// With the code that the client gives, if it gives one.
    Close(Option<CloseCode>),
}

pub(super) struct Reader {
    received: Vec<u8>,
    /// So many bytes of these are read.
    read: usize,
    /// The beginning of a message that comes in several frames.
    unfinished: Option<Box<Unfinished>>,
    /// The most bytes in a message.
    most: usize,
}

struct Unfinished {
    is_text: bool,
    bytes: Vec<u8>,
    /// So many bytes of a text are known to be whole characters.
    valid: usize,
}

impl Reader {
    pub(super) fn new(most: usize) -> Self {
        Self {
            received: Vec::new(),
            read: 0,
            unfinished: None,
            most,
        }
    }

    /// Takes bytes that have arrived.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.received.drain(..self.read);
        self.read = 0;
        self.received.extend_from_slice(bytes);
    }

    /// Returns how many bytes it holds.
    pub(super) fn held(&self) -> usize {
        let pieces = self.unfinished.as_ref().map_or(0, |it| it.bytes.len());
        self.received.len() - self.read + pieces
    }

    /// Returns the next message, if all of it has arrived.
    ///
    /// # Errors
    /// When the client breaks the protocol. Nothing can be read after that.
    pub(super) fn next(&mut self) -> Result<Option<Message>, Error> {
        while let Some((header, payload)) = self.next_frame()? {
            let message = match header.opcode {
                OpCode::Control(control) => Some(self.control(&header, control, payload)?),
                OpCode::Data(data) => self.data(&header, data, payload)?,
            };
            if message.is_some() {
                self.let_go();
                return Ok(message);
            }
        }
        self.let_go();
        Ok(None)
    }

    /// Frees the buffer when all of it is read.
    fn let_go(&mut self) {
        if self.read == self.received.len() {
            self.received = Vec::new();
            self.read = 0;
        }
    }

    /// Returns the next frame's header, and where its payload is, unmasked.
    fn next_frame(&mut self) -> Result<Option<(FrameHeader, std::ops::Range<usize>)>, Error> {
        let mut cursor = Cursor::new(&self.received[self.read..]);
        let Some((header, length)) = FrameHeader::parse(&mut cursor)? else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.check_length(length)?;
        let start = self.read + usize::try_from(cursor.position()).unwrap_or(0);
        let payload = start..start + length;
        let Some(bytes) = self.received.get_mut(payload.clone()) else {
            return Ok(None);
        };
        let mask = header.mask.ok_or(ProtocolError::UnmaskedFrameFromClient)?;
        for bytes in bytes.chunks_mut(mask.len()) {
            for (byte, mask) in bytes.iter_mut().zip(mask) {
                *byte ^= mask;
            }
        }
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(ProtocolError::NonZeroReservedBits.into());
        }
        self.read = payload.end;
        Ok(Some((header, payload)))
    }

    fn check_length(&self, size: usize) -> Result<(), Error> {
        let max_size = self.most;
        match size > max_size {
            true => Err(CapacityError::MessageTooLong { size, max_size }.into()),
            false => Ok(()),
        }
    }

    fn control(
        &self,
        header: &FrameHeader,
        control: Control,
        payload: std::ops::Range<usize>,
    ) -> Result<Message, Error> {
        if !header.is_final {
            return Err(ProtocolError::FragmentedControlFrame.into());
        }
        if payload.len() > MOST_CONTROL_BYTES {
            return Err(ProtocolError::ControlFrameTooBig.into());
        }
        let payload = &self.received[payload];
        match control {
            Control::Ping => Ok(Message::Ping(payload.to_vec())),
            Control::Pong => Ok(Message::Pong),
            Control::Close => close(payload).map(Message::Close),
            Control::Reserved(number) => Err(ProtocolError::UnknownControlFrameType(number).into()),
        }
    }

    /// Takes a frame of a message; returns the message if this is its end.
    fn data(
        &mut self,
        header: &FrameHeader,
        data: Data,
        payload: std::ops::Range<usize>,
    ) -> Result<Option<Message>, Error> {
        let is_text = match (data, &self.unfinished) {
            (Data::Continue, None) => return Err(ProtocolError::UnexpectedContinueFrame.into()),
            (Data::Continue, Some(unfinished)) => unfinished.is_text,
            (_, Some(_)) => return Err(ProtocolError::ExpectedFragment(data).into()),
            (Data::Text, None) => true,
            (Data::Binary, None) => false,
            (Data::Reserved(number), None) => {
                return Err(ProtocolError::UnknownDataFrameType(number).into());
            }
        };
        if header.is_final && self.unfinished.is_none() {
            let payload = &self.received[payload];
            return match is_text {
                true => Ok(Some(Message::Text(
                    std::str::from_utf8(payload)?.to_owned(),
                ))),
                false => Ok(Some(Message::Binary)),
            };
        }
        let so_far = self.unfinished.as_ref().map_or(0, |it| it.bytes.len());
        self.check_length(so_far.saturating_add(payload.len()))?;
        let payload = &self.received[payload];
        let unfinished = self
            .unfinished
            .get_or_insert_with(|| Unfinished::new(is_text));
        unfinished.extend(payload)?;
        if !header.is_final {
            return Ok(None);
        }
        match self.unfinished.take() {
            Some(finished) => finished.into_message().map(Some),
            None => Ok(None),
        }
    }
}

impl Unfinished {
    fn new(is_text: bool) -> Box<Self> {
        Box::new(Self {
            is_text,
            bytes: Vec::new(),
            valid: 0,
        })
    }

    /// Adds a piece. A text that can no longer become one is refused at once.
    fn extend(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.bytes.extend_from_slice(piece);
        if !self.is_text {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.valid..]) {
            Ok(text) => self.valid += text.len(),
            // The last character may go on in the next piece.
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn into_message(self) -> Result<Message, Error> {
        match self.is_text {
            true => Ok(Message::Text(String::from_utf8(self.bytes)?)),
            false => Ok(Message::Binary),
        }
    }
}

/// Reads the payload of a close frame.
fn close(payload: &[u8]) -> Result<Option<CloseCode>, Error> {
    match payload {
        [] => Ok(None),
        [_] => Err(ProtocolError::InvalidCloseSequence.into()),
        [first, second, reason @ ..] => {
            std::str::from_utf8(reason)?;
            Ok(Some(u16::from_be_bytes([*first, *second]).into()))
        }
    }
}

#[cfg(test)]
mod tests;
