//! Statements in traces. A span tells what a statement does and to which table, never its text: the values of most are parameters, but
//! not of all.

use crate::trace::{Kind, Span, child};

/// The longest name of a table that is told.
const LONGEST: usize = 64;
/// The words before the name of a table.
const BEFORE_TABLE: [&str; 4] = ["from", "into", "update", "join"];

/// Begins the span of a statement; an empty one where nothing is recorded.
pub(super) fn begin(system: &'static str, sql: &str) -> Span {
    let mut span = match crate::trace::is_recording() {
        true => child("", Kind::Client),
        false => return Span::default(),
    };
    let (operation, table) = summary(sql);
    match table {
        Some(table) => {
            span.rename(format!("{operation} {table}"));
            span.set("db.collection.name", table);
        }
        None => span.rename(operation),
    }
    span.set("db.system.name", system);
    span.set("db.operation.name", operation);
    span
}

/// Returns what a statement does, and the first table that it names.
fn summary(sql: &str) -> (&'static str, Option<String>) {
    let mut words = sql.split_whitespace();
    let first = words.next().unwrap_or_default();
    let operation = operation(first);
    let mut table = None;
    let mut is_next = first.eq_ignore_ascii_case("update");
    for word in words {
        table = is_next.then(|| name(word)).flatten();
        if table.is_some() {
            break;
        }
        is_next = BEFORE_TABLE.iter().any(|it| word.eq_ignore_ascii_case(it));
    }
    (operation, table)
}

fn operation(word: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "select",
        "insert",
        "update",
        "delete",
        "with",
        "begin",
        "commit",
        "rollback",
        "savepoint",
    ];
    let known = KNOWN.iter().find(|it| word.eq_ignore_ascii_case(it));
    known.copied().unwrap_or("statement")
}

/// Returns a word that is the name of a table.
fn name(word: &str) -> Option<String> {
    let word = word.trim_end_matches([',', ';', ')']).trim_matches('"');
    let is_name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let is_one = !word.is_empty() && word.len() <= LONGEST && word.chars().all(is_name);
    is_one.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_without_its_text() {
        for (sql, operation, table) in [
            (
                "select a from \"user\" where b = 'x'",
                "select",
                Some("user"),
            ),
            ("insert into event (a) values ($1)", "insert", Some("event")),
            (
                "UPDATE checkpoint SET position = 3",
                "update",
                Some("checkpoint"),
            ),
            ("delete from x; drop", "delete", Some("x")),
            ("select * from (select a from b) c", "select", Some("b")),
            ("select now()", "select", None),
            ("commit", "commit", None),
            ("set local x = 'secret'", "statement", None),
            ("with a as (select b from c) select d", "with", Some("c")),
            ("select a from 'what@was.sent'", "select", None),
            ("", "statement", None),
        ] {
            let told = summary(sql);
            assert_eq!(told, (operation, table.map(str::to_owned)), "{sql}");
        }
    }
}
