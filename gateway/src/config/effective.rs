//! `millrace config`: every setting with its value and its source, in the form of the TOML file. Secrets are masked.

use clap::Arg;
use clap::parser::ValueSource;

use super::sources::{Loaded, key, place_of};
use super::urls;

/// Secrets that are partly shown: URLs, without their credentials.
const URLS: &[&str] = &["database_url", "replica_url", "redis_url"];

impl Loaded {
    /// Returns the lines that `millrace config` prints.
    #[must_use]
    pub fn effective(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut group = None;
        for arg in self.command.get_arguments() {
            let heading = arg.get_help_heading();
            if group != heading {
                group = heading;
                lines.push(format!("# {}", heading.unwrap_or_default()));
            }
            lines.push(self.line(arg));
        }
        lines
    }

    fn line(&self, arg: &Arg) -> String {
        let id = arg.get_id().as_str();
        let name = key(id);
        match self.value(arg) {
            None => format!("{:<64}# not set", format!("# {name} =")),
            Some(value) => format!("{:<64}# {}", format!("{name} = {value}"), self.origin(arg)),
        }
    }

    fn value(&self, arg: &Arg) -> Option<String> {
        let id = arg.get_id().as_str();
        let raw = self.matches.get_raw(id)?;
        // A switch accepts several words for the same value.
        if let Ok(Some(is_on)) = self.matches.try_get_one::<bool>(id) {
            return Some(is_on.to_string());
        }
        let texts: Vec<_> = raw
            .map(|text| text.to_string_lossy().into_owned())
            .collect();
        let text = texts.join(",");
        let is_plain = text.parse::<u64>().is_ok();
        Some(match arg.is_hide_env_values_set() {
            true if URLS.contains(&id) => format!("{:?}", urls::masked(&text)),
            true => "\"***\"".to_owned(),
            false if is_plain => text,
            false => format!("{text:?}"),
        })
    }

    fn origin(&self, arg: &Arg) -> String {
        let id = arg.get_id().as_str();
        let variable = arg
            .get_env()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        match self.matches.value_source(id) {
            Some(ValueSource::CommandLine) => format!("--{}", key(id)),
            Some(ValueSource::EnvVariable) => {
                format!("{variable} in {}", place_of(variable, &self.inherited))
            }
            _ if self.is_in_own_file(id) => format!("the file that {variable}_FILE names"),
            _ if self.in_file.contains_key(&key(id)) => self.file.display().to_string(),
            _ => "default".to_owned(),
        }
    }
}
