//! What the first start of a gateway makes: an administrator, when nothing has to be installed to run it, and demo data on request. Called by
//! `start`.

use entities::{
    Entities,
    users::{Secret, User},
};
use gateway::{config::Config, seed};

use super::StartError;

/// The administrator that an embedded gateway creates at its first start.
pub(super) const DEMO_ADMINISTRATOR: &str = "admin@example.com";
/// The number of customers created as demo data.
const DEMO_CUSTOMERS: u64 = 25;

/// Returns the password of an administrator who was created just now; it is shown once.
pub(super) async fn start(
    config: &Config,
    is_embedded: bool,
    entities: &Entities,
) -> Result<Option<Secret>, StartError> {
    let is_new = entities.log.tail().position() == 0;
    let administrator = match is_embedded && !config.server.production {
        true => make_administrator(entities).await?,
        false => None,
    };
    if config.server.demo_data && is_new {
        seed::seed(entities, DEMO_CUSTOMERS, false).await?;
        if let Some((administrator, _)) = &administrator {
            seed::seed_demo(entities, administrator)
                .await
                .map_err(StartError::Demo)?;
        }
    }
    if is_embedded && !config.server.demo_data {
        seed::end_demo_sessions(&entities.users).await?;
    }
    Ok(administrator.map(|(_, password)| password))
}

/// Creates an administrator when there are no users yet.
async fn make_administrator(entities: &Entities) -> Result<Option<(User, Secret)>, StartError> {
    if !entities.users.is_empty().await? {
        return Ok(None);
    }
    let password = Secret::generate().map_err(StartError::Keys)?;
    let users = &entities.users;
    let user = users
        .make_administrator(DEMO_ADMINISTRATOR, password.clone())
        .await?;
    Ok(Some((user, password)))
}
