//! Files of students, as fuzzing makes them.

use std::io::Cursor;

use super::columns::Columns;
use super::rows::{Rows, line_ends};

/// Reads a file, whose first byte chooses the separator. Each row begins behind the one before, and within the file.
pub(crate) fn csv(data: &[u8]) {
    let Some((choice, file)) = data.split_first() else {
        return;
    };
    let delimiter = b",;\t|"[usize::from(choice % 4)];
    let Ok(mut rows) = Rows::open(Cursor::new(file), delimiter) else {
        return;
    };
    let columns = Columns::find(rows.headers());
    let lines = 1 + line_ends(file).count() as u64;
    let mut last = 0;
    while let Ok(Some(row)) = rows.next() {
        assert!(row.line > last, "line {} comes behind {last}", row.line);
        assert!(row.line <= lines, "line {} of {lines}", row.line);
        assert!(row.byte <= file.len() as u64, "byte {}", row.byte);
        last = row.line;
        if let (Ok(columns), None) = (&columns, &row.problem) {
            let _ = columns.student(&row.record);
        }
    }
}
