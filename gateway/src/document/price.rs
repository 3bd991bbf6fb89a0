//! The price of an operation: a field costs what the schema says (`@cost`), or 1; a page costs its size times the price of one row, and
//! so does a list of what `ids` name; a list whose usual size the schema states (`@listSize`) costs that size times. Given arguments
//! cost more where the schema says so, such as texts to search for. For an object that may have one of several types, the most
//! expensive counts. Parts that do not depend on variables are added up once.

use apollo_compiler::Node;
use apollo_compiler::ast::{InputValueDefinition, Type, Value as Syntax};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use async_graphql::{Name, Value as Given, Variables};
use async_graphql_value::Value;

use super::typing::{Typing, named};

/// The rows of a page when neither the request nor the schema says how many.
const USUAL_PAGE: u64 = 20;
/// The argument that names the rows.
const IDS: &str = "ids";
/// The arguments that say how many rows.
const SLICING: [&str; 2] = ["first", "last"];

/// The price of an object. In a connection, only the lists are as long as the requested page.
#[derive(Default)]
pub(super) struct Each {
    plain: Price,
    lists: Price,
}

impl Each {
    /// Adds a field whose objects cost `each`.
    pub(super) fn add(
        &mut self,
        definition: &FieldDefinition,
        arguments: &[(Name, Value)],
        each: Self,
        typing: &Typing,
    ) {
        let part = match definition.ty.is_list() {
            true => &mut self.lists,
            false => &mut self.plain,
        };
        part.add(definition, arguments, each, typing);
    }

    pub(super) fn total(self) -> Price {
        let Self { mut plain, lists } = self;
        plain.merge(lists);
        plain
    }

    /// Returns the most expensive of them.
    pub(super) fn largest(prices: Vec<Self>) -> Self {
        let prices = prices.into_iter().map(Self::total).collect();
        Self {
            plain: Price::largest(prices),
            lists: Price::default(),
        }
    }
}

/// A price that may depend on variables.
#[derive(Default)]
pub(super) struct Price {
    fixed: u64,
    terms: Vec<Term>,
}

enum Term {
    Rows {
        /// The variables of which the first given one says how many.
        given: Vec<Name>,
        otherwise: u64,
        each: Price,
    },
    /// A variable that is given for something with a price, or for something that contains one.
    Given {
        variable: Name,
        weight: u64,
        ty: Type,
    },
    Largest(Vec<Price>),
}

impl Price {
    pub(super) fn of(&self, variables: &Variables, typing: &Typing) -> u64 {
        let terms = self.terms.iter().map(|term| match term {
            Term::Rows {
                given,
                otherwise,
                each,
            } => {
                let mut sizes = given.iter().filter_map(|name| size(variables.get(name)?));
                let rows = sizes.next().unwrap_or(*otherwise);
                rows.saturating_mul(each.of(variables, typing))
            }
            Term::Given {
                variable,
                weight,
                ty,
            } => match variables.get(variable) {
                None | Some(Given::Null) => 0,
                Some(value) => weight.saturating_add(weights_within(value, ty, typing)),
            },
            Term::Largest(prices) => {
                let prices = prices.iter().map(|price| price.of(variables, typing));
                prices.max().unwrap_or_default()
            }
        });
        terms.fold(self.fixed, u64::saturating_add)
    }

    fn add(
        &mut self,
        definition: &FieldDefinition,
        arguments: &[(Name, Value)],
        each: Each,
        typing: &Typing,
    ) {
        self.plus(weight(&definition.directives).unwrap_or(1));
        for (name, value) in arguments {
            if let Some(argument) = definition.argument_by_name(name) {
                self.add_given(argument, value, typing);
            }
        }
        let repeated = match definition.ty.is_list() {
            true => each.total(),
            false => {
                self.merge(each.plain);
                each.lists
            }
        };
        let (given, otherwise) = rows(definition, arguments);
        if given.is_empty() && repeated.terms.is_empty() {
            self.plus(repeated.fixed.saturating_mul(otherwise));
        } else if repeated.fixed > 0 || !repeated.terms.is_empty() {
            self.terms.push(Term::Rows {
                given,
                otherwise,
                each: repeated,
            });
        }
    }

    fn merge(&mut self, other: Self) {
        self.plus(other.fixed);
        self.terms.extend(other.terms);
    }

    fn add_given(&mut self, definition: &InputValueDefinition, value: &Value, typing: &Typing) {
        let (own, ty) = (weight(&definition.directives).unwrap_or(0), &*definition.ty);
        if own == 0 && !typing.is_priced(ty.inner_named_type()) {
            return;
        }
        match value {
            Value::Null => {}
            Value::Variable(name) => self.terms.push(Term::Given {
                variable: name.clone(),
                weight: own,
                ty: ty.clone(),
            }),
            value => {
                self.plus(own);
                self.add_within(value, ty, typing);
            }
        }
    }

