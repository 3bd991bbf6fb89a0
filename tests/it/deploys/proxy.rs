//! The proxy of `docker-compose.yml`, Caddy with the very file, in front of two gateways that are replaced one after the other, as an
//! upgrade does: no request fails, sockets go on elsewhere, and streams are not buffered. Distributed only, as there are two.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use tests::postgres::free_port;
use tests::process::Process;
use tests::programs::{NODE, checker, repository};
use tests::waiting::{SOON, eventually_blocking};
use tests::{Running, Setup};

/// Starts Caddy in front of these gateways; returns its address, and the file with the authority that signed its certificate.
fn start_proxy(setup: &Setup, app: &Running) -> (Process, String, PathBuf) {
    let upstreams: Vec<String> = app
        .gateways
        .iter()
        .map(|gateway| gateway.address.to_string())
        .collect();
    let (port, redirecting) = (free_port(), free_port());
    let home = setup.directory.join("caddy");
    let mut command = Command::new(checker("caddy", "caddy"));
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(repository().join("deploy/compose/Caddyfile"))
        .env("SITE_ADDRESS", "localhost")
        .env("UPSTREAMS", upstreams.join(" "))
        .env("HTTPS_PORT", port.to_string())
        .env("HTTP_PORT", redirecting.to_string())
        .env("HOME", &home)
        .env("XDG_DATA_HOME", &home)
        .env("XDG_CONFIG_HOME", &home);
    let process = Process::spawn("caddy", &setup.directory, &mut command, "KILL");
    let authority = home.join("caddy/pki/authorities/local/root.crt");
    eventually_blocking("Caddy has its certificate", SOON, || {
        let log = process.log();
        (authority.exists() && log.contains("certificate obtained successfully")).then_some(())
    });
    (process, format!("https://localhost:{port}"), authority)
}

async fn gateways_are_replaced_without_a_lost_request(mut setup: Setup) {
    for (name, value) in [
        ("MILLRACE_ALLOWED_HOSTS", "localhost"),
        ("MILLRACE_FORWARDED_ADDRESSES", "true"),
        ("MILLRACE_PRODUCTION", "true"),
        ("MILLRACE_DRAIN_DELAY", "3s"),
        ("MILLRACE_DRAIN_TIME", "1s"),
    ] {
        setup.settings.set(name, value);
    }
    let mut app = setup.start_many(2, 1, &[]);
    let admin = setup.admin().clone();
    tokio::task::block_in_place(|| {
        let (proxy, url, authority) = start_proxy(&setup, &app);
        let mut command = Command::new(&*NODE);
        command
            .arg("proxy.mjs")
            .arg(url)
            .current_dir(repository().join("tests/js"))
            .env("NODE_EXTRA_CA_CERTS", authority)
            .env("ACCESS_TOKEN", admin.access_token);
        let mut clients = Process::spawn("clients", &setup.directory, &mut command, "KILL");
        clients.await_line("replace them", SOON);
        for (index, gateway) in app.gateways.iter_mut().enumerate() {
            let ended = gateway.process.terminate(SOON);
            assert!(ended.success(), "it ended with {ended}");
            gateway.restart();
            // The next one has to be held up until then, as `docker compose up --wait` and Kubernetes do.
            eventually_blocking("the proxy knows that it is ready", SOON, || {
                (proxy.log().matches("host is up").count() > index).then_some(())
            });
        }
        clients.signal(Signal::TERM);
        let ended = clients.wait(SOON);
        assert!(ended.success(), "{}{}", clients.output(), clients.log());
        println!("{}", clients.output());
    });
}

tests::distributed!(gateways_are_replaced_without_a_lost_request);
