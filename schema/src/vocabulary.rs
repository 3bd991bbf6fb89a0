//! Holds the schema to one vocabulary: every part is described, names have one form, mutations have an input and a payload of their
//! own, connections have one shape; events are called as the mutations that they come from, and name what they are about. A list of
//! exceptions fails when an entry no longer offends.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{
            BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
            TypeSystemDefinition,
        },
    },
};

/// The first words of mutations. What is created, updated, deleted and restored is an object of its own; members are added and
/// removed, and so is what one says about something.
const VERBS: &[&str] = &[
    "add",
    "change",
    "create",
    "deactivate",
    "delete",
    "discard",
    "disconnect",
    "erase",
    "import",
    "leave",
    "end",
    "like",
    "mark",
    "pause",
    "reactivate",
    "rebuild",
    "refresh",
    "register",
    "remove",
    "rename",
    "replay",
    "request",
    "reset",
    "restore",
    "resume",
    "send",
    "set",
    "sign",
    "submit",
    "unlike",
    "update",
    "verify",
];

/// Payloads without an object, and why.
const WITHOUT_OBJECT: &[&str] = &[
    // Whoever left must not see the chat.
    "LeaveChatPayload",
    // A session is of no use any more.
    "SignOutPayload",
    // Nobody is told whether there is a user.
    "RequestPasswordResetPayload",
    "RequestEmailVerificationPayload",
    // There may be many, and those that are done are gone.
    "ReplayDeadLettersPayload",
    "DiscardDeadLettersPayload",
];

mod events;
mod lists;

struct Sdl {
    types: BTreeMap<String, TypeDefinition>,
}

impl Sdl {
    fn read() -> Self {
        let document = parse_schema(crate::sdl()).expect("the schema can be parsed");
        let types = document.definitions.into_iter().filter_map(|it| match it {
            TypeSystemDefinition::Type(it) => Some((it.node.name.node.to_string(), it.node)),
            _ => None,
        });
        Self {
            types: types.collect(),
        }
    }

    fn fields(&self, name: &str) -> &[Positioned<FieldDefinition>] {
        match self.types.get(name).map(|it| &it.kind) {
            Some(TypeKind::Object(object)) => &object.fields,
            Some(TypeKind::Interface(interface)) => &interface.fields,
            _ => &[],
        }
    }

    fn inputs(&self, name: &str) -> &[Positioned<InputValueDefinition>] {
        match self.types.get(name).map(|it| &it.kind) {
            Some(TypeKind::InputObject(input)) => &input.fields,
            _ => &[],
        }
    }

    fn is_object(&self, name: &str) -> bool {
        let kind = self.types.get(name).map(|it| &it.kind);
        matches!(kind, Some(TypeKind::Object(_) | TypeKind::Interface(_)))
    }

    fn is_node(&self, name: &str) -> bool {
        let kind = self.types.get(name).map(|it| &it.kind);
        matches!(kind, Some(TypeKind::Object(it)) if it.implements.iter().any(|it| it.node == "Node"))
    }

    /// Every field, with its type's name.
    fn all_fields(&self) -> impl Iterator<Item = (&str, &FieldDefinition)> {
        let names = self.types.keys().map(String::as_str);
        names.flat_map(|name| {
            self.fields(name)
                .iter()
                .map(move |field| (name, &field.node))
        })
    }
}

/// Returns the name of a field as the beginning of a type's.
fn pascal(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// Returns the name without lists and exclamation marks.
fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(of) => named(of),
    }
}

fn is_described(description: Option<&Positioned<String>>) -> bool {
    let text = description.map(|it| it.node.trim()).unwrap_or_default();
    text.starts_with(|first: char| first.is_uppercase() || first.is_numeric() || first == '`')
        && text.ends_with(['.', '?', '`', '…'])
}

fn is_camel(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|it| it.is_ascii_alphanumeric())
}

fn is_pascal(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|it| it.is_ascii_alphanumeric())
}

