//! From a text to a document that is valid by the specification. The order matters: the text's extent is bounded before it is parsed, and
//! its expansion before anything looks into fragments. The number of reported errors is bounded.

use std::sync::Arc;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::{Definition, Document as Syntax};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList, Valid};
use async_graphql::ServerError;

use super::position::Positions;
use super::typing::Typing;
use super::{descriptions, lexer, measure, refused, rules};
use crate::errors::{Code, limit_exceeded, typed};
use crate::limits::{Limits, MAX_NESTING, MAX_WORD};

/// The most errors reported for one document.
const MAX_ERRORS: usize = 10;
/// The most characters of one message; a message may quote long parts of a document.
const MAX_MESSAGE: usize = 300;
/// The library's names of errors for which it leaves a part of the document out.
const CUTTING: [&str; 7] = [
    "UndefinedField",
    "SubselectionOnScalarType",
    "SubselectionOnEnumType",
    "UndefinedTypeInInlineFragmentTypeCondition",
    "OperationNameCollision",
    "AmbiguousAnonymousOperation",
    FRAGMENT_LEFT_OUT,
];
const FRAGMENT_LEFT_OUT: &str = "UndefinedTypeInNamedFragmentTypeCondition";

/// A valid document with its text.
pub(super) struct Read {
    pub(super) text: Arc<str>,
    pub(super) positions: Positions,
    pub(super) tokens: usize,
    pub(super) document: Valid<ExecutableDocument>,
}

pub(super) fn read(text: &str, typing: &Typing, limits: &Limits) -> Result<Read, Vec<ServerError>> {
    let tokens = check_extent(text, limits).map_err(|error| vec![error])?;
    let positions = Positions::of(text);
    let place = |(error, span): (ServerError, Option<SourceSpan>)| {
        let locations = span.map(|span| positions.at(text, span.offset()));
        ServerError {
            locations: locations.into_iter().collect(),
            ..error
        }
    };
    let (plain, described) = descriptions::blanked(text);
    let syntax = Syntax::parse(&*plain, "document").map_err(|failed| {
        let errors = diagnostics(&failed.errors, text, 1);
        let errors = errors.map(|(message, span)| (typed(Code::ParseFailed, message), span));
        errors.map(place).collect::<Vec<_>>()
    })?;
    if syntax.definitions.is_empty() {
        let error = typed(Code::ParseFailed, "The document has no operation");
        return Err(vec![error]);
    }
    if !is_whole(&syntax, &plain, tokens - described) {
        let message = "Syntax error: the document has something that does not belong there";
        return Err(vec![typed(Code::ParseFailed, message)]);
    }
    measure::check(&syntax, limits).map_err(|refusal| vec![place(*refusal)])?;
    let invalid = |(message, span)| place((refused(message), span));
    let (document, found) = match syntax.to_executable_validate(&typing.schema) {
        Ok(document) => (document, Vec::new()),
        Err(failed) => {
            let found = diagnostics(&failed.errors, text, MAX_ERRORS)
                .map(invalid)
                .collect();
            (Valid::assume_valid(failed.partial), found)
        }
    };
    if !found.is_empty() {
        return Err(found);
    }
    let found = rules::check(&document, typing);
    if !found.is_empty() {
        return Err(found.into_iter().take(MAX_ERRORS).map(invalid).collect());
    }
    Ok(Read {
        text: text.into(),
        positions,
        tokens,
        document,
    })
}

/// Returns whether the syntax tree covers the whole text: the parser silently drops some of what it cannot place.
fn is_whole(syntax: &Syntax, text: &str, tokens: usize) -> bool {
    let (mut written, mut told) = (0, 0);
    for (at, definition) in syntax.definitions.iter().enumerate() {
        let Definition::OperationDefinition(operation) = definition else {
            continue;
        };
        let is_bare = operation.name.is_none()
            && operation.operation_type.is_query()
            && operation.variables.is_empty()
            && operation.directives.is_empty();
        if is_bare {
            // The keyword may be missing, and the parser reports that for all but the first.
            let start = operation.location().map_or(0, |span| span.offset());
            let rest = text.get(start..).unwrap_or_default();
            written += usize::from(rest.starts_with("query"));
            told += usize::from(at > 0);
        }
    }
    let again = syntax.serialize().no_indent().to_string();
    lexer::measure(&again, usize::MAX).tokens + written == tokens + told
}

/// Checks the extent of the text, and returns the number of tokens.
fn check_extent(text: &str, limits: &Limits) -> Result<usize, ServerError> {
    let extent = lexer::measure(text, limits.max_tokens);
    let maximum = limits.max_tokens;
    if extent.tokens.max(extent.ignored) > maximum {
        let what = match extent.tokens > maximum {
            true => "tokens",
            false => "commas and comments",
        };
        let message = format!("The document has more than {maximum} {what}");
        return Err(limit_exceeded("tokens", maximum, message));
    }
    if extent.nesting > MAX_NESTING {
        let message = format!("The document nests brackets deeper than {MAX_NESTING}");
        return Err(limit_exceeded("nesting", MAX_NESTING, message));
    }
    if extent.longest > MAX_WORD {
        let message = format!("The document has a name or a number of more than {MAX_WORD} bytes");
        return Err(limit_exceeded("word", MAX_WORD, message));
    }
    Ok(extent.tokens)
}

