//! The commands of the process, step by step. Called by `main` only.

mod announce;
mod beside;
mod doctor;
mod error;
mod first;
mod settings;
mod store;
mod users;

use std::{path::PathBuf, time::Duration};

use entities::{
    Entities, EntitiesConfig,
    users::{Presence, PresenceConfig, TokenKeys},
};
use events::{EventLog, LogConfig, Sole, sqlite_file};
use gateway::{
    admin::Observed,
    config::{self, Command, CommandLine, Config, ImportCommand, Loaded},
    connections::raise_descriptor_limit,
    document::{self, Typing},
    health, import,
    live::Live,
    persisted::{Persisted, Trusted},
    rates::Rates,
    seed::{self, SeedSettings},
    server::{self, Service},
    shutdown::Shutdown,
    sign_in,
    stop_signals::{Asked, stop_on_signals, watch_signals},
    telemetry::Telemetry,
    tls::Tls,
};
use rustix::system::uname;
use tokio::{net::TcpListener, sync::watch};
use workers::{
    WorkersConfig,
    operating::{self, Outcome},
    printing,
    rebuilding::rebuild_watched,
    retention::{archive_watched, prune_watched},
};

use announce::announce;
use beside::{drained_by, open_admin, serve_admin, serve_probes};
pub(crate) use error::StartError;
use settings::{apply, reread_on_hangup};
use store::{await_database, bring_up_to_date, connect, expect_database, make_folder};

/// Load balancers poll readiness every few seconds.
const DRAIN_DELAY: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(2);
const EMBEDDED_LEASE: Duration = Duration::from_secs(10);
const BATCH_EVENTS: u64 = 4_000;
/// Mutations wait for a transaction of a follower.
const EMBEDDED_BATCH_EVENTS: u64 = 500;

/// Runs the requested command until it is done or the process is told to stop.
pub(crate) async fn run(loaded: Loaded) -> Result<Outcome, StartError> {
    let CommandLine { config, command } = &loaded.command_line;
    let connections = config.store.max_connections;
    let command = command.as_ref().unwrap_or(&Command::Serve);
    if reads_what_is_there(command) {
        expect_database(config)?;
    }
    apply(&config.process);
    match command {
        Command::Serve => {
            let telemetry = telemetry(config)?;
            let served = serve(config.clone()).await;
            telemetry.end().await;
            served?;
        }
        Command::Work => {
            let telemetry = telemetry(config)?;
            let worked = work(config).await;
            telemetry.end().await;
            worked?;
        }
        Command::Migrate => migrate(config).await?,
        Command::Seed(settings) => seed(config, settings).await?,
        Command::Import {
            what: ImportCommand::Students(file),
        } => {
            import::import_students(&open_for_operator(config).await?, file).await?;
        }
        Command::Admin { email, password } => {
            users::administrator(config, email, password.clone()).await?;
        }
        Command::User(settings) => users::user(config, settings).await?,
        Command::Status(settings) => {
            let log = open_for_operator(config).await?.log;
            return Ok(operating::status(&log, settings).await?);
        }
        Command::Doctor(settings) => return doctor::run(config, settings).await,
        Command::DeadLetters(settings) => {
            let log = open_for_operator(config).await?.log;
            return Ok(operating::dead_letters(&log, settings).await?);
        }
        Command::Epoch(settings) => {
            let log = open_for_operator(config).await?.log;
            return Ok(operating::epoch(&log, settings).await?);
        }
        Command::Rebuild(settings) => {
            let (database, stopped) = (connect(config, connections).await?, stop_on_signals()?);
            let batch_events = config.work.rebuild_batch_events;
            rebuild_watched(&database, settings, batch_events, stopped).await?;
        }
        Command::Archive(settings) => {
            let (database, stopped) = (connect(config, connections).await?, stop_on_signals()?);
            archive_watched(&database, settings, stopped).await?;
        }
        Command::Prune(settings) => {
            let (database, stopped) = (connect(config, connections).await?, stop_on_signals()?);
            prune_watched(&database, settings, stopped).await?;
        }
        Command::Config => printing::text(loaded.effective().join("\n") + "\n"),
        Command::Schema => printing::text(schema::sdl()),
        Command::Completions { shell } => printing::text(config::completions(*shell)),
    }
    Ok(Outcome::Done)
}

