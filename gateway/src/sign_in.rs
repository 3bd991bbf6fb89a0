//! Settings of sign-in, and the keys of a gateway that runs alone: made at its first start and kept beside its database,
//! readable by its user only, so that tokens survive a restart.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use entities::users::{LONGEST_GRACE, PasswordCost, Secret, TokenKeys, UsersConfig};

use crate::credentials::ForwardedAddresses;
use crate::{duration, numbers};

/// Users and sessions kept in memory.
const CACHED_USERS: u64 = 100_000;

const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);
const LONGEST_LIFETIME: Duration = Duration::from_secs(3_650 * 24 * 3_600);

/// Settings of sign-in.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sign-in")]
pub struct SignInSettings {
    /// Keys of access tokens, `id:secret,…`, each secret at least 32 bytes: the first signs, all verify
    ///
    /// Required with Postgres. With SQLite a key is made at the first start and kept beside the database.
    #[arg(long, env = "MILLRACE_TOKEN_KEYS", hide_env_values = true, value_parser = secret)]
    pub token_keys: Option<Secret>,
    /// How long an access token is valid
    #[arg(long, env = "MILLRACE_ACCESS_TOKEN_LIFETIME", default_value = "15m", value_parser = lifetime)]
    pub access_token_lifetime: Duration,
    /// How long somebody stays signed in
    #[arg(long, env = "MILLRACE_REFRESH_TOKEN_LIFETIME", default_value = "30d", value_parser = lifetime)]
    pub refresh_token_lifetime: Duration,
    /// How long a refresh may be repeated, as after a lost answer, and gets the same tokens; later it ends the session
    #[arg(long, env = "MILLRACE_REFRESH_GRACE", default_value = "10s", value_parser = grace)]
    pub refresh_grace: Duration,
    /// Memory for hashing a password (argon2id), in KiB
    #[arg(long, env = "MILLRACE_PASSWORD_MEMORY_KIB", default_value_t = 19_456, value_parser = numbers::within(8..=4_194_304_u32))]
    pub password_memory_kib: u32,
    /// Passes over that memory
    #[arg(long, env = "MILLRACE_PASSWORD_ITERATIONS", default_value_t = 2, value_parser = numbers::within(1..=1_000_u32))]
    pub password_iterations: u32,
    /// Attempts to sign in to one account, at once and again within a minute
    #[arg(
        long,
        env = "MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        default_value = "10"
    )]
    pub sign_in_attempts_per_account: NonZeroU32,
    /// Attempts to sign in or register from one address, at once and again within a minute
    #[arg(
        long,
        env = "MILLRACE_SIGN_IN_ATTEMPTS_PER_ADDRESS",
        default_value = "60"
    )]
    pub sign_in_attempts_per_address: NonZeroU32,
    /// Take clients' addresses from the last entry of X-Forwarded-For (`true`), or of Forwarded (`forwarded`); only behind a proxy that
    /// sets it
    #[arg(
        long,
        env = "MILLRACE_FORWARDED_ADDRESSES",
        num_args = 0..=1,
        default_value = "false",
        default_missing_value = "true"
    )]
    pub forwarded_addresses: ForwardedAddresses,
}

impl Default for SignInSettings {
    fn default() -> Self {
        const TEN: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
        const SIXTY: NonZeroU32 = NonZeroU32::new(60).expect("not zero");
        Self {
            token_keys: None,
            access_token_lifetime: Duration::from_secs(15 * 60),
            refresh_token_lifetime: Duration::from_secs(30 * 24 * 3600),
            refresh_grace: Duration::from_secs(10),
            password_memory_kib: 19_456,
            password_iterations: 2,
            sign_in_attempts_per_account: TEN,
            sign_in_attempts_per_address: SIXTY,
            forwarded_addresses: ForwardedAddresses::No,
        }
    }
}

/// A token that is over when it is issued, or in a year that no calendar has, is of no use.
fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = duration::parse(text)?;
    if (SHORTEST_LIFETIME..=LONGEST_LIFETIME).contains(&lifetime) {
        Ok(lifetime)
    } else {
        Err("a lifetime is from 1s to 3650d".to_owned())
    }
}

fn grace(text: &str) -> Result<Duration, String> {
    let grace = duration::parse(text)?;
    if grace <= LONGEST_GRACE {
        Ok(grace)
    } else {
        Err("a grace time is from 0s to 60s".to_owned())
    }
}

/// Never fails: an error of the parser would show the value.
pub(crate) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

impl SignInSettings {
    /// The configuration of users with these keys.
    #[must_use]
    pub fn users(&self, token_keys: TokenKeys) -> UsersConfig {
        UsersConfig {
            token_keys,
            access_token_lifetime: self.access_token_lifetime,
            refresh_token_lifetime: self.refresh_token_lifetime,
            refresh_grace: self.refresh_grace,
            password_cost: PasswordCost {
                memory_kib: self.password_memory_kib,
                iterations: self.password_iterations,
            },
            attempts_per_account: self.sign_in_attempts_per_account,
            attempts_per_address: self.sign_in_attempts_per_address,
            cache_capacity: CACHED_USERS,
        }
    }

    /// The keys that were configured.
    ///
    /// # Errors
    /// When they are not well-formed.
    pub fn keys(&self) -> Result<Option<TokenKeys>, String> {
        let keys = self.token_keys.as_ref();
        keys.map(|keys| keys.reveal().parse()).transpose()
    }
}

/// The keys in the file, or new ones, which are written to it.
///
/// # Errors
/// When the file cannot be read or written, or holds something else.
pub fn keys_in(file: &Path) -> io::Result<TokenKeys> {
    match std::fs::read_to_string(file) {
        Ok(text) => text.trim().parse().map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (keys, text) = TokenKeys::generate().map_err(io::Error::other)?;
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(file)?;
            file.write_all(text.reveal().as_bytes())?;
            file.sync_all()?;
            Ok(keys)
        }
        Err(error) => Err(error),
    }
}