    fn add_within(&mut self, value: &Value, ty: &Type, typing: &Typing) {
        match (value, named(typing, ty)) {
            // An item of a list; elsewhere `add_given` has seen it.
            (Value::Variable(name), _) => self.terms.push(Term::Given {
                variable: name.clone(),
                weight: 0,
                ty: ty.clone(),
            }),
            (Value::List(items), _) => {
                for item in items {
                    self.add_within(item, ty, typing);
                }
            }
            (Value::Object(fields), Some(ExtendedType::InputObject(object))) => {
                for (name, value) in fields {
                    if let Some(field) = object.fields.get(name.as_str()) {
                        self.add_given(field, value, typing);
                    }
                }
            }
            _ => {}
        }
    }

    fn largest(prices: Vec<Self>) -> Self {
        if prices.iter().any(|price| !price.terms.is_empty()) {
            return Self {
                fixed: 0,
                terms: vec![Term::Largest(prices)],
            };
        }
        let fixed = prices.iter().map(|price| price.fixed).max();
        Self {
            fixed: fixed.unwrap_or_default(),
            terms: Vec::new(),
        }
    }

    fn plus(&mut self, more: u64) {
        self.fixed = self.fixed.saturating_add(more);
    }
}

/// Returns the prices of everything in a variable's value.
fn weights_within(value: &Given, ty: &Type, typing: &Typing) -> u64 {
    match (value, named(typing, ty)) {
        (Given::List(items), _) => {
            let items = items.iter().map(|item| weights_within(item, ty, typing));
            items.fold(0, u64::saturating_add)
        }
        (Given::Object(fields), Some(ExtendedType::InputObject(object))) => {
            let fields = fields.iter().filter(|(_, value)| **value != Given::Null);
            let fields = fields.filter_map(|(name, value)| {
                let field = object.fields.get(name.as_str())?;
                let own = weight(&field.directives).unwrap_or(0);
                Some(own.saturating_add(weights_within(value, &field.ty, typing)))
            });
            fields.fold(0, u64::saturating_add)
        }
        _ => 0,
    }
}

/// Returns the variables that say how many rows a field has, and the number without them.
fn rows(definition: &FieldDefinition, arguments: &[(Name, Value)]) -> (Vec<Name>, u64) {
    let slicing = SLICING
        .into_iter()
        .filter_map(|name| definition.argument_by_name(name));
    let mut is_page = false;
    let mut variables = Vec::new();
    let mut default = None;
    if definition.argument_by_name(IDS).is_some() {
        match arguments.iter().find(|(name, _)| name == IDS) {
            Some((_, Value::List(ids))) => return (variables, ids.len().max(1) as u64),
            Some((_, Value::Variable(name))) => variables.push(name.clone()),
            _ => {}
        }
    }
    for argument in slicing.filter(|argument| argument.ty.inner_named_type() == "Int") {
        is_page = true;
        let value = arguments
            .iter()
            .find(|(name, _)| *name == argument.name.as_str());
        match value.map(|(_, value)| value) {
            Some(Value::Variable(name)) => variables.push(name.clone()),
            Some(Value::Number(number)) => {
                let rows = number.as_i64().and_then(|rows| rows.try_into().ok());
                return (variables, rows.unwrap_or(1).max(1));
            }
            _ => {}
        }
        let usual = argument
            .default_value
            .as_ref()
            .and_then(|value| value.to_i32());
        default = default.or(usual.and_then(|rows| u64::try_from(rows).ok()));
    }
    let usual = definition.directives.get("listSize");
    let usual = usual.and_then(|size| size.specified_argument_by_name("assumedSize")?.to_i32());
    let otherwise = match usual.and_then(|rows| u64::try_from(rows).ok()) {
        Some(rows) => rows,
        None if is_page => default.unwrap_or(USUAL_PAGE),
        None => 1,
    };
    (variables, otherwise)
}

fn size(value: &Given) -> Option<u64> {
    match value {
        Given::List(ids) => Some(ids.len().max(1) as u64),
        Given::Number(number) => Some(u64::try_from(number.as_i64()?).unwrap_or(1).max(1)),
        _ => None,
    }
}

/// Returns the weight in `@cost`, whose number is in a text.
pub(super) fn weight(directives: &apollo_compiler::ast::DirectiveList) -> Option<u64> {
    let weight = directives
        .get("cost")?
        .specified_argument_by_name("weight")?;
    match &**weight {
        Syntax::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Returns whether something in the definition of an input has a price.
pub(super) fn has_weight(definition: &Node<InputValueDefinition>) -> bool {
    weight(&definition.directives).is_some()
}
