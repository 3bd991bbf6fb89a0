//! The rows of a CSV file, as spreadsheets write them: one by one, with the line where each begins. Empty rows are skipped. A quote that
//! was not meant as one joins many lines into a single row, so a row of several lines is reported as an error. A byte that is not UTF-8
//! ends the file: the whole file probably has another encoding.

use std::{
    collections::VecDeque,
    io::{self, Read, Seek, SeekFrom},
};

use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord};

/// How much of a file is examined to recognize its encoding.
const LOOKED_AT: usize = 512;

/// A row as it is in the file.
pub(super) struct FileRow {
    /// The line where it begins; the first is 1.
    pub(super) line: u64,
    /// The offset up to which the file was read.
    pub(super) byte: u64,
    pub(super) record: StringRecord,
    /// Why the row cannot be what it seems to be.
    pub(super) problem: Option<String>,
}

/// Why nothing can be read from here on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("{0}")]
    Csv(#[from] csv::Error),
    #[error(
        "line {line} (row {row}): the byte 0x{byte:02X} in {column} is not UTF-8. Save the file as \"CSV UTF-8\" and repeat the import"
    )]
    Byte {
        line: u64,
        row: u64,
        column: String,
        byte: u8,
    },
}

/// A file that remembers its line ends up to the last query: the reader of rows counts lines only roughly, as it leaves line feeds behind
/// carriage returns and empty lines for the next row.
struct Lines<F> {
    file: F,
    read: u64,
    /// The number of lines that end before those in `ends`.
    passed: u64,
    ends: VecDeque<u64>,
    /// The last byte read is a carriage return, of which the next tells whether it ends a line alone.
    is_open: bool,
}

/// Returns where lines end: at line feeds, and at carriage returns that are not before one, as old files have them.
pub(super) fn line_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let next = bytes.iter().skip(1).map(Some).chain([None]);
    let pairs = bytes.iter().zip(next).enumerate();
    let ends = pairs.filter(|(_, pair)| {
        matches!(pair, (b'\n', _)) || matches!(pair, (b'\r', next) if *next != Some(&b'\n'))
    });
    ends.map(|(place, _)| place)
}

impl<F: Read> Read for Lines<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let read = &buffer[..count];
        let Some(last) = read.last() else {
            return Ok(0);
        };
        if self.is_open && read[0] != b'\n' {
            self.ends.push_back(self.read - 1);
        }
        self.is_open = *last == b'\r';
        let whole = read.len() - usize::from(self.is_open);
        let ends = line_ends(read).take_while(|place| *place < whole);
        self.ends.extend(ends.map(|place| self.read + place as u64));
        self.read += count as u64;
        Ok(count)
    }
}

impl<F> Lines<F> {
    /// Returns the line of the byte at `place`. Places only grow.
    fn line_of(&mut self, place: u64) -> u64 {
        while self.ends.front().is_some_and(|end| *end < place) {
            self.ends.pop_front();
            self.passed += 1;
        }
        self.passed + 1
    }
}

/// Reads the rows of a file.
pub(super) struct Rows<F> {
    reader: Reader<Lines<F>>,
    headers: StringRecord,
    raw: ByteRecord,
    count: u64,
    /// The line where the previous row ended.
    last: u64,
}

/// Returns the name of an encoding other than UTF-8, if it can be recognized.
fn other_encoding(start: &[u8]) -> Option<&'static str> {
    match start {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ if start.contains(&0) => Some("UTF-16 or no text at all, as it has zero bytes"),
        _ => None,
    }
}

/// Returns an error of the file with exactly this message.
fn wrong(message: String) -> csv::Error {
    io::Error::new(io::ErrorKind::InvalidData, message).into()
}

impl<F: Read + Seek> Rows<F> {
    /// Opens a file and reads its first line.
    pub(super) fn open(mut file: F, delimiter: u8) -> Result<Self, Unreadable> {
        let mut start = Vec::with_capacity(LOOKED_AT);
        let read = file.by_ref().take(LOOKED_AT as u64).read_to_end(&mut start);
        read.and_then(|_| file.seek(SeekFrom::Start(0)))
            .map_err(csv::Error::from)?;
        if let Some(encoding) = other_encoding(&start) {
            let message = format!(
                "the file must be UTF-8, and is {encoding}. Save it as \"CSV UTF-8\" and repeat the import"
            );
            return Err(wrong(message).into());
        }
        let mut rows = Self {
            reader: ReaderBuilder::new()
                .delimiter(delimiter)
                .flexible(true)
                .has_headers(false)
                .from_reader(Lines {
                    file,
                    read: 0,
                    passed: 0,
                    ends: VecDeque::new(),
                    is_open: false,
                }),
            headers: StringRecord::new(),
            raw: ByteRecord::new(),
            count: 0,
            last: 0,
        };
        if let Some(first) = rows.read()? {
            rows.headers = first.record;
        }
        rows.count = 0;
        Ok(rows)
    }

    /// Returns the names of the columns.
    pub(super) fn headers(&self) -> &StringRecord {
        &self.headers
    }

    /// Returns the next row that is not empty.
    pub(super) fn next(&mut self) -> Result<Option<FileRow>, Unreadable> {
        loop {
            match self.read()? {
                Some(row) if row.record.iter().all(|field| field.trim().is_empty()) => {}
                read => return Ok(read),
            }
        }
    }

