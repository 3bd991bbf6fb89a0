//! Cursors name a place in the log: `<epoch>-<position>`. A position alone would be ambiguous after the database was
//! restored to an older backup; the epoch changes then, and older cursors are refused instead of skipping events.

use std::{fmt, str::FromStr};

/// A place in the log: all events up to and including `position` have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The log's epoch, drawn when it was created or restored.
    pub epoch: u32,
    /// The last position seen; 0 is before the first event.
    pub position: u64,
}

/// Why a cursor cannot be resumed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It is not a cursor of the log.
    #[error("this is not a cursor of the event log")]
    Malformed,
    /// It is of another log, or of this one before a restore.
    #[error("this cursor belongs to another event log, or to this one before it was restored")]
    Foreign,
    /// The log was pruned past it, so events would be missing.
    #[error("the log no longer holds the events after this cursor")]
    Expired,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.epoch, self.position)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    /// Accepts exactly what `Display` writes, so that equal cursors are equal strings.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, position) = text.split_once('-').ok_or(CursorError::Malformed)?;
        let cursor = Self {
            epoch: u32::from_str_radix(epoch, 16).map_err(|_| CursorError::Malformed)?,
            position: position.parse().map_err(|_| CursorError::Malformed)?,
        };
        if cursor.position > i64::MAX as u64 || cursor.to_string() != text {
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
        };
        assert_eq!(cursor.to_string(), "3fa9c1d2-128734");
        assert_eq!("3fa9c1d2-128734".parse(), Ok(cursor));
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
        ] {
            assert_eq!(
                other.parse::<Cursor>(),
                Err(CursorError::Malformed),
                "{other:?}"
            );
        }
    }
}
