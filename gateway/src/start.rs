//! What the commands of the process do, in order. Called by `main` only.

mod error;
mod store;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use entities::{
    Entities, EntitiesConfig,
    users::{Presence, PresenceConfig, Secret, TokenKeys, User},
};
use events::{EventLog, LogConfig, Sole, sqlite_file};
use futures::FutureExt;
use gateway::{
    config::Config,
    connections::raise_descriptor_limit,
    document::Typing,
    health::Ready,
    import::{self, StudentsFile},
    live::Live,
    seed::{self, SeedSettings},
    server::{self, Service},
    shutdown::Shutdown,
    sign_in,
};
use tokio::{net::TcpListener, sync::watch};
use workers::{
    WorkersConfig,
    operating::{self, DeadLettersSettings, EpochSettings, Outcome, StatusSettings},
    rebuilding::{RebuildSettings, rebuild_watched},
    retention::{ArchiveSettings, PruneSettings, archive_watched, prune_watched},
    signals::{Asked, stop_on_signals, watch_signals},
};

pub(crate) use error::StartError;
use store::{bring_up_to_date, connect, make_folder};

/// Who an embedded gateway makes at its first start.
const DEMO_ADMINISTRATOR: &str = "admin@example.com";
/// Load balancers ask for readiness every few seconds.
const DRAIN_DELAY: Duration = Duration::from_secs(5);
const LEASE_MS: u64 = 2_000;
const EMBEDDED_LEASE_MS: u64 = 10_000;
/// Customers created for a first look.
const DEMO_CUSTOMERS: u64 = 25;

pub(crate) async fn migrate(config: &Config) -> Result<(), StartError> {
    let store = &config.store;
    migration::await_database(&store.database_url, store.wait_for_database).await?;
    bring_up_to_date(config, true).await?;
    workers::say!("the database is up to date");
    Ok(())
}

pub(crate) async fn seed(config: &Config, settings: &SeedSettings) -> Result<(), StartError> {
    let entities = open(config, keys_of_nobody()?).await?;
    if let Some(customers) = settings.customers() {
        seed::seed(&entities, customers, true).await?;
    }
    if let Some(posts) = settings.posts {
        seed::seed_posts(&entities, posts, settings.likes, settings.comments).await?;
    }
    Ok(())
}

pub(crate) async fn rebuild(config: &Config, settings: &RebuildSettings) -> Result<(), StartError> {
    let database = connect(config).await?;
    let stopped = stop_on_signals()?;
    Ok(rebuild_watched(&database, settings, stopped).await?)
}

pub(crate) async fn dead_letters(
    config: &Config,
    settings: &DeadLettersSettings,
) -> Result<Outcome, StartError> {
    let entities = open(config, keys_of_nobody()?).await?;
    Ok(operating::dead_letters(&entities.log, settings).await?)
}

pub(crate) async fn status(
    config: &Config,
    settings: &StatusSettings,
) -> Result<Outcome, StartError> {
    let entities = open(config, keys_of_nobody()?).await?;
    Ok(operating::status(&entities.log, settings).await?)
}

pub(crate) async fn epoch(
    config: &Config,
    settings: &EpochSettings,
) -> Result<Outcome, StartError> {
    let entities = open(config, keys_of_nobody()?).await?;
    Ok(operating::epoch(&entities.log, settings).await?)
}

pub(crate) async fn archive(config: &Config, settings: &ArchiveSettings) -> Result<(), StartError> {
    let database = connect(config).await?;
    let stopped = stop_on_signals()?;
    Ok(archive_watched(&database, settings, stopped).await?)
}

pub(crate) async fn prune(config: &Config, settings: &PruneSettings) -> Result<(), StartError> {
    let database = connect(config).await?;
    let stopped = stop_on_signals()?;
    Ok(prune_watched(&database, settings, stopped).await?)
}

pub(crate) async fn import_students(
    config: &Config,
    file: &StudentsFile,
) -> Result<(), StartError> {
    let entities = open(config, keys_of_nobody()?).await?;
    import::import_students(&entities, file).await?;
    Ok(())
}