    fn read(&mut self) -> Result<Option<FileRow>, Unreadable> {
        if !self.reader.read_byte_record(&mut self.raw)? {
            return Ok(None);
        }
        self.count += 1;
        // The last byte is the row's line end, if it has one.
        let byte = self.reader.position().byte();
        let last = self.reader.get_mut().line_of(byte.saturating_sub(1));
        let within = self.raw.iter().flat_map(line_ends);
        // An unclosed quote makes the last line feed a part of the row.
        let line = (last.saturating_sub(within.count() as u64)).max(self.last + 1);
        self.last = last;
        let record = StringRecord::from_byte_record(self.raw.clone());
        let record = record.map_err(|error| {
            let place = error.utf8_error().field();
            let wrong = self.raw.get(place).unwrap_or_default();
            let wrong = wrong.get(error.utf8_error().valid_up_to());
            Unreadable::Byte {
                line,
                row: self.count,
                column: match self.headers.get(place) {
                    Some(name) => format!("the column {name:?}"),
                    None => format!("field {}", place + 1),
                },
                byte: wrong.copied().unwrap_or_default(),
            }
        })?;
        Ok(Some(FileRow {
            line,
            byte,
            problem: several_lines(line, &record),
            record,
        }))
    }
}

/// Reports a row of several lines, as no field of a student has them.
fn several_lines(line: u64, record: &StringRecord) -> Option<String> {
    let ends = |field: &str| line_ends(field.as_bytes()).count() as u64;
    let all: u64 = record.iter().map(ends).sum();
    let field = record.iter().position(|field| ends(field) > 0)?;
    Some(format!(
        "a quote in field {} makes one row of the lines {line} to {}, so these were not imported; a field has one line, so look there \
         for a quote too many",
        field + 1,
        line + all
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn rows(bytes: &[u8]) -> Result<Rows<Cursor<&[u8]>>, Unreadable> {
        Rows::open(Cursor::new(bytes), b',')
    }

    fn all(bytes: &[u8]) -> Vec<FileRow> {
        let mut rows = rows(bytes).expect("a file");
        std::iter::from_fn(|| rows.next().expect("a row")).collect()
    }

    #[test]
    fn empty_rows_are_passed_over_and_lines_are_counted() {
        let read = all(b"\xef\xbb\xbfname,email,,\r\na,b,,\r\n,,,\r\n\r\n , ,\r\nc,d,,\r\n");
        let lines: Vec<_> = read.iter().map(|row| row.line).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!((lines[0], lines[1]), (2, 6));
        assert!(read.iter().all(|row| row.problem.is_none()));
        let rows = rows(b"\xef\xbb\xbfname,email\n").expect("a file");
        assert_eq!(rows.headers(), &StringRecord::from(vec!["name", "email"]));
    }

    #[test]
    fn a_quote_too_many_is_noticed() {
        let read = all(b"name,email\na,b\n\"c,d\ne,f\ng,h\ni\",j\nk,l\n");
        assert_eq!(read.len(), 3);
        let problem = read[1].problem.as_deref().expect("a problem");
        assert!(problem.contains("lines 3 to 6"), "{problem}");
        assert!(read[2].problem.is_none());
        let to_the_end = all(b"name,email\n\"c,d\ne,f\ng,h\n");
        let problem = to_the_end[0].problem.as_deref().expect("a problem");
        assert!(problem.contains("lines 2 to"), "{problem}");
    }

    #[test]
    fn carriage_returns_end_lines_too() {
        let file = b"name,email\ra,b\r\rc,d\r\ne,f\n\rg,h\r\"i\rj\",k\rl,m";
        let read = all(file);
        let lines: Vec<_> = read.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 4, 5, 7, 8, 10]);
        let problem = read[4].problem.as_deref().expect("a problem");
        assert!(problem.contains("lines 8 to 9"), "{problem}");
        // Wherever a piece ends that is read.
        for piece in 1..file.len() {
            let mut whole = Lines {
                file: Cursor::new(&file[..]),
                read: 0,
                passed: 0,
                ends: VecDeque::new(),
                is_open: false,
            };
            let mut buffer = vec![0; piece];
            while whole.read(&mut buffer).expect("bytes") > 0 {}
            let ends: Vec<_> = line_ends(file).map(|place| place as u64).collect();
            assert_eq!(whole.ends, ends, "pieces of {piece}");
        }
    }

    #[test]
    fn other_encodings_are_told() {
        let told = |bytes: &[u8]| rows(bytes).err().expect("refused").to_string();
        assert!(told(b"\xff\xfen\0a\0").contains("UTF-16"));
        assert!(told(b"\xfe\xff\0n\0a").contains("UTF-16"));
        assert!(told(b"n\0a\0m\0").contains("zero bytes"));
        assert!(told(b"na\xefme,email\n").contains("0xEF"));
        let mut rows = rows(b"name,email\na,b\n\nJos\xe9,c\n").expect("a file");
        assert!(rows.next().expect("a row").is_some());
        let wrong = rows.next().err().expect("wrong").to_string();
        assert!(
            wrong.starts_with("line 4 (row 2): the byte 0xE9 in the column \"name\""),
            "{wrong}"
        );
    }
}
