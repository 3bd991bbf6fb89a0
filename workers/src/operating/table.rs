//! Tables for terminals: columns as wide as their content, and no trailing spaces.

use comfy_table::{Table, TableStyle};

/// Returns the lines of a table.
fn lines(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_header(head)
        .add_rows(rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt()
}

pub(super) fn print(head: &[&str], rows: &[Vec<String>]) {
    crate::say!("{}", lines(head, rows));
}

/// Returns the first line of a text, shortened to this many characters.
pub(super) fn shortened(text: &str, characters: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= characters {
        return line.to_owned();
    }
    let kept: String = line.chars().take(characters.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [
            vec!["ü".to_owned(), "1".to_owned()],
            vec!["long one".to_owned(), String::new()],
        ];
        assert_eq!(
            lines(&["NAME", "COUNT"], &rows),
            "NAME      COUNT\nü         1\nlong one"
        );
        assert_eq!(shortened("first line\nsecond", 20), "first line");
        assert_eq!(shortened("äöüäöü", 4), "äöü…");
    }
}
