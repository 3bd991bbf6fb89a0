//! Settings in the environment that nobody knows are errors: a misspelled limit must not silently be the default. Gateways
//! and workers may be started in the same environment, so each knows the names of both; tests hold the lists to be
//! those of the command lines. Called by the configurations of both processes.

const PREFIX: &str = "MILLRACE_";

/// The settings of the gateway.
pub const OF_GATEWAY: &[&str] = &[
    "MILLRACE_ACCESS_TOKEN_LIFETIME",
    "MILLRACE_ADMIN_PASSWORD",
    "MILLRACE_ALLOWED_ORIGINS",
    "MILLRACE_ARCHIVE",
    "MILLRACE_BATCHING",
    "MILLRACE_CACHE_HARD_TIMEOUT",
    "MILLRACE_CACHE_LIFETIME",
    "MILLRACE_CACHE_SOFT_TIMEOUT",
    "MILLRACE_CACHE_STALE_LIFETIME",
    "MILLRACE_CUSTOMER_CACHE_CAPACITY",
    "MILLRACE_DEMO_DATA",
    "MILLRACE_DRAIN_TIME",
    "MILLRACE_ERASURE_SETTLE",
    "MILLRACE_FAULTS",
    "MILLRACE_FORWARDED_ADDRESSES",
    "MILLRACE_INIT_TIMEOUT",
    "MILLRACE_LEASE_MS",
    "MILLRACE_LISTEN",
    "MILLRACE_MAX_ALIASES",
    "MILLRACE_MAX_BATCH",
    "MILLRACE_MAX_BODY_BYTES",
    "MILLRACE_MAX_COMPLEXITY",
    "MILLRACE_MAX_CONNECTIONS",
    "MILLRACE_MAX_DEPTH",
    "MILLRACE_MAX_DIRECTIVES",
    "MILLRACE_MAX_EXPANDED_FIELDS",
    "MILLRACE_MAX_MESSAGE_BYTES",
    "MILLRACE_MAX_OPERATIONS",
    "MILLRACE_MAX_ROOT_FIELDS",
    "MILLRACE_MAX_TOKENS",
    "MILLRACE_MIGRATE",
    "MILLRACE_PASSWORD_ITERATIONS",
    "MILLRACE_PASSWORD_MEMORY_KIB",
    "MILLRACE_PING_INTERVAL",
    "MILLRACE_POLL_INTERVAL_MS",
    "MILLRACE_PONG_TIMEOUT",
    "MILLRACE_PRESENCE_GRACE",
    "MILLRACE_PRESENCE_LEASE",
    "MILLRACE_PRODUCTION",
    "MILLRACE_READ_AFTER_TIMEOUT",
    "MILLRACE_REBUILD_BATCH_EVENTS",
    "MILLRACE_REDIS_PREFIX",
    "MILLRACE_REFRESH_TOKEN_LIFETIME",
    "MILLRACE_REQUEST_TIMEOUT",
    "MILLRACE_RETENTION",
    "MILLRACE_SIGNAL_DEADLINE",
    "MILLRACE_SIGNAL_LEVELS",
    "MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT",
    "MILLRACE_SIGN_IN_ATTEMPTS_PER_ADDRESS",
    "MILLRACE_SSE_KEEP_ALIVE",
    "MILLRACE_STUDENT_CACHE_CAPACITY",
    "MILLRACE_TOKEN_KEYS",
    "MILLRACE_WEBHOOK_ALLOW_PRIVATE",
    "MILLRACE_WEBHOOK_SECRET",
    "MILLRACE_WEBHOOK_TIMEOUT",
    "MILLRACE_WEBHOOK_URL",
    "MILLRACE_WITH_WORKERS",
];

/// The settings of the workers.
pub const OF_WORKERS: &[&str] = &[
    "MILLRACE_ARCHIVE",
    "MILLRACE_BATCH_EVENTS",
    "MILLRACE_ERASURE_SETTLE",
    "MILLRACE_FAULTS",
    "MILLRACE_LEASE_MS",
    "MILLRACE_POLL_INTERVAL_MS",
    "MILLRACE_REBUILD_BATCH_EVENTS",
    "MILLRACE_REDIS_PREFIX",
    "MILLRACE_RETENTION",
    "MILLRACE_SIGNAL_DEADLINE",
    "MILLRACE_SIGNAL_LEVELS",
    "MILLRACE_WEBHOOK_ALLOW_PRIVATE",
    "MILLRACE_WEBHOOK_SECRET",
    "MILLRACE_WEBHOOK_TIMEOUT",
    "MILLRACE_WEBHOOK_URL",
    "MILLRACE_WORKERS_CONNECTIONS",
];

/// The names of the settings that `command` and its subcommands have, sorted.
pub fn names_of(command: &clap::Command) -> Vec<String> {
    let of_subcommands = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let mut names: Vec<String> = command
        .get_arguments()
        .chain(of_subcommands)
        .filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned()))
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Refuses names that are nobody's.
///
/// # Errors
/// A line for each of them, with the nearest known one.
pub fn check_names(names: impl Iterator<Item = String>) -> Result<(), String> {
    let known: Vec<&str> = OF_GATEWAY.iter().chain(OF_WORKERS).copied().collect();
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
