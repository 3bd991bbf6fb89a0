//! Settings of signals. Gateways need the deadline, as signals begin there; the rest is for the process that does the work, which
//! is the gateway when it runs embedded.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use entities::{
    HandlersConfig,
    signals::{Fault, Faults, Levels, Processor, SignalWork, SignalsConfig, Webhook},
    users::Secret,
};

use crate::{
    duration,
    webhook::{HttpWebhook, WebhookConfig},
};

/// Settings of signals.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Signals")]
pub struct SignalSettings {
    /// How long the processors of a signal have; after that, the signal ends with the results available
    #[arg(long, env = "MILLRACE_SIGNAL_DEADLINE", default_value = "30s", value_parser = duration::within("10ms", "365d"))]
    pub signal_deadline: Duration,
    /// Names of levels with the values at which they begin, ascending
    #[arg(
        long,
        env = "MILLRACE_SIGNAL_LEVELS",
        default_value = "elevated=50,high=80,critical=95"
    )]
    pub signal_levels: Levels,
    /// URL to which the end of each signal is posted: `https://…`
    #[arg(long, env = "MILLRACE_WEBHOOK_URL", hide_env_values = true, value_parser = secret)]
    pub webhook_url: Option<Secret>,
    /// Key that webhooks are signed with: `whsec_` and 24 to 64 bytes in base64; several are separated by commas
    #[arg(long, env = "MILLRACE_WEBHOOK_SECRET", hide_env_values = true, value_parser = secret)]
    pub webhook_secret: Option<Secret>,
    /// How long the receiver may take to answer
    #[arg(long, env = "MILLRACE_WEBHOOK_TIMEOUT", default_value = "10s", value_parser = duration::within("1ms", "4m"))]
    pub webhook_timeout: Duration,
    /// Allow a receiver in a private network, or on this machine
    #[arg(long, env = "MILLRACE_WEBHOOK_ALLOW_PRIVATE")]
    pub webhook_allow_private: bool,
    /// PEM file of the authorities that may have signed the receiver's certificate, instead of the public ones
    #[arg(long, env = "MILLRACE_WEBHOOK_CA", value_name = "FILE")]
    pub webhook_ca: Option<PathBuf>,
    /// Faults to inject into processors, for demonstrations: `signal_trend:delay=2s,fail=0.3;signal_levels:kill=100`
    ///
    /// `delay` makes a processor slower, `fail` is the share of attempts that fail, 0 to 1, and `kill` is the value from which on a
    /// signal ends its process.
    #[arg(long, env = "MILLRACE_FAULTS", default_value = "", hide_default_value = true, value_parser = faults)]
    pub faults: Faults,
}

impl SignalSettings {
    /// Returns the configuration that submitting signals needs.
    pub fn config(&self) -> SignalsConfig {
        SignalsConfig {
            deadline: self.signal_deadline,
        }
    }

    /// Returns the configuration that processing signals needs.
    ///
    /// # Errors
    /// When the webhook cannot be used.
    pub fn handlers(&self) -> Result<HandlersConfig, String> {
        let webhook = match (&self.webhook_url, &self.webhook_secret) {
            (None, _) => None,
            (Some(_), None) => {
                let message = "MILLRACE_WEBHOOK_SECRET is not set, with which webhooks are signed: \
                               whsec_$(openssl rand -base64 32)";
                return Err(message.to_owned());
            }
            (Some(url), Some(secret)) => {
                let webhook = HttpWebhook::new(&WebhookConfig {
                    url: url.clone(),
                    secret: secret.clone(),
                    timeout: self.webhook_timeout,
                    allow_private: self.webhook_allow_private,
                    ca: self.webhook_ca.clone(),
                })?;
                Some(Arc::new(webhook) as Arc<dyn Webhook>)
            }
        };
        let (levels, faults) = (self.signal_levels.clone(), self.faults.clone());
        if !faults.0.is_empty() {
            tracing::warn!(?faults, "faults are injected into processors of signals");
        }
        Ok(HandlersConfig {
            signals: SignalWork {
                levels,
                faults,
                webhook,
            },
        })
    }
}

/// Parses a secret. It never fails: an error of the parser would show the value.
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

/// Parses `processor:delay=…,fail=…,kill=…`, separated by semicolons.
fn faults(text: &str) -> Result<Faults, String> {
    let mut faults = Faults::default();
    for entry in text.split(';').map(str::trim).filter(|it| !it.is_empty()) {
        let expected = || format!("{entry:?}: expected such as signal_trend:delay=2s,fail=0.3");
        let (name, what) = entry.split_once(':').ok_or_else(expected)?;
        let processor = Processor::ALL
            .into_iter()
            .find(|processor| processor.handler() == name.trim())
            .ok_or_else(|| {
                let known = Processor::ALL.map(Processor::handler).join(", ");
                format!("{name:?}: there is no such processor; there is {known}")
            })?;
        let mut fault = Fault::default();
        for setting in what.split(',').map(str::trim) {
            match setting.split_once('=').ok_or_else(expected)? {
                ("delay", delay) => fault.delay = duration::parse(delay)?,
                ("fail", rate) => {
                    let rate: f64 = rate.parse().map_err(|_| expected())?;
                    if !(0.0..=1.0).contains(&rate) {
                        return Err(format!("{setting:?}: a rate is from 0 to 1"));
                    }
                    fault.failure_rate = rate;
                }
                ("kill", value) => {
                    fault.kill_from = Some(value.parse().map_err(|_| expected())?);
                }
                _ => return Err(expected()),
            }
        }
        if faults.0.insert(processor, fault).is_some() {
            return Err(format!("{name:?} is there twice"));
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read() {
        let read = faults(" signal_trend:delay=2s,fail=0.3; signal_levels:fail=1,kill=1e6;")
            .expect("faults");
        let trend = Fault {
            delay: Duration::from_secs(2),
            failure_rate: 0.3,
            kill_from: None,
        };
        let levels = Fault {
            delay: Duration::ZERO,
            failure_rate: 1.0,
            kill_from: Some(1e6),
        };
        let expected = [(Processor::Trend, trend), (Processor::Levels, levels)];
        assert_eq!(read, Faults(expected.into()));
        assert_eq!(faults(""), Ok(Faults::default()));
        for wrong in [
            "signal_trend",
            "nobody:fail=1",
            "signal_trend:fail=2",
            "signal_trend:fail=NaN",
            "signal_trend:pause=1s",
            "signal_trend:fail=1;signal_trend:fail=0",
        ] {
            assert!(faults(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_receiver_has_less_time_than_its_handler() {
        let read = |time: &str| {
            let command = SignalSettings::augment_args(clap::Command::new("signals"));
            command.try_get_matches_from(["signals", "--webhook-timeout", time])
        };
        assert!(read("4m").is_ok());
        assert!(read("5m").is_err());
    }

    #[test]
    fn a_webhook_needs_a_key() {
        let mut settings = SignalSettings {
            webhook_url: Some(Secret::new("https://example.com/hook")),
            ..crate::settings::defaults()
        };
        assert!(settings.handlers().is_err());
        settings.webhook_secret = Some(Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert!(settings.handlers().is_ok());
        let shown = format!("{settings:?}");
        assert!(
            !shown.contains("example.com") && !shown.contains("whsec"),
            "{shown}"
        );
    }
}