/// Returns the library's findings, without those that `rules` decides, and those that are only consequences of others: what is wrong with a
/// selection is no longer in what the library looks at afterwards.
fn diagnostics<'a>(
    list: &'a DiagnosticList,
    text: &'a str,
    most: usize,
) -> impl Iterator<Item = (String, Option<SourceSpan>)> + 'a {
    let name = |error: &DiagnosticData| error.unstable_error_name().unwrap_or_default();
    let is_told = |names: &[&str]| {
        let mut told = list.iter().map(|diagnostic| name(diagnostic.error));
        told.any(|told| names.contains(&told))
    };
    let (is_cut, lacks_fragment) = (is_told(&CUTTING), is_told(&[FRAGMENT_LEFT_OUT]));
    let found = list.iter().map(|diagnostic| diagnostic.error);
    let found = found.filter(move |error| match name(error) {
        rules::DECIDED_THERE => false,
        "UnusedVariable" | "UnusedFragment" => !is_cut,
        "MissingSubselection" => !(is_cut && has_selection(error.location(), text)),
        "UndefinedFragment" => !lacks_fragment,
        _ => true,
    });
    found.take(most).map(|error| {
        // The message is that of graphql-js, where it has one.
        let known = error.unstable_compat_message();
        let message = known.unwrap_or_else(|| error.to_string());
        (shortened(message), error.location())
    })
}

/// Returns whether a field ends with its selection.
fn has_selection(field: Option<SourceSpan>, text: &str) -> bool {
    let written = field.and_then(|span| text.get(span.offset()..span.end_offset()));
    written.is_some_and(|written| written.trim_end().ends_with('}'))
}

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDL: &str = "
        type Query { q: Query  a(b: Int): E }
        enum E { A }
    ";

    fn told(document: &str) -> Vec<(String, usize)> {
        let typing = Typing::of(SDL).expect("a schema");
        let refused = read(document, &typing, &Limits::default()).err();
        let told = refused.into_iter().flatten().map(|error| {
            let column = error.locations.first().map_or(0, |place| place.column);
            (error.message, column)
        });
        told.collect()
    }

    #[test]
    fn what_is_wrong_is_told_once() {
        let unknown = |column| {
            let message = r#"Cannot query field "nope" on type "Query"."#;
            (message.to_owned(), column)
        };
        for (document, column) in [
            ("{ q { nope } }", 7),
            ("{ q { nope { q } # }\n } }", 7),
            ("{ q { q { nope } } a }", 11),
            ("query ($b: Int) { nope(b: $b) }", 19),
            ("{ nope { ...F } } fragment F on Query { a }", 3),
            ("{ q { ...F } } fragment F on Query { nope(b: $c) }", 38),
        ] {
            assert_eq!(told(document), [unknown(column)], "{document}");
        }
        let missing = r#"Field "q" of type "Query" must have a selection of subfields. Did you mean "q { ... }"?"#;
        assert_eq!(told("{ q }"), [(missing.to_owned(), 3)]);
        let both = [unknown(3), (missing.to_owned(), 8)];
        assert_eq!(told("{ nope q }"), both);
        assert_eq!(told("{ q(x: {}) }").len(), 2);
        for (document, told_once) in [
            ("{ q { ... on Nope { a } } }", r#"Unknown type "Nope"."#),
            (
                "query ($b: Int) { ...F } fragment F on Nope { a(b: $b) }",
                r#"Unknown type "Nope"."#,
            ),
            (
                "query Q { a } query Q { ...F } fragment F on Query { a }",
                r#"There can be only one operation named "Q"."#,
            ),
        ] {
            let told = told(document);
            assert_eq!(told.len(), 1, "{document}: {told:?}");
            assert_eq!(told[0].0, told_once);
        }
        let of_leaf = told("query ($b: Int) { a { b(c: $b) } }");
        assert_eq!(of_leaf.len(), 1, "{of_leaf:?}");
        let unused = "query ($b: Int) { a } fragment F on Query { a }";
        assert_eq!(told(unused).len(), 2);
    }

    #[test]
    fn descriptions_mean_nothing_and_move_nothing() {
        let described = r#""""
            An operation
            """
            query ("ä" $b: Int = 1 @nope) { a(b: $b) } "A fragment" fragment F on Query { a }"#;
        let found = told(described);
        let columns: Vec<_> = found.iter().map(|(_, column)| *column).collect();
        // The directive, which nobody knows, and the fragment, which nobody spreads.
        assert_eq!(columns, [36, 69], "{found:?}");
        let valid = r#""A" query Q("B" $b: Int) { a(b: $b) }"#;
        assert_eq!(told(valid), []);
        assert_eq!(told(r#""A" { a }"#).len(), 1);
    }
}
