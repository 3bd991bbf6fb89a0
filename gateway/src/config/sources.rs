//! The sources of settings, in order of precedence: flags, the environment, a file `.env`, a TOML file, and the declared defaults. clap
//! reads flags and variables. The values of the TOML file replace the declared defaults before clap parses, so they pass the same parsers
//! and their errors read alike. Unknown names are refused. Called by `main`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, Error, FromArgMatches};

use super::{Command, CommandLine, urls, variables};

/// The file that is read unless another one is named.
const DEFAULT_FILE: &str = "millrace.toml";
/// The groups of settings in the help of `work` and `rebuild`, and of other subcommands; the help of `serve` shows all.
const OF_WORKERS: &[&str] = &[
    "Process",
    "Tracing",
    "Storage",
    "Workers",
    "Signals",
    "Retention",
];
const OF_ANY: &[&str] = &["Process", "Storage"];

/// The values of a TOML file, as texts, by the names of settings.
type Values = BTreeMap<String, String>;

/// The parsed command and settings, with their sources.
pub struct Loaded {
    pub command_line: CommandLine,
    pub(super) command: clap::Command,
    pub(super) matches: ArgMatches,
    pub(super) file: PathBuf,
    pub(super) in_file: Values,
    /// The variables that were set before `.env` was read.
    pub(super) inherited: BTreeSet<String>,
    /// The variables whose values are in files of their own.
    pub(super) secrets: BTreeSet<String>,
}

/// Reads all settings. Ends the process for `--help`, `--version` and on errors, like other command line programs.
#[must_use]
pub fn load() -> Loaded {
    read(true).unwrap_or_else(|error| error.exit())
}

/// Reads all settings again, from the same flags and environment, and from the file as it is now.
///
/// # Errors
/// What is wrong with them.
pub fn load_again() -> Result<CommandLine, String> {
    let read = read(false).map_err(|error| error.to_string())?;
    Ok(read.command_line)
}

/// `.env` is taken over into the environment, which other threads must not read meanwhile: so only before there is anything else to do.
fn read(is_first: bool) -> Result<Loaded, Error> {
    let inherited = variables::names();
    let refuse = |message| CommandLine::command().error(ErrorKind::UnknownArgument, message);
    // This precedes the declarations, which capture the environment.
    if is_first {
        variables::read_dotenv().map_err(refuse)?;
    }
    let secrets = variables::secrets_in_files(&secrets()).map_err(refuse)?;
    let command = |in_file: &Values| command(in_file, &secrets);
    let declared = command(&Values::new());
    check_variables(&declared, &inherited).map_err(refuse)?;
    let matches = declared.clone().try_get_matches();
    let matches = matches.map_err(|error| tell_variable(error, &declared, &inherited))?;
    let asked = matches.get_one::<PathBuf>("config");
    let file = asked.map_or(Path::new(DEFAULT_FILE), PathBuf::as_path);
    let in_file = read_file(file, asked.is_some(), &declared).map_err(refuse)?;
    let command = command(&in_file);
    // Only values of the file can be wrong now: everything else has just been parsed.
    let matches = command.clone().try_get_matches();
    let matches =
        matches.map_err(|error| tip(error, format!("it is set in {}", file.display())))?;
    let loaded = Loaded {
        command_line: CommandLine::from_arg_matches(&matches)?,
        file: file.to_owned(),
        command,
        matches,
        in_file,
        inherited,
        secrets: secrets.into_keys().collect(),
    };
    let store = &loaded.command_line.config.store;
    urls::check(&store.database_url, store.redis_url.as_deref()).map_err(refuse)?;
    let replica = store.replica_url.as_deref();
    urls::check_replica(&store.database_url, replica).map_err(refuse)?;
    if matches!(loaded.command_line.command, Some(Command::Work))
        && loaded.is_default("database_url")
    {
        let message =
            "the workers need --database-url (DATABASE_URL): a gateway on SQLite runs them itself";
        return Err(refuse(message.to_owned()));
    }
    Ok(loaded)
}