/// Asserts that these offend, and no others.
fn assert_only(offending: impl IntoIterator<Item = String>, exceptions: &[&str]) {
    let offending: BTreeSet<String> = offending.into_iter().collect();
    let exceptions: BTreeSet<String> = exceptions.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(offending, exceptions);
}

#[test]
fn everything_is_described() {
    let sdl = Sdl::read();
    let mut bare = Vec::new();
    let mut note = |description: Option<&Positioned<String>>, path: String| {
        if !is_described(description) {
            bare.push(path);
        }
    };
    for (name, definition) in &sdl.types {
        if !["Query", "Mutation", "Subscription"].contains(&name.as_str()) {
            note(definition.description.as_ref(), name.clone());
        }
        for field in sdl.fields(name).iter().map(|it| &it.node) {
            // The library describes those itself.
            if !name.ends_with("Edge") {
                note(field.description.as_ref(), format!("{name}.{}", field.name));
            }
            for argument in field.arguments.iter().map(|it| &it.node) {
                // An input object describes itself.
                if argument.name.node != "input" {
                    let path = format!("{name}.{}({})", field.name, argument.name);
                    note(argument.description.as_ref(), path);
                }
            }
        }
        for input in sdl.inputs(name).iter().map(|it| &it.node) {
            note(input.description.as_ref(), format!("{name}.{}", input.name));
        }
        if let TypeKind::Enum(values) = &definition.kind {
            for value in values.values.iter().map(|it| &it.node) {
                note(
                    value.description.as_ref(),
                    format!("{name}.{}", value.value),
                );
            }
        }
    }
    assert_only(bare, &[]);
}

#[test]
fn names_have_one_form() {
    let sdl = Sdl::read();
    let mut wrong = Vec::new();
    for (name, definition) in &sdl.types {
        if !is_pascal(name) {
            wrong.push(name.clone());
        }
        if let TypeKind::Enum(values) = &definition.kind {
            let values = values.values.iter().map(|it| it.node.value.to_string());
            let is_constant = |it: &String| {
                it.chars()
                    .all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_')
            };
            wrong.extend(values.filter(|value| !is_constant(value)));
        }
        wrong.extend(
            sdl.inputs(name)
                .iter()
                .map(|it| it.node.name.to_string())
                .filter(|it| !is_camel(it)),
        );
    }
    for (name, field) in sdl.all_fields() {
        let arguments = field.arguments.iter().map(|it| it.node.name.to_string());
        let names = arguments.chain([field.name.to_string()]);
        for it in names {
            // What has happened has a type; a kind is a kind of object.
            if !is_camel(&it) || it == "kinds" {
                wrong.push(format!("{name}.{it}"));
            }
        }
    }
    assert_only(wrong, &[]);
}

/// Null in a list says that the item is not there; only a list of what was asked for has that.
#[test]
fn lists_have_no_nulls() {
    let sdl = Sdl::read();
    let has_nulls = |ty: &Type| match &ty.base {
        BaseType::List(of) => of.nullable,
        BaseType::Named(_) => false,
    };
    let fields = sdl.all_fields().flat_map(|(name, field)| {
        let arguments = field
            .arguments
            .iter()
            .map(|it| (&it.node.ty, &it.node.name));
        let all = arguments.chain([(&field.ty, &field.name)]);
        let with_nulls = all.filter(|(ty, _)| has_nulls(&ty.node));
        with_nulls.map(move |(_, it)| format!("{name}.{it}"))
    });
    let inputs = sdl.types.keys().flat_map(|name| {
        let with_nulls = sdl.inputs(name).iter();
        let with_nulls = with_nulls.filter(|it| has_nulls(&it.node.ty.node));
        with_nulls.map(move |it| format!("{name}.{}", it.node.name))
    });
    assert_only(fields.chain(inputs), &["Query.nodes"]);
}

