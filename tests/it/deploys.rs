//! Deploys as an operator sees them: other versions on the same schema, rolling stops that lose no request, settings that the
//! surroundings inject or that are wrong, probes, and databases that come late.

mod authorities;
mod configuration;
mod containers;
mod draining;
mod help;
mod migrating;
mod observing;
mod proxy;
mod settings;
mod starting;
mod stopping;
mod taking_over;
mod tls;

use std::process::Output;

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
