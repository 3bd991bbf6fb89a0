//! How much one request may ask for. Limits are checked before execution, cheapest first; the executor's own depth and complexity limits
//! are set from the same values where the schema is built.

use std::time::Duration;

use clap::Args;

use crate::{duration, numbers};

/// Limits on documents. An exceeded one is reported with the code `LIMIT_EXCEEDED`, `limit` and `maximum`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Limits on documents")]
pub struct Limits {
    /// Maximum number of tokens in a document
    #[arg(long, env = "MILLRACE_MAX_TOKENS", default_value_t = 10_000, value_parser = numbers::within(numbers::COUNT))]
    pub max_tokens: usize,
    /// Maximum nesting of fields, counted through fragments
    #[arg(long, env = "MILLRACE_MAX_DEPTH", default_value_t = 20, value_parser = numbers::within(numbers::COUNT))]
    pub max_depth: usize,
    /// Maximum complexity of an operation, which grows with the page sizes that it asks for
    #[arg(long, env = "MILLRACE_MAX_COMPLEXITY", default_value_t = 10_000, value_parser = numbers::within(numbers::COUNT))]
    pub max_complexity: usize,
    /// Maximum number of aliases in an operation, counted through fragments
    #[arg(long, env = "MILLRACE_MAX_ALIASES", default_value_t = 50, value_parser = numbers::within(numbers::COUNT))]
    pub max_aliases: usize,
    /// Maximum number of directives in an operation, counted through fragments
    #[arg(long, env = "MILLRACE_MAX_DIRECTIVES", default_value_t = 50, value_parser = numbers::within(numbers::COUNT))]
    pub max_directives: usize,
    /// Maximum number of root fields in an operation, counted through fragments
    #[arg(long, env = "MILLRACE_MAX_ROOT_FIELDS", default_value_t = 50, value_parser = numbers::within(numbers::COUNT))]
    pub max_root_fields: usize,
    /// Maximum number of fields in an operation after all fragments are expanded
    #[arg(long, env = "MILLRACE_MAX_EXPANDED_FIELDS", default_value_t = 5_000, value_parser = numbers::within(numbers::COUNT))]
    pub max_expanded_fields: usize,
    /// How long a query with Read-After waits for the read models
    #[arg(long, env = "MILLRACE_READ_AFTER_TIMEOUT", default_value = "5s", value_parser = duration::parse)]
    pub read_after_timeout: Duration,
}

/// Brackets that may be open at once in a document's text. The parser recurses on brackets, so this bounds its stack; it is not
/// configurable because the right value follows from the parser (its own limit is the same).
pub const MAX_NESTING: usize = 64;

/// Fragments that may be spread within one another. The executor's walks recurse on them, so this bounds a stack, too.
pub const MAX_FRAGMENT_NESTING: usize = 32;

/// Bytes that the arguments of a document are given, with all fragments expanded: a plan has a copy at each place.
pub const MAX_LITERALS: usize = 4 * 1024 * 1024;

/// Bytes of a name or a number in a document: an answer repeats an alias in each row.
pub const MAX_WORD: usize = 256;

/// Fields in an answer about the schema. Not configurable: the queries of tools need about a quarter of it, and the schema does not grow
/// by itself.
pub const MAX_INTROSPECTION: usize = 50_000;

impl Default for Limits {
    fn default() -> Self {
        workers::settings::defaults()
    }
}