/// Begins to send traces, if a collector is named. What is wrong with the settings is said before anything else is done.
fn telemetry(config: &Config) -> Result<Telemetry, StartError> {
    Telemetry::begin(&config.tracing).map_err(StartError::Settings)
}

/// Returns whether a command needs an existing database.
fn reads_what_is_there(command: &Command) -> bool {
    use Command::{Archive, DeadLetters, Epoch, Prune, Rebuild, Status};
    matches!(
        command,
        Archive(_) | DeadLetters(_) | Epoch(_) | Prune(_) | Rebuild(_) | Status(_)
    )
}

async fn migrate(config: &Config) -> Result<(), StartError> {
    await_database(config).await?;
    bring_up_to_date(config, config.store.max_connections, true).await?;
    workers::say!("the database is up to date");
    Ok(())
}

async fn seed(config: &Config, settings: &SeedSettings) -> Result<(), StartError> {
    let entities = open_for_operator(config).await?;
    if let Some(file) = &settings.file {
        seed::seed_file(&entities, file).await?;
    }
    if let Some(customers) = settings.customers() {
        seed::seed(&entities, customers, true).await?;
    }
    if let Some(posts) = settings.posts {
        seed::seed_posts(&entities, posts, settings.likes, settings.comments).await?;
    }
    Ok(())
}

/// Opens the database for an operator. Commands that sign nobody in need no keys, just as they need no password.
async fn open_for_operator(config: &Config) -> Result<Entities, StartError> {
    let (keys, _) = TokenKeys::generate().map_err(StartError::Keys)?;
    open(config, keys).await
}

/// Returns the keys of a gateway that serves.
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

async fn serve(config: Config) -> Result<(), StartError> {
    if config.server.production && config.server.demo_data {
        return Err(StartError::DemoInProduction);
    }
    let descriptors = raise_descriptor_limit();
    let sdl = schema::sdl();
    let typing = Typing::of(&sdl).map_err(StartError::Settings)?;
    let check = |text: &str| document::check(text, &typing, &config.limits);
    // What is wrong with the files is said before anything else is done.
    let trusted = Trusted::read(&config.documents, check).map_err(StartError::Settings)?;
    let tls = Tls::of(&config.server.tls).map_err(StartError::Settings)?;
    let forwarding = config.sign_in.forwarding().map_err(StartError::Settings)?;
    make_folder(&config.store.database_url)?;
    // The lock is taken before anything else: a database that another gateway uses must not be touched.
    let sole = Sole::of(&config.store.database_url)?;
    let is_embedded = is_embedded(&config);
    let told = watch_signals()?;
    reread_on_hangup()?;
    await_database(&config).await?;
    let entities = open(&config, token_keys(&config)?).await?;
    if let Some(sole) = &sole {
        entities.log.database().take_over_leases(sole).await?;
    }
    let log = entities.log.clone();
    let demo_password = first::start(&config, is_embedded, &entities).await?;
    let shutdown = Shutdown::default();
    let (stop_workers, workers_stopped) = watch::channel(false);
    let workers_config = workers_config(&config)?;
    let workers = (is_embedded || config.work.with_workers)
        .then(|| tokio::spawn(workers::run(log.clone(), workers_config, workers_stopped)));
    let schema = schema::build(entities.clone());
    let demo = config.server.demo_data.then(|| entities.users.clone());
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
    let admin = open_admin(&config).await?;
    let has_schema = !config.server.production;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let base = format!("{scheme}://{}", listener.local_addr()?);
    announce(&base, is_embedded, has_schema, demo_password.as_ref());
    let presence_config = PresenceConfig {
        lease: config.websocket.presence_lease,
        grace: config.websocket.presence_grace,
    };
    // The port tells processes of one host apart.
    let host = uname().nodename().to_string_lossy().into_owned();
    let name = format!("{host}:{}", listener.local_addr()?.port());
    let presence = Presence::start(log.clone(), presence_config, name);
    // Without Redis there are no other gateways to share documents and rate limits with.
    let shared_store = log
        .shared_store()
        .filter(|_| log_config(&config).redis_url.is_some());
    let shared_store = shared_store.cloned();
    let live = Live::new(
        schema,
        entities.clone(),
        presence.clone(),
        config.limits.clone(),
        &config.subscriptions,
    );
    if let Some(listener) = admin {
        workers::say!("  metrics    http://{}/metrics", listener.local_addr()?);
        let observed = Observed {
            live: &live,
            shutdown: &shutdown,
            entities: &entities,
        };
        serve_admin(listener, &config, &log, Some(observed), shutdown.clone());
    }
    let service = Service {
        operations: live,
        typing,
        persisted: Persisted::new(&config.documents, trusted, shared_store.clone()),
        rates: Rates::new(&config.rates, shared_store),
        sdl: (!config.server.production).then_some(sdl),
        demo,
        avatars: Some(entities.users.clone()),
        ready: health::readiness_of(&log),
        shutdown,
        descriptors,
        tls,
        forwarding,
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
        tracing::warn!("the workers did not stop in time; their leases will expire");
    }
    Ok(())
}

