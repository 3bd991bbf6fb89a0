//! Writes files that exist as a whole or not at all, and computes their digests.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::Path,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use super::ArchiveFile;
use crate::Event;

/// The suffix of unfinished files.
pub(super) const TEMPORARY: &str = ".tmp";

/// The digest and length of a file.
pub(super) struct Digest {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Digest {
    pub(super) fn is_of(&self, file: &ArchiveFile) -> bool {
        self.bytes == file.bytes && self.sha256 == file.sha256
    }
}

/// Writes a file under a temporary name, and renames it to `name` once it is on disk.
pub(super) fn replace<T>(
    directory: &Path,
    name: &str,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> io::Result<T> {
    let temporary = directory.join(format!("{name}{TEMPORARY}"));
    let mut file = File::create(&temporary)?;
    let written = write(&mut file)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(name))?;
    // The names are on disk once the directory is.
    File::open(directory)?.sync_all()?;
    Ok(written)
}

/// Compresses lines into a file.
pub(super) struct Lines<'a>(GzEncoder<Hashing<BufWriter<&'a mut File>>>);

impl<'a> Lines<'a> {
    pub(super) fn new(file: &'a mut File) -> Self {
        let hashing = Hashing {
            inner: BufWriter::new(file),
            hash: Sha256::new(),
            bytes: 0,
        };
        Self(GzEncoder::new(hashing, Compression::default()))
    }

    pub(super) fn write(&mut self, event: &Event) -> io::Result<()> {
        // The line is written as a whole: the compressor is slow with the small pieces that serialization writes.
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }

    pub(super) fn finish(self) -> io::Result<Digest> {
        let mut hashing = self.0.finish()?;
        hashing.flush()?;
        Ok(Digest {
            bytes: hashing.bytes,
            sha256: hexadecimal(hashing.hash),
        })
    }
}

/// Reads the events of a file.
pub(super) fn read_lines(
    path: &Path,
) -> io::Result<impl Iterator<Item = io::Result<Event>> + use<>> {
    let lines = BufReader::new(GzDecoder::new(File::open(path)?)).lines();
    Ok(lines.map(|line| Ok(serde_json::from_str(&line?)?)))
}

pub(super) fn digest(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            let sha256 = hexadecimal(hash);
            return Ok(Digest { bytes, sha256 });
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

fn hexadecimal(hash: Sha256) -> String {
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

struct Hashing<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
