//! The commands that make users: administrators, and where registration is closed all others.

use entities::users::{Register, Secret};
use gateway::{config::Config, sign_in::UserSettings};

use super::{StartError, open_for_operator};

pub(super) async fn administrator(
    config: &Config,
    email: &str,
    password: Option<Secret>,
) -> Result<(), StartError> {
    let users = open_for_operator(config).await?.users;
    let (password, is_generated) = chosen(password)?;
    let user = users.make_administrator(email, password.clone()).await?;
    workers::say!("{} is an administrator", user.email);
    tell(&password, is_generated);
    Ok(())
}

pub(super) async fn user(config: &Config, settings: &UserSettings) -> Result<(), StartError> {
    let users = open_for_operator(config).await?.users;
    let (password, is_generated) = chosen(settings.password.clone())?;
    let name = settings.name.clone();
    let input = Register {
        name: name.unwrap_or_else(|| settings.email.clone()),
        email: settings.email.clone(),
        username: None,
        password: password.clone(),
    };
    let user = users.make_user(input, settings.role.into()).await?;
    let role = format!("{:?}", user.role).to_lowercase();
    workers::say!("{} can sign in, with the role {role}", user.email);
    tell(&password, is_generated);
    Ok(())
}

/// Returns the password, and whether it was made up.
fn chosen(password: Option<Secret>) -> Result<(Secret, bool), StartError> {
    match password {
        Some(password) => Ok((password, false)),
        None => Ok((Secret::generate().map_err(StartError::Keys)?, true)),
    }
}

fn tell(password: &Secret, is_generated: bool) {
    if is_generated {
        workers::say!("password: {}", password.reveal());
    }
}