/// Runs only the workers.
async fn work(config: &Config) -> Result<(), StartError> {
    let stopped = stop_on_signals()?;
    reread_on_hangup()?;
    let sole = Sole::of(&config.store.database_url)?;
    await_database(config).await?;
    let database = connect(config, config.work.workers_connections).await?;
    if let Some(sole) = &sole {
        database.take_over_leases(sole).await?;
    }
    let workers_config = workers_config(config)?;
    let log = EventLog::start(database, log_config(config)).await?;
    serve_probes(config, &log, &stopped).await?;
    if let Some(listener) = open_admin(config).await? {
        workers::say!("metrics at http://{}/metrics", listener.local_addr()?);
        serve_admin(listener, config, &log, None, drained_by(&stopped));
    }
    workers::say!("workers running");
    workers::run(log, workers_config, stopped).await;
    Ok(())
}

fn workers_config(config: &Config) -> Result<WorkersConfig, StartError> {
    // Processes that share the work take over from each other quickly; one that is alone spares its disk.
    let (lease, batch_events) = match is_embedded(config) {
        true => (EMBEDDED_LEASE, EMBEDDED_BATCH_EVENTS),
        false => (LEASE, BATCH_EVENTS),
    };
    Ok(WorkersConfig {
        lease: config.work.lease.unwrap_or(lease),
        batch_events: config.work.batch_events.unwrap_or(batch_events),
        retention: config.retention.clone(),
        handlers: config.signals.handlers().map_err(StartError::Settings)?,
    })
}

fn is_embedded(config: &Config) -> bool {
    sqlite_file(&config.store.database_url).is_some()
}

fn log_config(config: &Config) -> LogConfig {
    let store = &config.store;
    LogConfig {
        redis_url: store.redis_url.clone().filter(|_| !is_embedded(config)),
        redis_ca: store.redis_ca.clone(),
        redis_prefix: store.redis_prefix.clone(),
        poll_interval: store.poll_interval,
    }
}

/// Stops when told to. A service manager's signal leaves time to send clients elsewhere; a user who has pressed Ctrl-C does not want to wait.
async fn stop_when_told(
    mut told: watch::Receiver<Option<Asked>>,
    drain_delay: Duration,
    shutdown: Shutdown,
) {
    // A sender that is gone counts as a stop, too.
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

/// Connects, migrates if requested, and starts the log.
async fn open(config: &Config, token_keys: TokenKeys) -> Result<Entities, StartError> {
    let mailer = config.mail.mailer(config.server.production);
    let mailer = mailer.map_err(StartError::Settings)?;
    let database = connect(config, config.store.max_connections).await?;
    let log = EventLog::start(database, log_config(config)).await?;
    let entities_config = EntitiesConfig {
        customer_cache_capacity: config.cache.customer_cache_capacity,
        cache: (&config.cache).into(),
        users: config.sign_in.users(token_keys, mailer),
        signals: config.signals.config(),
    };
    Entities::new(log, entities_config).map_err(StartError::Keys)
}
