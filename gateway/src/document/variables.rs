//! The values of an operation's variables, by the specification's CoerceVariableValues: a default applies to omitted variables only; null
//! is a value; undeclared variables are dropped, so that they are not kept in memory. Done before anything is executed.

use apollo_compiler::Node;
use apollo_compiler::ast::{Type, Value, VariableDefinition};
use apollo_compiler::executable::Operation;
use apollo_compiler::schema::{EnumType, ExtendedType, InputObjectType};
use async_graphql::{Name, Value as Given, Variables, indexmap::IndexMap};
use async_graphql_value::Number;
use chrono::{DateTime, NaiveDate, Utc};

use super::typing::Typing;

/// The most characters of a value that a message quotes.
const MAX_QUOTED: usize = 60;

/// The scalar of files, which only multipart requests have.
pub(super) const UPLOAD: &str = "Upload";

/// A message, and the definition of the variable that it concerns.
pub(super) type Refusal<'a> = (String, &'a Node<VariableDefinition>);

pub(super) fn coerce<'a>(
    operation: &'a Operation,
    mut given: Variables,
    typing: &Typing,
) -> Result<Variables, Refusal<'a>> {
    let mut coerced = Variables::default();
    for definition in &operation.variables {
        let (name, ty) = (definition.name.as_str(), &*definition.ty);
        let value = match given.remove(name) {
            Some(value) => {
                let coerced = Coercion { typing }.value(value, ty);
                coerced.map_err(|wrong| (told(name, ty, wrong), definition))?
            }
            None => match &definition.default_value {
                Some(default) => constant(default),
                None if ty.is_non_null() => return Err((missing(name, ty), definition)),
                None => continue,
            },
        };
        coerced.insert(Name::new(name), value);
    }
    Ok(coerced)
}

fn missing(name: &str, ty: &Type) -> String {
    format!("Variable \"${name}\" of required type \"{ty}\" was not provided.")
}

fn told(name: &str, ty: &Type, wrong: Wrong) -> String {
    let Wrong { mut path, reason } = wrong;
    if reason.is_empty() {
        return format!("Variable \"${name}\" of non-null type \"{ty}\" must not be null.");
    }
    path.reverse();
    let at = match path.is_empty() {
        true => String::new(),
        false => format!(" at \"{name}{}\"", path.concat()),
    };
    format!("Variable \"${name}\" got an invalid value{at}; {reason}")
}

/// What is wrong with a value, and the path to it, innermost first. Without a reason, the value is null where it must not be.
struct Wrong {
    path: Vec<String>,
    reason: String,
}

impl Wrong {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            reason: reason.into(),
        }
    }

    fn within(mut self, step: String, ty: &Type) -> Self {
        if self.reason.is_empty() {
            self.reason = format!("Expected non-nullable type \"{ty}\" not to be null.");
        }
        self.path.push(step);
        self
    }
}

#[derive(Clone, Copy)]
struct Coercion<'a> {
    typing: &'a Typing,
}

impl Coercion<'_> {
    fn value(self, value: Given, ty: &Type) -> Result<Given, Wrong> {
        if value == Given::Null {
            return match ty.is_non_null() {
                true => Err(Wrong::new("")),
                false => Ok(value),
            };
        }
        if ty.is_list() {
            return self.list(value, ty.item_type());
        }
        let name = ty.inner_named_type().as_str();
        match self.typing.schema.types.get(name) {
            Some(ExtendedType::InputObject(object)) => self.object(value, object),
            Some(ExtendedType::Enum(definition)) => enumerated(value, definition),
            _ => scalar(value, name),
        }
    }

    fn list(self, value: Given, item: &Type) -> Result<Given, Wrong> {
        let Given::List(items) = value else {
            // A single item stands for a list of it.
            return Ok(Given::List(vec![self.value(value, item)?]));
        };
        let items = items.into_iter().enumerate().map(|(index, value)| {
            let coerced = self.value(value, item);
            coerced.map_err(|wrong| wrong.within(format!("[{index}]"), item))
        });
        Ok(Given::List(items.collect::<Result<_, _>>()?))
    }

    fn object(self, value: Given, definition: &InputObjectType) -> Result<Given, Wrong> {
        let name = &definition.name;
        let Given::Object(mut fields) = value else {
            return Err(Wrong::new(format!(
                "Expected type \"{name}\" to be an object."
            )));
        };
        let mut coerced = IndexMap::with_capacity(fields.len());
        for (field, definition) in &definition.fields {
            let ty = &*definition.ty;
            let value = match fields.swap_remove(field.as_str()) {
                Some(value) => {
                    let coerced = self.value(value, ty);
                    coerced.map_err(|wrong| wrong.within(format!(".{field}"), ty))?
                }
                None => match &definition.default_value {
                    Some(default) => constant(default),
                    None if ty.is_non_null() => {
                        return Err(Wrong::new(format!(
                            "Field \"{field}\" of required type \"{ty}\" was not provided."
                        )));
                    }
                    None => continue,
                },
            };
            coerced.insert(Name::new(field.as_str()), value);
        }
        match fields.keys().next() {
            None => Ok(Given::Object(coerced)),
            Some(unknown) => {
                let unknown = quoted(unknown);
                Err(Wrong::new(format!(
                    "Field {unknown} is not defined by type \"{name}\"."
                )))
            }
        }
    }
}