impl Loaded {
    pub(super) fn is_default(&self, id: &str) -> bool {
        self.matches.value_source(id) == Some(ValueSource::DefaultValue)
            && !self.in_file.contains_key(&key(id))
            && !self.is_in_own_file(id)
    }

    /// Returns whether the value is in a file that a variable names.
    pub(super) fn is_in_own_file(&self, id: &str) -> bool {
        let arg = self.command.get_arguments().find(|arg| arg.get_id() == id);
        let variable = arg.and_then(|arg| arg.get_env()?.to_str());
        variable.is_some_and(|variable| self.secrets.contains(variable))
    }
}

/// Returns the script that completes subcommands and flags in `shell`.
#[must_use]
pub fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    let mut command = command(&Values::new(), &Values::new());
    clap_complete::generate(shell, &mut command, "millrace", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the name of a setting in the file, which is that of its flag.
pub(super) fn key(id: &str) -> String {
    id.replace('_', "-")
}

/// Returns the variables of all secrets.
fn secrets() -> Vec<String> {
    let command = CommandLine::command();
    let of_subcommands = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let arguments = command.get_arguments().chain(of_subcommands);
    let secrets = arguments.filter(|arg| arg.is_hide_env_values_set());
    secrets
        .filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned()))
        .collect()
}

/// Gives a secret the value that is in its file.
fn with_secret(arg: Arg, secrets: &Values) -> Arg {
    let variable = arg.get_env().and_then(|name| name.to_str());
    match variable.and_then(|name| secrets.get(name)) {
        Some(value) => arg.default_value(value.clone()).hide_default_value(true),
        None => arg,
    }
}

/// Builds the command line, with the values of the file as defaults, and before them the secrets in files of their own. Settings may stand
/// before or after the subcommand.
pub(super) fn command(in_file: &Values, secrets: &Values) -> clap::Command {
    let command = CommandLine::command().mut_args(|arg| {
        let arg = match arg.get_action() {
            ArgAction::SetTrue => switch(arg),
            _ => arg,
        };
        let arg = arg.global(true);
        let arg = match in_file.get(&key(arg.get_id().as_str())) {
            Some(value) => arg.default_value(value.clone()),
            None => arg,
        };
        with_secret(arg, secrets)
    });
    let settings: Vec<Arg> = command.get_arguments().cloned().collect();
    command.mut_subcommands(|subcommand| {
        let subcommand = subcommand.mut_args(|arg| with_secret(arg, secrets));
        let shown = match subcommand.get_name() {
            "serve" => return subcommand,
            "work" | "rebuild" => OF_WORKERS,
            _ => OF_ANY,
        };
        let is_shown = |arg: &&Arg| arg.get_help_heading().is_some_and(|it| shown.contains(&it));
        let hidden = settings.iter().filter(|arg| !is_shown(arg));
        subcommand.args(hidden.map(|arg| arg.clone().hide(true)))
    })
}

/// Makes a switch take a value, so that a flag can turn off what a variable or the file turns on: `--migrate=false`.
fn switch(arg: Arg) -> Arg {
    arg.action(ArgAction::Set)
        .value_parser(BoolishValueParser::new())
        .value_name("BOOL")
        .hide_possible_values(true)
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
}

/// Adds to the error which variable has the refused value, unless a flag has it.
fn tell_variable(error: Error, declared: &clap::Command, inherited: &BTreeSet<String>) -> Error {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        return error;
    };
    let flag = flag
        .split([' ', '['])
        .next()
        .and_then(|flag| flag.strip_prefix("--"));
    let arg = declared.get_arguments().find(|arg| arg.get_long() == flag);
    let variable = arg.and_then(|arg| arg.get_env()?.to_str());
    match variable {
        Some(name) if std::env::var(name).is_ok_and(|set| set == *value) => {
            let place = place_of(name, inherited);
            tip(error, format!("it is {name} in {place}"))
        }
        _ => error,
    }
}

