//! Statements in traces. A span tells what a statement does and to which table, never its text: the values of most are parameters, but
//! not of all.

use sea_orm::sqlx::SqlStr;

use super::{Ended, Kind, Span, child};

/// The longest name of a table that is told.
const LONGEST: usize = 64;
/// The words before the name of a table.
const BEFORE_TABLE: [&str; 4] = ["from", "into", "update", "join"];

/// A statement that has a span. Its text is shared, and read only if the span is kept: those of most requests are not.
pub(super) struct TracedStatement {
    system: &'static str,
    sql: SqlStr,
}

impl TracedStatement {
    /// Tells the span what the statement does.
    pub(super) fn tell(&self, span: &mut Ended) {
        let (operation, table) = summary(self.sql.as_str());
        let attributes = &mut span.attributes;
        match table {
            Some(table) => {
                span.name = format!("{operation} {table}").into();
                attributes.push(("db.collection.name", table.into()));
            }
            None => span.name = operation.into(),
        }
        attributes.push(("db.system.name", self.system.into()));
        attributes.push(("db.operation.name", operation.into()));
    }
}

/// Begins the span of a statement; an empty one where nothing is recorded.
pub(crate) fn of_statement(system: &'static str, sql: &SqlStr) -> Span {
    let mut span = child("", Kind::Client);
    if span.is_recorded() {
        let sql = sql.clone();
        span.set_statement(TracedStatement { system, sql });
    }
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
    use std::time::Instant;

    use super::*;
    use crate::trace::{Context, Value};

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

    #[test]
    fn a_statement_is_read_when_its_span_is_kept() {
        let mut span = Ended {
            context: Context {
                trace: 1,
                span: 1,
                flags: 1,
            },
            parent: None,
            is_parent_remote: false,
            name: "".into(),
            kind: Kind::Client,
            began: Instant::now(),
            ended: Instant::now(),
            attributes: Vec::new(),
            links: Vec::new(),
            error: None,
        };
        let sql = SqlStr::from_static("insert into event (a) values ('secret')");
        let system = "sqlite";
        TracedStatement { system, sql }.tell(&mut span);
        assert_eq!(span.name, "insert event");
        let expected = [
            ("db.collection.name", "event"),
            ("db.system.name", "sqlite"),
            ("db.operation.name", "insert"),
        ];
        let expected = expected.map(|(name, value)| (name, Value::from(value)));
        assert_eq!(span.attributes, expected);
    }
}
