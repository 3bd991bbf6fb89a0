//! Settings of sign-in, and the keys of a gateway that runs alone: generated at its first start and kept beside its database, readable by
//! its user only, so that tokens survive a restart.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use entities::users::{Mailer, PasswordCost, Role, Secret, TokenKeys, UsersConfig};
use ipnet::IpNet;

use crate::credentials::ForwardedAddresses;
use crate::forwarding::{Forwarding, network};
use crate::{duration, numbers};

/// The number of users and sessions cached in memory.
const CACHED_USERS: u64 = 100_000;

/// The longest time that an exchanged refresh token is remembered.
const LONGEST_GRACE_TIME: &str = "60s";

/// A user to make.
#[derive(Args, Clone, Debug)]
pub struct UserSettings {
    /// The address to sign in with
    #[arg(long)]
    pub email: String,
    /// The name of a new user, as others see it [default: the address]
    #[arg(long)]
    pub name: Option<String>,
    /// What the user may do
    #[arg(long, value_enum, default_value_t = GivenRole::Member)]
    pub role: GivenRole,
    /// The password; better set in the environment, where other users do not see it
    #[arg(long, env = "MILLRACE_USER_PASSWORD", hide_env_values = true, value_parser = secret)]
    pub password: Option<Secret>,
}

/// A role on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GivenRole {
    Member,
    Staff,
    Admin,
}

impl From<GivenRole> for Role {
    fn from(role: GivenRole) -> Self {
        match role {
            GivenRole::Member => Self::Member,
            GivenRole::Staff => Self::Staff,
            GivenRole::Admin => Self::Admin,
        }
    }
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Nobody.
    Closed,
}

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
    #[arg(long, env = "MILLRACE_ACCESS_TOKEN_LIFETIME", default_value = "15m", value_parser = duration::within("1s", "3650d"))]
    pub access_token_lifetime: Duration,
    /// How long a user stays signed in
    #[arg(long, env = "MILLRACE_REFRESH_TOKEN_LIFETIME", default_value = "30d", value_parser = duration::within("1s", "3650d"))]
    pub refresh_token_lifetime: Duration,
    /// How long a refresh may be repeated, for example after a lost answer, and gets the same tokens; later it ends the session
    #[arg(long, env = "MILLRACE_REFRESH_GRACE", default_value = "10s", value_parser = duration::within("0s", LONGEST_GRACE_TIME))]
    pub refresh_grace: Duration,
    /// Memory for hashing a password (argon2id), in KiB
    #[arg(long, env = "MILLRACE_PASSWORD_MEMORY_KIB", default_value_t = 19_456, value_parser = numbers::within(8..=4_194_304_u32))]
    pub password_memory_kib: u32,
    /// Number of passes over that memory
    #[arg(long, env = "MILLRACE_PASSWORD_ITERATIONS", default_value_t = 2, value_parser = numbers::within(1..=1_000_u32))]
    pub password_iterations: u32,
    /// Who may register: everybody (`open`), or nobody (`closed`), so that only `millrace user` makes users
    #[arg(long, env = "MILLRACE_REGISTRATION", value_enum, default_value_t = Registration::Open)]
    pub registration: Registration,
    /// Attempts to sign in to one account: this many at once, and as many again per minute
    #[arg(
        long,
        env = "MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT",
        default_value = "10"
    )]
    pub sign_in_attempts_per_account: NonZeroU32,
    /// Attempts to sign in or register from one address: this many at once, and as many again per minute
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
    /// The proxies that are believed, as addresses and networks separated by commas, such as 10.0.0.0/8: a client's address is the last
    /// entry that is none of them; without this whoever connects is believed, as the only proxy
    #[arg(long, env = "MILLRACE_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Trusted proxies begin each connection with the address of its client (the PROXY protocol, version 1 or 2), as load balancers can that
    /// pass bytes on; one that does not is refused
    #[arg(long, env = "MILLRACE_PROXY_PROTOCOL")]
    pub proxy_protocol: bool,
}