/// Returns where a variable is set.
pub(super) fn place_of(variable: &str, inherited: &BTreeSet<String>) -> &'static str {
    match inherited.contains(variable) {
        true => "the environment",
        false => ".env",
    }
}

fn tip(mut error: Error, text: String) -> Error {
    let tips = ContextValue::StyledStrs(vec![text.into()]);
    error.insert(ContextKind::Suggested, tips);
    error
}

fn check_variables(declared: &clap::Command, inherited: &BTreeSet<String>) -> Result<(), String> {
    let of_subcommands = declared
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let arguments = declared.get_arguments().chain(of_subcommands);
    let of_files: Vec<String> = secrets()
        .into_iter()
        .map(|name| name + variables::FILE)
        .collect();
    let known: Vec<&str> = arguments
        .filter_map(|arg| arg.get_env()?.to_str())
        .chain(of_files.iter().map(String::as_str))
        .collect();
    let unknown = variables::unknown(&known);
    refuse_unknown(&unknown, &known, |name| {
        place_of(name, inherited).to_owned()
    })
}

/// Fails with a line for each unknown name, which suggests the most similar known one.
fn refuse_unknown(
    unknown: &[String],
    known: &[&str],
    place: impl Fn(&str) -> String,
) -> Result<(), String> {
    let lines = unknown.iter().map(|name| {
        let likeness = |known: &&&str| strsim::jaro_winkler(name, known);
        let nearest = known
            .iter()
            .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
        let (nearest, place) = (nearest.copied().unwrap_or_default(), place(name));
        format!("unknown setting {name} in {place}; did you mean {nearest}?")
    });
    match unknown {
        [] => Ok(()),
        _ => Err(lines.collect::<Vec<_>>().join("\n")),
    }
}

/// Reads the settings in the file. The error about a malformed line has only its number: the line may contain a secret.
fn read_file(file: &Path, is_asked: bool, declared: &clap::Command) -> Result<Values, String> {
    let name = file.display();
    let text = match std::fs::read_to_string(file) {
        Err(error) if error.kind() == IoErrorKind::NotFound && !is_asked => {
            return Ok(Values::new());
        }
        read => read.map_err(|error| format!("{name}: {error}"))?,
    };
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        format!("{name}: line {line} cannot be read: expected such as max-depth = 12")
    })?;
    let known: Vec<String> = declared
        .get_arguments()
        .map(|arg| key(arg.get_id().as_str()))
        .collect();
    let known: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|key| *key != "config")
        .collect();
    let unknown: Vec<String> = table
        .keys()
        .filter(|key| !known.contains(&key.as_str()))
        .cloned()
        .collect();
    refuse_unknown(&unknown, &known, |_| name.to_string())?;
    let values = table.into_iter().map(|(key, value)| {
        let text = text_of(&value).ok_or_else(|| {
            format!("{name}: {key} must be a text, a number, true or false, or a list of texts")
        })?;
        Ok((key, text))
    });
    values.collect()
}

/// Returns the value as a flag would have it.
fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(is) => Some(is.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(text_of).collect();
            items.map(|items| items.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_examples_and_they_are_read() {
        let declared = command(&Values::new(), &Values::new());
        for mut subcommand in declared.get_subcommands().cloned() {
            let help = subcommand.render_long_help().to_string();
            let examples = help.lines().filter(|line| line.starts_with("  millrace "));
            let examples: Vec<_> = examples.collect();
            assert!(!examples.is_empty(), "{}", subcommand.get_name());
            for example in examples {
                let read = declared
                    .clone()
                    .try_get_matches_from(example.split_whitespace());
                assert!(read.is_ok(), "{example}: {read:?}");
            }
        }
    }
}
