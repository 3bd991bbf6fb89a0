//! Converts byte offsets in a document to the lines and columns of errors. A look-up takes the same time everywhere, even in a text of
//! one long line.

use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;

/// The distance of marks in bytes. Characters are counted from the last mark, so a look-up scans fewer bytes than this.
const STRIDE: usize = 256;

/// The starts of lines, and the number of characters before each mark.
pub(super) struct Positions {
    lines: Vec<usize>,
    marks: Vec<usize>,
}

impl Positions {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut lines = vec![0];
        let mut marks = Vec::with_capacity(bytes.len() / STRIDE + 1);
        let mut characters = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if at % STRIDE == 0 {
                marks.push(characters);
            }
            characters += usize::from(is_first(byte));
            let is_end = byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if is_end {
                lines.push(at + 1);
            }
        }
        Self { lines, marks }
    }

    /// Returns the place of a byte in `text`, which must be the text that this was made of.
    pub(super) fn at(&self, text: &str, offset: usize) -> Pos {
        let line = self.lines.partition_point(|&start| start <= offset);
        let start = self.lines[line - 1];
        let column = self.characters(text, offset) - self.characters(text, start) + 1;
        Pos { line, column }
    }

    pub(super) fn of_span(&self, text: &str, span: Option<SourceSpan>) -> Pos {
        span.map_or_else(Pos::default, |span| self.at(text, span.offset()))
    }

    fn characters(&self, text: &str, offset: usize) -> usize {
        let mark = offset / STRIDE;
        let Some(&before) = self.marks.get(mark) else {
            return 0;
        };
        let rest = &text.as_bytes()[mark * STRIDE..offset.min(text.len())];
        before + rest.iter().filter(|&&byte| is_first(byte)).count()
    }
}

/// Returns whether a character begins with this byte.
const fn is_first(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_the_specification_has_it_and_columns_are_characters() {
        let text = "é{\n a\r\n  b\rc ü d";
        let positions = Positions::of(text);
        for (found, line, column) in [
            ('{', 1, 2),
            ('a', 2, 2),
            ('b', 3, 3),
            ('c', 4, 1),
            ('d', 4, 5),
        ] {
            let offset = text.find(found).expect("it is there");
            assert_eq!(positions.at(text, offset), Pos { line, column }, "{found}");
        }
        let long = format!("{}x", "ü".repeat(1_000));
        let positions = Positions::of(&long);
        let place = positions.at(&long, 2_000);
        assert_eq!(
            place,
            Pos {
                line: 1,
                column: 1_001
            }
        );
    }
}
