//! The circumstances that select the variant of an operation to plan: which variables are omitted, and which conditions hold. Arguments
//! are resolved under them: one whose variable is omitted is absent, so that the schema's default applies.

use apollo_compiler::Node;
use apollo_compiler::ast::{Argument, Directive, Value as Syntax};
use apollo_compiler::executable::{DirectiveList, Field};
use async_graphql::Name;
use async_graphql_value::Value;

use super::variables::number;

/// The bytes of a value without its text, or of the name of an object's field.
const BYTES_PER_VALUE: usize = 80;

pub(super) struct Circumstances<'a> {
    /// Whether a variable is omitted, and has no default.
    pub(super) is_absent: &'a dyn Fn(&str) -> bool,
    /// Whether a variable is true.
    pub(super) is_true: &'a dyn Fn(&str) -> bool,
}

impl Circumstances<'_> {
    /// Returns whether all conditions of a selection hold.
    pub(super) fn is_included(&self, directives: &DirectiveList) -> bool {
        directives
            .iter()
            .all(|directive| match directive.name.as_str() {
                "skip" => !self.holds(directive),
                "include" => self.holds(directive),
                _ => true,
            })
    }

    fn holds(&self, directive: &Node<Directive>) -> bool {
        match directive
            .specified_argument_by_name("if")
            .map(|value| &**value)
        {
            Some(Syntax::Variable(name)) => (self.is_true)(name),
            Some(value) => value.to_bool().unwrap_or_default(),
            None => false,
        }
    }

    /// Returns the arguments of a field, without those whose variable is omitted.
    pub(super) fn arguments(&self, field: &Field) -> Vec<(Name, Value)> {
        self.given(&field.arguments)
    }

    /// Returns these arguments, without those whose variable is omitted.
    pub(super) fn given(&self, arguments: &[Node<Argument>]) -> Vec<(Name, Value)> {
        let given = arguments.iter();
        let given = given.filter(|argument| !self.is_left_out(&argument.value));
        let given = given.map(|argument| {
            let name = Name::new(argument.name.as_str());
            (name, self.value(&argument.value))
        });
        given.collect()
    }

    /// Returns about how many bytes these arguments take when they are copied.
    pub(super) fn weigh(arguments: &[Node<Argument>]) -> usize {
        arguments
            .iter()
            .map(|argument| weight(&argument.value))
            .sum()
    }

    fn is_left_out(&self, value: &Syntax) -> bool {
        matches!(value, Syntax::Variable(name) if (self.is_absent)(name))
    }

    fn value(&self, value: &Syntax) -> Value {
        match value {
            Syntax::Null => Value::Null,
            // Within a list it is null; elsewhere it is absent.
            Syntax::Variable(_) if self.is_left_out(value) => Value::Null,
            Syntax::Variable(name) => Value::Variable(Name::new(name.as_str())),
            Syntax::Enum(name) => Value::Enum(Name::new(name.as_str())),
            Syntax::String(text) => Value::String(text.clone()),
            Syntax::Boolean(flag) => Value::Boolean(*flag),
            Syntax::Int(digits) => number(digits.as_str()).into(),
            Syntax::Float(digits) => number(digits.as_str()).into(),
            Syntax::List(items) => Value::List(items.iter().map(|item| self.value(item)).collect()),
            Syntax::Object(fields) => {
                let fields = fields.iter();
                let fields = fields.filter(|(_, value)| !self.is_left_out(value));
                let fields = fields.map(|(name, value)| {
                    let name = Name::new(name.as_str());
                    (name, self.value(value))
                });
                Value::Object(fields.collect())
            }
        }
    }
}

fn weight(value: &Syntax) -> usize {
    let within = match value {
        Syntax::String(text) => text.len(),
        Syntax::List(items) => items.iter().map(|item| weight(item)).sum(),
        Syntax::Object(fields) => fields
            .iter()
            .map(|(_, value)| BYTES_PER_VALUE + weight(value))
            .sum(),
        _ => 0,
    };
    BYTES_PER_VALUE + within
}
