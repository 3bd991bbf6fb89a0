//! Settings in the environment that a process does not know are errors: a misspelled limit must not silently be the
//! default. Called by the configurations of both processes.

const PREFIX: &str = "MILLRACE_";

/// Refuses names that `command` has no argument for.
///
/// # Errors
/// A line for each of them, with the nearest known one.
pub fn check_names(
    command: &clap::Command,
    names: impl Iterator<Item = String>,
) -> Result<(), String> {
    let of_subcommands = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let known: Vec<&str> = command
        .get_arguments()
        .chain(of_subcommands)
        .filter_map(|argument| argument.get_env()?.to_str())
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    let mut unknown: Vec<String> = names
        .filter(|name| name.starts_with(PREFIX) && !known.contains(&name.as_str()))
        .map(|name| {
            let nearest = known.iter().min_by_key(|known| edits(&name, known));
            let nearest = nearest.copied().unwrap_or_default();
            format!("unknown setting {name} in the environment; did you mean {nearest}?")
        })
        .collect();
    unknown.sort();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(unknown.join("\n"))
    }
}

/// The Levenshtein distance of two names, by bytes.
fn edits(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, left) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, right) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}
