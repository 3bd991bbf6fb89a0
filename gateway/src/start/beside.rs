//! What a process answers beside its clients: the admin listener, and the probes of workers. Called by `start`.

use events::EventLog;
use gateway::{
    admin::{self, Observed},
    config::Config,
    health, server,
    shutdown::Shutdown,
};
use tokio::{net::TcpListener, sync::watch};

use super::StartError;

/// Opens the admin listener, if there is to be one.
pub(super) async fn open_admin(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let opened = admin::open(config.process.admin_listen).await;
    opened.map_err(|(address, error)| StartError::AdminListen(address, error))
}

pub(super) fn serve_admin(
    listener: TcpListener,
    config: &Config,
    log: &EventLog,
    observed: Option<Observed<'_>>,
    shutdown: Shutdown,
) {
    let catalog = admin::catalog(log, observed, config.process.metrics_operations);
    let routes = admin::routes(catalog, health::readiness_of(log), shutdown);
    let hosts = config.http.hosts().into();
    tokio::spawn(server::serve_beside(listener, routes, hosts));
}

/// Answers the probes of a worker, where a setting says so.
pub(super) async fn serve_probes(
    config: &Config,
    log: &EventLog,
    stopped: &watch::Receiver<bool>,
) -> Result<(), StartError> {
    let Some(address) = config.work.health_listen else {
        return Ok(());
    };
    let bound = TcpListener::bind(address).await;
    let listener = bound.map_err(|error| StartError::HealthListen(address, error))?;
    workers::say!("health at http://{}/health/ready", listener.local_addr()?);
    let routes = health::routes(health::readiness_of(log), drained_by(stopped));
    tokio::spawn(server::serve_beside(listener, routes, [].into()));
    Ok(())
}

/// Returns a handle on the stop of a worker, which drains when it is told to stop.
pub(super) fn drained_by(stopped: &watch::Receiver<bool>) -> Shutdown {
    let (shutdown, mut stopped) = (Shutdown::default(), stopped.clone());
    let draining = shutdown.clone();
    tokio::spawn(async move {
        let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
        draining.drain();
    });
    shutdown
}
