//! Tables for terminals: columns as wide as what is in them, and nothing at the ends of lines.

/// The lines of a table.
pub(super) fn lines(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max();
        let head = head.get(column).map_or(0, |head| head.chars().count());
        widest.unwrap_or(0).max(head)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths);
        let padded = padded.map(|(cell, width)| format!("{cell:width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    let head = line(head.to_vec());
    let rows = rows
        .iter()
        .map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(head).chain(rows).collect()
}

pub(super) fn print(head: &[&str], rows: &[Vec<String>]) {
    for line in lines(head, rows) {
        crate::say!("{line}");
    }
}

/// The first line of a text, so short.
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
            ["NAME      COUNT", "ü         1", "long one"]
        );
        assert_eq!(shortened("first line\nsecond", 20), "first line");
        assert_eq!(shortened("äöüäöü", 4), "äöü…");
    }
}