#[test]
fn mutations_have_an_input_and_a_payload_of_their_own() {
    let sdl = Sdl::read();
    let mut wrong = Vec::new();
    let mut without_object = Vec::new();
    for field in sdl.fields("Mutation").iter().map(|it| &it.node) {
        let name = field.name.node.as_str();
        let capital = pascal(name);
        let (input, payload) = (format!("{capital}Input"), format!("{capital}Payload"));
        let verb = name.split(char::is_uppercase).next().unwrap_or_default();
        let takes = match &field.arguments[..] {
            [argument] => {
                argument.node.name.node == "input" && named(&argument.node.ty.node) == input
            }
            _ => false,
        };
        let gives = field.ty.node.nullable && named(&field.ty.node) == payload;
        if !VERBS.contains(&verb) || !takes || !gives {
            wrong.push(name.to_owned());
        }
        let objects = sdl.fields(&payload).iter().map(|it| &it.node);
        let objects: Vec<_> = objects
            .filter(|it| sdl.is_object(named(&it.ty.node)))
            .collect();
        if objects.is_empty() {
            without_object.push(payload.clone());
        }
        // The object that a mutation is about is named by `id`, and others by what they are.
        let about = objects.first().map(|it| format!("{}Id", it.name));
        let names = sdl.inputs(&input).iter().map(|it| it.node.name.to_string());
        wrong.extend(
            names
                .filter(|it| Some(it) == about.as_ref())
                .map(|it| format!("{input}.{it}")),
        );
    }
    assert_only(wrong, &[]);
    assert_only(without_object, WITHOUT_OBJECT);
}

#[test]
fn connections_have_one_shape() {
    let sdl = Sdl::read();
    let mut wrong = Vec::new();
    for name in sdl.types.keys().filter(|name| name.ends_with("Connection")) {
        let ty = |of: &str, field: &str| {
            let mut fields = sdl.fields(of).iter();
            let found = fields.find(|it| it.node.name.node == field);
            found.map_or_else(String::new, |it| it.node.ty.node.to_string())
        };
        let edge = format!("{}Edge", name.trim_end_matches("Connection"));
        let nodes = ty(name, "nodes");
        let is_right = ty(name, "pageInfo") == "PageInfo!"
            && ty(name, "edges") == format!("[{edge}!]!")
            && nodes == format!("[{}]!", ty(&edge, "node"))
            && ty(&edge, "cursor") == "String!";
        if !is_right {
            wrong.push(name.clone());
        }
    }
    assert_only(wrong, &[]);
    let one_direction = sdl.all_fields().filter_map(|(name, field)| {
        let arguments = field.arguments.iter().map(|it| {
            let InputValueDefinition { name, ty, .. } = &it.node;
            format!("{name}: {}", ty.node)
        });
        let arguments: Vec<_> = arguments.take(4).collect();
        let is_page = named(&field.ty.node).ends_with("Connection");
        let pages = ["first: Int", "after: String", "last: Int", "before: String"];
        (is_page && arguments != pages).then(|| format!("{name}.{}", field.name))
    });
    assert_only(one_direction, &[]);
}

/// What has a global id can be looked up by it; and who did something is an object, not a text.
#[test]
fn objects_are_nodes_and_actors() {
    let sdl = Sdl::read();
    let mut wrong = Vec::new();
    for (name, definition) in &sdl.types {
        let TypeKind::Object(object) = &definition.kind else {
            continue;
        };
        let has_id = object.fields.iter().any(|it| it.node.name.node == "id");
        let is_node = object.implements.iter().any(|it| it.node == "Node");
        if has_id != is_node {
            wrong.push(name.clone());
        }
    }
    let texts = sdl.all_fields().filter(|(_, field)| {
        let is_who = field.name.node == "actor" || field.name.node.ends_with("By");
        is_who && named(&field.ty.node) != "Actor"
    });
    wrong.extend(texts.map(|(name, field)| format!("{name}.{}", field.name)));
    assert_only(wrong, &[]);
}
