//! Health of a process of workers, for probes: `/health/live` while it answers, `/health/ready` while it can reach what it works
//! on and was not told to stop. A listener of its own, off unless asked for: one request a connection, and little patience.
//! Neither tells outsiders what is wrong: that is logged. Called by `millrace work`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use events::EventLog;
use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// Says whether everything that the work needs is there, or what is missing.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How long a probe may take for its request and the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Probes at once.
const MOST_PROBES: usize = 128;
/// Who says nothing keeps others from their place for no longer.
const HEAD_PATIENCE: Duration = Duration::from_secs(1);
/// Of a request's head; the least that hyper takes.
const MOST_BYTES: usize = 8 * 1024;
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// What the log of this process needs: the database, and the present.
pub fn readiness(log: &EventLog) -> Ready {
    let log = log.clone();
    Arc::new(move || {
        let log = log.clone();
        Box::pin(async move { log.readiness().await })
    })
}

/// Answers probes at `address` until the process ends; returns where that is.
///
/// # Errors
/// When it cannot listen there.
pub async fn serve(
    address: SocketAddr,
    ready: Ready,
    stopped: watch::Receiver<bool>,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let probes = Arc::new(Semaphore::new(MOST_PROBES));
    tokio::spawn(async move {
        // Never closed.
        while let Ok(place) = probes.clone().acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_BACK_OFF).await;
                continue;
            };
            let (ready, stopped) = (ready.clone(), stopped.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let (ready, is_stopped) = (ready.clone(), *stopped.borrow());
                    async move { Ok::<_, Infallible>(answer(&request, &ready, is_stopped).await) }
                });
                let probe = http1::Builder::new()
                    .keep_alive(false)
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_PATIENCE)
                    .max_buf_size(MOST_BYTES)
                    .serve_connection(TokioIo::new(stream), service);
                // A probe that went away is no concern of ours.
                let _ = timeout(PATIENCE, probe).await;
                drop(place);
            });
        }
    });
    Ok(address)
}

async fn answer(request: &Request<Incoming>, ready: &Ready, is_stopped: bool) -> Response<String> {
    let is_probe = [Method::GET, Method::HEAD].contains(request.method());
    let (status, told) = match request.uri().path() {
        _ if !is_probe => (StatusCode::METHOD_NOT_ALLOWED, "unknown"),
        "/health/live" => (StatusCode::OK, "live"),
        "/health/ready" if is_stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        "/health/ready" => match ready().await {
            Ok(()) => (StatusCode::OK, "ready"),
            Err(reason) => {
                tracing::warn!(reason, "not ready: {reason}");
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
        },
        _ => (StatusCode::NOT_FOUND, "unknown"),
    };
    let mut response = Response::new(format!(r#"{{"status":"{told}"}}"#));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n");
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }

    #[tokio::test]
    async fn who_says_nothing_keeps_no_probe_waiting_for_long() {
        let (_stop, stopped) = watch::channel(false);
        let ready: Ready = Arc::new(|| Box::pin(async { Ok(()) }));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = serve(nowhere, ready, stopped).await.expect("a port");
        let mut silent = Vec::new();
        for _ in 0..2 * MOST_PROBES {
            silent.push(TcpStream::connect(address).await.expect("it listens"));
        }
        let probing = timeout(PATIENCE * 4, ask(address, "GET /health/live"));
        let live = probing.await.expect("an answer in time");
        assert!(live.starts_with("HTTP/1.1 200 OK\r\n"), "{live}");
    }

    #[tokio::test]
    async fn probes_are_told_how_it_is() {
        let (state, state_seen) = watch::channel(true);
        let (stop, stopped) = watch::channel(false);
        let ready: Ready = Arc::new(move || {
            let is_ready = *state_seen.borrow();
            Box::pin(async move { is_ready.then_some(()).ok_or("it is away".to_owned()) })
        });
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = serve(nowhere, ready, stopped).await.expect("a port");
        let live = ask(address, "GET /health/live").await;
        assert!(live.starts_with("HTTP/1.1 200 OK\r\n"), "{live}");
        assert!(live.ends_with(r#"{"status":"live"}"#), "{live}");
        let ready = ask(address, "GET /health/ready").await;
        assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
        let head = ask(address, "HEAD /health/ready").await;
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        for (request, status) in [("GET /", 404), ("POST /health/live", 405)] {
            let answer = ask(address, request).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{answer}"
            );
        }
        state.send_replace(false);
        let away = ask(address, "GET /health/ready").await;
        assert!(away.starts_with("HTTP/1.1 503"), "{away}");
        assert!(!away.contains("it is away"), "{away}");
        state.send_replace(true);
        stop.send_replace(true);
        let stopping = ask(address, "GET /health/ready").await;
        assert!(stopping.starts_with("HTTP/1.1 503"), "{stopping}");
    }
}