/// Parses a secret. It never fails: an error of the parser would show the value.
pub(crate) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

impl SignInSettings {
    /// Returns the configuration of users with these keys, whose mails this delivers.
    #[must_use]
    pub fn users(&self, token_keys: TokenKeys, mailer: Option<Arc<dyn Mailer>>) -> UsersConfig {
        UsersConfig {
            mailer,
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
            is_registration_open: self.registration == Registration::Open,
            cache_capacity: CACHED_USERS,
        }
    }

    /// Returns who says where clients are.
    ///
    /// # Errors
    /// When connections are to begin with addresses, and nobody is named who is believed.
    pub fn forwarding(&self) -> Result<Forwarding, String> {
        let forwarding = Forwarding::new(self.forwarded_addresses, &self.trusted_proxies);
        match self.proxy_protocol {
            false => Ok(forwarding),
            true if self.trusted_proxies.is_empty() => {
                Err("--proxy-protocol needs --trusted-proxies".to_owned())
            }
            true => Ok(forwarding.beginning()),
        }
    }

    /// Returns the configured keys.
    ///
    /// # Errors
    /// When they are not well-formed.
    pub fn keys(&self) -> Result<Option<TokenKeys>, String> {
        let keys = self.token_keys.as_ref();
        keys.map(|keys| keys.reveal().parse()).transpose()
    }
}

/// Returns the keys in the file, or generates new ones and writes them to it. A file without anything in it was begun by a process that had
/// no room for more, or did not come to it.
///
/// # Errors
/// When the file cannot be read or written, or holds something else.
pub fn keys_in(file: &Path) -> io::Result<TokenKeys> {
    match std::fs::read_to_string(file) {
        Ok(text) if !text.trim().is_empty() => text.trim().parse().map_err(io::Error::other),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => {
            let (keys, text) = TokenKeys::generate().map_err(io::Error::other)?;
            write_keys(file, text.reveal())?;
            Ok(keys)
        }
    }
}

/// Writes the keys beside their place, and puts them there when they are whole.
fn write_keys(file: &Path, keys: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut written = options.open(beside)?;
    written.write_all(keys.as_bytes())?;
    written.sync_all()?;
    std::fs::rename(beside, file)
}

#[cfg(test)]
mod tests {
    use entities::users::LONGEST_GRACE;

    use super::*;

    /// Exchanges of refresh tokens are forgotten after the longest grace time.
    #[test]
    fn a_grace_time_is_as_long_as_is_remembered() {
        let read = duration::within("0s", LONGEST_GRACE_TIME);
        let longest = LONGEST_GRACE.as_secs();
        assert_eq!(read(&format!("{longest}s")), Ok(LONGEST_GRACE));
        assert!(read(&format!("{}s", longest + 1)).is_err());
    }

    #[test]
    fn keys_are_written_whole_and_kept() {
        let folder = std::env::temp_dir().join(format!("token-keys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("millrace.db.token-keys");
        let held = || std::fs::read_to_string(&file).unwrap_or_default();
        // What a process leaves that ended before the first byte was on the disk, and one that ended before the last.
        std::fs::write(&file, "").expect("a file");
        std::fs::write(folder.join("millrace.db.token-keys.new"), "1:half").expect("a file");
        keys_in(&file).expect("new keys");
        let first = held();
        assert!(first.starts_with("1:") && first.len() > 40, "{first}");
        keys_in(&file).expect("the same keys");
        assert_eq!(held(), first);
        let files = std::fs::read_dir(&folder).expect("a folder").count();
        assert_eq!(files, 1, "nothing is left beside it");
        std::fs::write(&file, "something else").expect("a file");
        assert!(keys_in(&file).is_err(), "somebody has to look at it");
        assert_eq!(held(), "something else");
        std::fs::remove_dir_all(&folder).expect("it is removed");
    }
}
