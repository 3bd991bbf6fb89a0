//! Compression of answers to queries, and of pages. Streams are not compressed: a compressor holds events back, or flushed for each of
//! them gains nothing.
//!
//! Why nobody learns a secret from the length of an answer (BREACH). For that, an attacker has to make a victim's browser send requests
//! under the victim's rights whose answers contain a secret beside a text of the attacker's, and has to see their lengths. Rights are in a
//! header that no other page can make a browser send. Answers that contain secrets, the tokens of `signIn`, `register` and `refresh`, are
//! those of mutations, and these are never compressed; no query answers with a secret.
//!
//! Why compression cannot take the processor away from other work: the levels are low, what is very large is sent as it is, and when as
//! many answers as there are cores are being compressed, others are sent as they are. Pages are compressed once.

use std::io::{self, Write};
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::{ACCEPT_ENCODING, HeaderMap};
use flate2::write::GzEncoder;
use moka::sync::Cache;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::accept::split_quality;

/// Larger answers are sent as they are.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// What takes longer than a task should go on without a pause is compressed elsewhere.
const SMALL: usize = 32 * 1024;
/// The size of brotli's window, as a power of two: larger ones take memory for little.
const WINDOW: u32 = 18;

static AT_ONCE: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism();
    Semaphore::new(cores.map_or(1, std::num::NonZero::get))
});
/// The pages, of which there are as many as files in the program.
static PAGES: LazyLock<Cache<(String, Encoding), Bytes>> = LazyLock::new(|| Cache::new(1_000));

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

/// How much time is spent on it.
#[derive(Clone, Copy)]
struct Levels {
    brotli: u32,
    gzip: u32,
}

/// Higher ones take three to four times as long for a tenth less.
const ANSWER: Levels = Levels { brotli: 1, gzip: 1 };
const PAGE: Levels = Levels { brotli: 5, gzip: 6 };

impl Encoding {
    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        })
    }

    fn write(self, bytes: &[u8], levels: Levels) -> io::Result<Vec<u8>> {
        let mut written = Vec::with_capacity(bytes.len() / 4);
        match self {
            Self::Gzip => {
                let level = flate2::Compression::new(levels.gzip);
                let mut encoder = GzEncoder::new(written, level);
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Brotli => {
                let mut encoder =
                    brotli::CompressorWriter::new(&mut written, 4096, levels.brotli, WINDOW);
                encoder.write_all(bytes)?;
                drop(encoder);
                Ok(written)
            }
        }
    }
}

/// Returns the encoding that the client prefers; `None` when it accepts none that exist here.
pub(crate) fn accepted(headers: &HeaderMap) -> Option<Encoding> {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let known = ranges.filter_map(|range| {
        let (name, quality) = split_quality(range);
        let encoding = match name.to_ascii_lowercase().as_str() {
            "br" => Encoding::Brotli,
            "gzip" | "x-gzip" => Encoding::Gzip,
            _ => return None,
        };
        (quality > 0).then_some((quality, encoding == Encoding::Brotli, encoding))
    });
    let best = known.max_by_key(|(quality, is_better, _)| (*quality, *is_better));
    best.map(|(.., encoding)| encoding)
}

/// Compresses an answer, unless that is not worth it, or too many others are being compressed.
pub(super) async fn answer(bytes: &Bytes, encoding: Encoding) -> Option<Bytes> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let turn = AT_ONCE.try_acquire().ok()?;
    let whole = bytes.clone();
    let compress = move || {
        let _turn = turn;
        encoding.write(&whole, ANSWER).ok()
    };
    let compressed = match bytes.len() <= SMALL {
        true => compress(),
        false => spawn_blocking(compress).await.ok().flatten(),
    };
    let compressed = compressed.filter(|compressed| compressed.len() < bytes.len());
    compressed.map(Bytes::from)
}

/// Compresses a page, once for all who ask for it. Its name has to be that of a page that exists.
pub(crate) async fn page(name: &str, bytes: &Bytes, encoding: Encoding) -> Option<Bytes> {
    let key = (name.to_owned(), encoding);
    if let Some(known) = PAGES.get(&key) {
        return Some(known);
    }
    let bytes = bytes.clone();
    let compress = move || encoding.write(&bytes, PAGE).ok().map(Bytes::from);
    let compressed = spawn_blocking(|| PAGES.optionally_get_with(key, compress));
    compressed.await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn asked(header: &'static str) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(header));
        accepted(&headers)
    }

    #[test]
    fn clients_get_what_they_prefer_of_what_there_is() {
        use Encoding::{Brotli, Gzip};
        for (header, expected) in [
            ("gzip, deflate, br, zstd", Some(Brotli)),
            ("gzip, deflate", Some(Gzip)),
            ("GZIP;q=1.0, br;q=0.5", Some(Gzip)),
            ("br;q=0, gzip;q=0.1", Some(Gzip)),
            ("gzip;q=0", None),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(asked(header), expected, "{header}");
        }
        assert_eq!(accepted(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn what_is_compressed_is_the_same_when_it_is_read() {
        for length in [2_000, 200_000] {
            let text: String = (0..length)
                .map(|at| char::from(b'a' + (at % 7) as u8))
                .collect();
            let bytes = Bytes::from(text);
            for encoding in [Encoding::Gzip, Encoding::Brotli] {
                let compressed = answer(&bytes, encoding).await.expect("it is worth it");
                assert!(compressed.len() < bytes.len() / 10);
                let mut read = Vec::new();
                match encoding {
                    Encoding::Gzip => flate2::read::GzDecoder::new(&compressed[..])
                        .read_to_end(&mut read)
                        .expect("gzip"),
                    Encoding::Brotli => brotli::Decompressor::new(&compressed[..], 4096)
                        .read_to_end(&mut read)
                        .expect("brotli"),
                };
                assert_eq!(read, bytes);
            }
        }
        let large = Bytes::from(vec![0; MAX_BYTES + 1]);
        assert_eq!(answer(&large, Encoding::Gzip).await, None);
    }
}