fn enumerated(value: Given, definition: &EnumType) -> Result<Given, Wrong> {
    match &value {
        Given::String(text) if definition.values.contains_key(text.as_str()) => {
            Ok(Given::Enum(Name::new(text)))
        }
        Given::String(text) => {
            let (name, text) = (&definition.name, quoted(text));
            Err(Wrong::new(format!(
                "Value {text} does not exist in \"{name}\" enum."
            )))
        }
        _ => Err(Wrong::new(format!(
            "Enum \"{}\" cannot represent a non-string value.",
            definition.name
        ))),
    }
}

/// Returns whether a text is valid for a scalar that the specification does not define. Scalars unknown here are judged where they are
/// read, possibly after other fields were executed.
pub(super) fn is_text_of(name: &str, text: &str) -> bool {
    match name {
        "DateTime" => text.parse::<DateTime<Utc>>().is_ok(),
        "Date" => text.parse::<NaiveDate>().is_ok(),
        UPLOAD => false,
        _ => true,
    }
}

fn scalar(value: Given, name: &str) -> Result<Given, Wrong> {
    let fits = match (name, &value) {
        ("Int", Given::Number(number)) => {
            let whole = whole(number).filter(|whole| i32::try_from(*whole).is_ok());
            let Some(whole) = whole else {
                return Err(Wrong::new(format!(
                    "Int cannot represent non 32-bit signed integer value: {number}"
                )));
            };
            return Ok(whole.into());
        }
        ("ID", Given::Number(number)) => {
            let Some(whole) = whole(number) else {
                return Err(Wrong::new(format!("ID cannot represent value: {number}")));
            };
            return Ok(Given::String(whole.to_string()));
        }
        (UPLOAD, Given::Binary(_))
        | ("Float", Given::Number(_))
        | ("String" | "ID", Given::String(_))
        | ("Boolean", Given::Boolean(_)) => true,
        ("DateTime" | "Date", Given::String(text)) => is_text_of(name, text),
        ("Int" | "Float" | "String" | "ID" | "Boolean" | "DateTime" | "Date" | UPLOAD, _)
        | (_, Given::Binary(_)) => false,
        _ => true,
    };
    match fits {
        true => Ok(value),
        false => Err(Wrong::new(format!(
            "{name} cannot represent the value given."
        ))),
    }
}

/// Returns the integer that a number equals, even if it is written with a fraction of zero.
fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        // Beyond this, floating-point numbers are no longer all integers.
        let is_whole = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
        is_whole.then_some(float as i64)
    })
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Converts a constant of a document or of the schema.
pub(super) fn constant(value: &Value) -> Given {
    match value {
        Value::Null | Value::Variable(_) => Given::Null,
        Value::Enum(name) => Given::Enum(Name::new(name.as_str())),
        Value::String(text) => Given::String(text.clone()),
        Value::Boolean(flag) => Given::Boolean(*flag),
        Value::Int(digits) => number(digits.as_str()),
        Value::Float(digits) => number(digits.as_str()),
        Value::List(items) => Given::List(items.iter().map(|item| constant(item)).collect()),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (Name::new(name.as_str()), constant(value)));
            Given::Object(fields.collect())
        }
    }
}

/// Converts a number as written, or null when it is beyond all numbers.
pub(super) fn number(digits: &str) -> Given {
    // There is one integer zero. With a sign it would be taken for a fraction.
    let digits = if digits == "-0" { "0" } else { digits };
    digits.parse().map_or(Given::Null, Given::Number)
}
