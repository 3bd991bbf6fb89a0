//! Filters of lists at random, and a model of what they select. Used by the tests of lists, whose fields differ and whose rules are
//! the same: a row without a value passes no comparison, `not` is the opposite, and an empty list of alternatives matches nothing.

use std::cmp::Ordering;

use fastrand::Rng;
use sea_orm::prelude::ChronoDateTimeUtc;
use serde_json::{Map, Value, json};

/// How the values of a field are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Compared {
    /// By code point.
    Text,
    /// By code point, whatever their case.
    Folded,
    /// By name, as a whole.
    Choice,
    /// As numbers.
    Number,
    /// As times.
    Time,
    /// As a whole.
    Id,
}

/// A field of a filter: its name, how it is compared, and whether it may be missing.
pub type Field = (&'static str, Compared, bool);

/// Returns a filter with values of these rows, and others that no row has.
pub fn random(random: &mut Rng, fields: &[Field], rows: &[Value], levels: usize) -> Value {
    let mut filter = Map::new();
    for _ in 0..random.usize(0..3) {
        let field = fields[random.usize(..fields.len())];
        filter.insert(field.0.to_owned(), comparison(random, field, rows));
    }
    if levels > 0 {
        let parts = |random: &mut Rng| {
            let count = random.usize(0..3);
            let parts = (0..count).map(|_| self::random(random, fields, rows, levels - 1));
            Value::Array(parts.collect())
        };
        match random.u8(0..5) {
            0 => drop(filter.insert("and".to_owned(), parts(random))),
            1 => drop(filter.insert("or".to_owned(), parts(random))),
            2 => {
                let part = self::random(random, fields, rows, levels - 1);
                filter.insert("not".to_owned(), part);
            }
            _ => {}
        }
    }
    Value::Object(filter)
}

fn comparison(random: &mut Rng, (name, compared, is_optional): Field, rows: &[Value]) -> Value {
    let mut values = rows.iter().map(|row| value(row, name).clone());
    let known: Vec<_> = values.by_ref().filter(|value| !value.is_null()).collect();
    let operand = |random: &mut Rng| match known.is_empty() || random.u8(0..8) == 0 {
        true => other(compared),
        false => known[random.usize(..known.len())].clone(),
    };
    let mut tests = Map::new();
    for _ in 0..random.usize(1..3) {
        let test = match (random.u8(0..8), compared) {
            (0, _) if is_optional => ("isNull", json!(random.bool())),
            (1 | 2, _) if compared != Compared::Time => {
                let count = random.usize(0..4);
                let operands = (0..count).map(|_| operand(random));
                let operands = operands.filter(|it| !it.is_null());
                ("in", Value::Array(operands.collect()))
            }
            (3.., Compared::Number | Compared::Time) => {
                let tests = ["gt", "gte", "lt", "lte"];
                (tests[random.usize(..4)], operand(random))
            }
            (5.., Compared::Text | Compared::Folded) => {
                let text = operand(random);
                let text = text.as_str().expect("a text");
                let most = text.chars().count().min(4);
                let start: String = text.chars().take(random.usize(..=most)).collect();
                ("startsWith", json!(start))
            }
            _ => ("eq", operand(random)),
        };
        tests.insert(test.0.to_owned(), test.1);
    }
    Value::Object(tests)
}

/// Returns a value that no row has.
fn other(compared: Compared) -> Value {
    match compared {
        Compared::Text | Compared::Folded => json!("\u{10ffff}"),
        Compared::Choice => json!(null),
        Compared::Number => json!(3),
        Compared::Time => json!("2026-01-01T00:00:00.0000005Z"),
        Compared::Id => json!("no id"),
    }
}

/// Returns whether a filter selects a row. Rows with a value in `ended` are left out, unless the filter asks about it.
pub fn selects(filter: &Value, row: &Value, fields: &[Field], ended: Option<&str>) -> bool {
    let is_hidden = ended.is_some_and(|name| !row[name].is_null() && !asks_about(filter, name));
    !is_hidden && matches(filter, row, fields)
}

/// Returns the value of a field of a filter, which may be a part of an address.
fn value<'a>(row: &'a Value, name: &str) -> &'a Value {
    row.get(name).unwrap_or_else(|| &row["address"][name])
}

fn asks_about(filter: &Value, name: &str) -> bool {
    match filter {
        Value::Array(parts) => parts.iter().any(|part| asks_about(part, name)),
        Value::Object(parts) => parts.iter().any(|(key, part)| {
            key == name || matches!(&key[..], "and" | "or" | "not") && asks_about(part, name)
        }),
        _ => false,
    }
}

fn matches(filter: &Value, row: &Value, fields: &[Field]) -> bool {
    let each = |parts: &Value| {
        let parts = parts.as_array().expect("a list").clone().into_iter();
        parts
            .map(|part| matches(&part, row, fields))
            .collect::<Vec<_>>()
    };
    let parts = filter.as_object().expect("a filter");
    parts.iter().all(|(key, part)| match &key[..] {
        "and" => each(part).into_iter().all(|it| it),
        "or" => each(part).into_iter().any(|it| it),
        "not" => !matches(part, row, fields),
        name => {
            let field = fields.iter().find(|(known, _, _)| *known == name);
            let (_, compared, _) = field.expect("a known field");
            let tests = part.as_object().expect("a comparison");
            let mut tests = tests.iter();
            tests.all(|(test, operand)| passes(test, operand, value(row, name), *compared))
        }
    })
}

fn passes(test: &str, operand: &Value, value: &Value, compared: Compared) -> bool {
    if test == "isNull" {
        return value.is_null() == operand.as_bool().expect("true or false");
    }
    // A condition that is null is none.
    if operand.is_null() {
        return true;
    }
    if value.is_null() {
        return false;
    }
    let order = |operand: &Value| order(value, operand, compared);
    match test {
        "in" => {
            let mut operands = operand.as_array().expect("a list").iter();
            operands.any(|operand| order(operand) == Ordering::Equal)
        }
        "startsWith" => text(value, compared).starts_with(&text(operand, compared)),
        "eq" => order(operand) == Ordering::Equal,
        "gt" => order(operand) == Ordering::Greater,
        "gte" => order(operand) != Ordering::Less,
        "lt" => order(operand) == Ordering::Less,
        "lte" => order(operand) != Ordering::Greater,
        other => panic!("there is no {other}"),
    }
}

fn order(value: &Value, operand: &Value, compared: Compared) -> Ordering {
    match compared {
        Compared::Number => {
            let number = |value: &Value| value.as_f64().expect("a number");
            number(value).total_cmp(&number(operand))
        }
        Compared::Time => time(value).cmp(&time(operand)),
        _ => text(value, compared).cmp(&text(operand, compared)),
    }
}

fn text(value: &Value, compared: Compared) -> String {
    let text = value.as_str().expect("a text");
    match compared {
        Compared::Folded => text.to_lowercase(),
        _ => text.to_owned(),
    }
}

fn time(value: &Value) -> ChronoDateTimeUtc {
    let text = value.as_str().expect("a time");
    text.parse().expect("a time")
}
