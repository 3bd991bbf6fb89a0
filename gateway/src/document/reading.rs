//! From a text to a document that is valid by the specification. The order matters: the text's extent is bounded before it is parsed, and
//! its expansion before anything looks into fragments. The number of reported errors is bounded.

use std::sync::Arc;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::{Definition, Document as Syntax};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::validation::{DiagnosticList, Valid};
use async_graphql::ServerError;

use super::position::Positions;
use super::typing::Typing;
use super::{lexer, measure, refused, rules};
use crate::errors::{Code, limit_exceeded, typed};
use crate::limits::{Limits, MAX_NESTING, MAX_WORD};

/// The most errors reported for one document.
const MAX_ERRORS: usize = 10;
/// The most characters of one message; a message may quote long parts of a document.
const MAX_MESSAGE: usize = 300;

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
    let syntax = Syntax::parse(text, "document").map_err(|failed| {
        let errors = diagnostics(&failed.errors, 1);
        let errors = errors.map(|(message, span)| (typed(Code::ParseFailed, message), span));
        errors.map(place).collect::<Vec<_>>()
    })?;
    if syntax.definitions.is_empty() {
        let error = typed(Code::ParseFailed, "The document has no operation");
        return Err(vec![error]);
    }
    if !is_whole(&syntax, text, tokens) {
        let message = "Syntax error: the document has something that does not belong there";
        return Err(vec![typed(Code::ParseFailed, message)]);
    }
    measure::check(&syntax, limits).map_err(|refusal| vec![place(*refusal)])?;
    let invalid = |(message, span)| place((refused(message), span));
    let (document, found) = match syntax.to_executable_validate(&typing.schema) {
        Ok(document) => (document, Vec::new()),
        Err(failed) => {
            let found = diagnostics(&failed.errors, MAX_ERRORS)
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

/// Returns the library's findings, without those that `rules` decides.
fn diagnostics(
    list: &DiagnosticList,
    most: usize,
) -> impl Iterator<Item = (String, Option<SourceSpan>)> + '_ {
    let found = list.iter().map(|diagnostic| diagnostic.error);
    let found = found.filter(|error| error.unstable_error_name() != Some(rules::DECIDED_THERE));
    found.take(most).map(|error| {
        // The message is that of graphql-js, where it has one.
        let known = error.unstable_compat_message();
        let message = known.unwrap_or_else(|| error.to_string());
        (shortened(message), error.location())
    })
}

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}
