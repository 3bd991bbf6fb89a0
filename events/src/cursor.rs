//! Cursors name a place in the log and prove it: `<epoch>-<position>-<proof>`. A position alone says nothing if it was given out
//! again after a restore or a failover. The epoch tells when that was noticed; the proof, some bits of the event's id, tells even
//! when nobody has noticed. Two logs that have diverged never share an event again, so checking the last one is enough.

use std::{fmt, str::FromStr};

use crate::{Event, Proof};

/// A place in the log: all events up to and including `position` have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The log's epoch, drawn when it was created or restored.
    pub epoch: u32,
    /// The last position seen; 0 is before the first event.
    pub position: u64,
    /// The proof of the event there. `None` before the first event, where the event was removed before its id was kept, and in
    /// cursors given out by versions of the program that had no proofs.
    pub proof: Option<Proof>,
}

impl Cursor {
    /// Returns the place right behind `event`.
    pub fn behind(event: &Event, epoch: u32) -> Self {
        Self {
            epoch,
            position: event.position,
            proof: Some(Proof::of(event.event_id)),
        }
    }
}

/// Why a client cannot resume from a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// The text is not a cursor of the log.
    #[error("this is not a cursor of the event log")]
    Malformed,
    /// The cursor belongs to another log, or to this one before a restore.
    #[error("this cursor belongs to another event log, or to this one before it was restored")]
    Foreign,
    /// The log was pruned past it, so events would be missing.
    #[error("the log no longer holds the events after this cursor")]
    Expired,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every answer has one, and formatting by directives takes several times as long.
        f.write_str(hexadecimal(self.epoch, &mut [0; 8]))?;
        f.write_str("-")?;
        f.write_str(itoa::Buffer::new().format(self.position))?;
        if let Some(Proof(bits)) = self.proof {
            f.write_str("-")?;
            f.write_str(hexadecimal(bits, &mut [0; 8]))?;
        }
        Ok(())
    }
}

/// Writes eight digits.
fn hexadecimal(bits: u32, digits: &mut [u8; 8]) -> &str {
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(bits >> (4 * place)) as usize & 15];
    }
    std::str::from_utf8(digits).unwrap_or_default()
}

impl FromStr for Cursor {
    type Err = CursorError;

    /// Accepts exactly what `Display` writes, so that equal cursors are equal strings.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hexadecimal = |text| u32::from_str_radix(text, 16).map_err(|_| CursorError::Malformed);
        let mut parts = text.splitn(3, '-');
        let (Some(epoch), Some(position)) = (parts.next(), parts.next()) else {
            return Err(CursorError::Malformed);
        };
        let cursor = Self {
            epoch: hexadecimal(epoch)?,
            position: position.parse().map_err(|_| CursorError::Malformed)?,
            proof: parts.next().map(hexadecimal).transpose()?.map(Proof),
        };
        let proves_nothing = cursor.position == 0 && cursor.proof.is_some();
        if cursor.position > i64::MAX as u64 || proves_nothing || cursor.to_string() != text {
            return Err(CursorError::Malformed);
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_refuses_other_spellings() {
        let cursor = Cursor {
            epoch: 0x3fa9_c1d2,
            position: 128_734,
            proof: Some(Proof(0x005b_21ac)),
        };
        assert_eq!(cursor.to_string(), "3fa9c1d2-128734-005b21ac");
        assert_eq!("3fa9c1d2-128734-005b21ac".parse(), Ok(cursor));
        let unproven = Cursor {
            proof: None,
            ..cursor
        };
        assert_eq!(unproven.to_string(), "3fa9c1d2-128734");
        assert_eq!("3fa9c1d2-128734".parse(), Ok(unproven));
        for other in [
            "",
            "-",
            "3fa9c1d2",
            "3FA9C1D2-1",
            "3fa9c1d2-+1",
            "3fa9c1d2-01",
            "3fa9c1d2--1",
            "a-1",
            "3fa9c1d2-18446744073709551615",
            "3fa9c1d2-1 ",
            "3fa9c1d2-1\0",
            "3fa9c1d2-1-",
            "3fa9c1d2-1-5b21ac",
            "3fa9c1d2-1-005B21AC",
            "3fa9c1d2-1-005b21ac-",
            "3fa9c1d2-0-005b21ac",
        ] {
            assert_eq!(
                other.parse::<Cursor>(),
                Err(CursorError::Malformed),
                "{other:?}"
            );
        }
    }
}