pub(crate) async fn admin(
    config: &Config,
    email: &str,
    password: Option<Secret>,
) -> Result<(), StartError> {
    let entities = open(config, keys_of_nobody()?).await?;
    let is_generated = password.is_none();
    let password = match password {
        Some(password) => password,
        None => Secret::generate().map_err(StartError::Keys)?,
    };
    let users = &entities.users;
    let user = users.make_administrator(email, password.clone()).await?;
    workers::say!("{} is an administrator", user.email);
    if is_generated {
        workers::say!("password: {}", password.reveal());
    }
    Ok(())
}

/// Commands that sign nobody in need keys as little as they need a password.
fn keys_of_nobody() -> Result<TokenKeys, StartError> {
    let (keys, _) = TokenKeys::generate().map_err(StartError::Keys)?;
    Ok(keys)
}

/// The keys of a gateway that serves.
fn token_keys(config: &Config) -> Result<TokenKeys, StartError> {
    let configured = config.sign_in.keys().map_err(StartError::Keys)?;
    if let Some(keys) = configured {
        return Ok(keys);
    }
    let Some(path) = sqlite_file(&config.store.database_url) else {
        return Err(StartError::Keys(
            "MILLRACE_TOKEN_KEYS is not set: with Postgres all gateways must share the keys of access tokens, such as \
             MILLRACE_TOKEN_KEYS=\"1:$(openssl rand -base64 48 | tr -d '\\n')\""
                .to_owned(),
        ));
    };
    make_folder(&config.store.database_url)?;
    let file = PathBuf::from(format!("{}.token-keys", path.display()));
    sign_in::keys_in(&file)
        .map_err(|error| StartError::Keys(format!("the token keys in {}: {error}", file.display())))
}

/// Somebody to sign in as, the first time an embedded gateway starts; the password, which is shown once.
async fn make_demo_administrator(
    entities: &Entities,
) -> Result<Option<(User, Secret)>, StartError> {
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

pub(crate) async fn serve(config: Config) -> Result<(), StartError> {
    if config.server.production && config.store.demo_data {
        return Err(StartError::DemoInProduction);
    }
    let descriptors = raise_descriptor_limit();
    make_folder(&config.store.database_url)?;
    // Before anything is looked at: what another gateway is using is not to be touched.
    let sole = Sole::of(&config.store.database_url)?;
    let is_embedded = sqlite_file(&config.store.database_url).is_some();
    let told = watch_signals()?;
    let store = &config.store;
    migration::await_database(&store.database_url, store.wait_for_database).await?;
    let entities = open(&config, token_keys(&config)?).await?;
    if let Some(sole) = &sole {
        entities.log.database().take_over_leases(sole).await?;
    }
    let log = entities.log.clone();
    let is_new = log.tail().position() == 0;
    let administrator = match is_embedded && !config.server.production {
        true => make_demo_administrator(&entities).await?,
        false => None,
    };
    if config.store.demo_data && is_new {
        seed::seed(&entities, DEMO_CUSTOMERS, false).await?;
        if let Some((administrator, _)) = &administrator {
            seed::seed_demo(&entities, administrator)
                .await
                .map_err(StartError::Demo)?;
        }
    }
    let shutdown = Shutdown::default();
    let (stop_workers, workers_stopped) = watch::channel(false);
    let handlers = config.signals.handlers().map_err(StartError::Settings)?;
    let workers = (is_embedded || config.store.with_workers).then(|| {
        let workers_config = WorkersConfig {
            lease: lease(&config, is_embedded),
            batch_events: 500,
            retention: config.retention.clone(),
            handlers,
        };
        tokio::spawn(workers::run(log.clone(), workers_config, workers_stopped))
    });
    let schema = schema::build(entities.clone());
    let address = config.server.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| StartError::Listen(address, error))?;
    let drain_delay = config.server.drain_delay;
    let drain_delay = drain_delay.unwrap_or(if is_embedded {
        Duration::ZERO
    } else {
        DRAIN_DELAY
    });
    tokio::spawn(stop_when_told(told, drain_delay, shutdown.clone()));
    let demo_password = administrator.as_ref().map(|(_, password)| password);
    let has_schema = !config.server.production;
    announce(&listener, is_embedded, has_schema, demo_password)?;
    let presence_config = PresenceConfig {
        lease: config.websocket.presence_lease,
        grace: config.websocket.presence_grace,
    };
    let presence = Presence::start(log.clone(), presence_config);
    let sdl = schema::sdl();
    let service = Service {
        operations: Live::new(
            schema,
            entities,
            presence.clone(),
            config.limits.clone(),
            &config.subscriptions,
        ),
        typing: Typing::of(&sdl).map_err(StartError::Settings)?,
        sdl: (!config.server.production).then_some(sdl),
        ready: readiness(log),
        shutdown,
        descriptors,
        config,
    };
    server::serve(listener, service).await?;
    presence.stop().await;
    stop_workers.send_replace(true);
    if let Some(workers) = workers
        && tokio::time::timeout(Duration::from_secs(5), workers)
            .await
            .is_err()
    {
        tracing::warn!("the workers did not stop in time; their leases run out by themselves");
    }
    Ok(())
}

/// The lease that was set, or one that suits the database: many processes take over from each other soon; one that is alone
/// spares its disk.
fn lease(config: &Config, is_embedded: bool) -> Duration {
    let default = if is_embedded {
        EMBEDDED_LEASE_MS
    } else {
        LEASE_MS
    };
    Duration::from_millis(config.store.lease_ms.unwrap_or(default))
}

/// Whatever runs the process needs time to send clients elsewhere; somebody who has pressed Ctrl-C does not.
async fn stop_when_told(
    mut told: watch::Receiver<Option<Asked>>,
    drain_delay: Duration,
    shutdown: Shutdown,
) {
    // A sender that is gone is a stop, too.
    let asked = told.wait_for(Option::is_some).await.map(|asked| *asked);
    let delay = match asked {
        Ok(Some(Asked::Terminate)) => drain_delay,
        _ => Duration::ZERO,
    };
    if !delay.is_zero() {
        tracing::info!("not ready any more; requests are served for another {delay:?}");
        shutdown.drain();
        tokio::time::sleep(delay).await;
    }
    shutdown.begin();
}

fn announce(
    listener: &TcpListener,
    is_embedded: bool,
    has_schema: bool,
    demo_password: Option<&Secret>,
) -> io::Result<()> {
    let base = format!("http://{}", listener.local_addr()?);
    let mode = if is_embedded {
        "embedded, SQLite"
    } else {
        "distributed, Postgres"
    };
    workers::say!(
        "Millrace {} ({mode}) listening on {base}",
        env!("CARGO_PKG_VERSION")
    );
    workers::say!("  explore    {base}/graphiql");
    workers::say!("  endpoint   {base}/graphql   (HTTP and WebSocket)");
    if has_schema {
        workers::say!("  schema     {base}/schema.graphql");
    }
    if let Some(password) = demo_password {
        let password = password.reveal();
        workers::say!(
            "  sign in    {DEMO_ADMINISTRATOR} with the password {password}   (shown this once)"
        );
    }
    Ok(())
}

/// Connects, migrates if asked to, and starts the log.
async fn open(config: &Config, token_keys: TokenKeys) -> Result<Entities, StartError> {
    let store = &config.store;
    let is_embedded = sqlite_file(&store.database_url).is_some();
    let database = connect(config).await?;
    let log_config = LogConfig {
        redis_url: store.redis_url.clone().filter(|_| !is_embedded),
        redis_prefix: store.redis_prefix.clone(),
        poll_interval: Duration::from_millis(store.poll_interval_ms),
    };
    let log = EventLog::start(database, log_config).await?;
    let entities_config = EntitiesConfig {
        customer_cache_capacity: store.customer_cache_capacity,
        cache: (&config.cache).into(),
        users: config.sign_in.users(token_keys),
        signals: config.signals.config(),
    };
    Entities::new(log, entities_config).map_err(StartError::Keys)
}

fn readiness(log: EventLog) -> Ready {
    Arc::new(move || {
        let log = log.clone();
        async move { log.readiness().await }.boxed()
    })
}
