//! TLS of the listener for clients: one certificate with its key, from two PEM files. The files are looked at every few seconds, because
//! those who renew certificates replace them while the process runs. A renewal writes two files, so for a moment they may not fit together;
//! what cannot be used is told once, and the certificate before it stays. A client has a bounded time for its handshake. Called by `server`.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use parking_lot::RwLock;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How long a handshake may take: two round trips over the worst of networks.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// More than any chain of certificates has.
const MAX_BYTES: u64 = 1 << 20;

/// Settings of TLS.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Server")]
pub struct TlsSettings {
    /// PEM file with the certificate by which the gateway speaks TLS, and those that lead to its root; it is read again when it changes
    #[arg(long, env = "MILLRACE_TLS_CERTIFICATE", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the key of the certificate
    #[arg(long, env = "MILLRACE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

/// What a listener needs to speak TLS.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Reads the files, if they are set, and goes on looking whether they have changed.
    ///
    /// # Errors
    /// When they cannot be read, or do not fit together.
    pub fn of(settings: &TlsSettings) -> Result<Option<Self>, String> {
        let files = match (&settings.tls_certificate, &settings.tls_key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => Files {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            // Whoever set one does not want to be reached without TLS.
            _ => {
                return Err("--tls-certificate and --tls-key need each other".to_owned());
            }
        };
        let contents = files.read()?;
        let current = Arc::new(Current(RwLock::new(Arc::new(files.parse(&contents)?))));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        tokio::spawn(watch(files, contents, current));
        Ok(Some(Self(TlsAcceptor::from(Arc::new(config)))))
    }

    /// Shakes hands with a client.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let accepted = timeout(HANDSHAKE, self.0.accept(stream)).await;
        accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The certificate that is shown to clients.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().clone())
    }
}

#[derive(Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The bytes of the certificate and of the key.
type Contents = (Vec<u8>, Vec<u8>);

impl Files {
    fn read(&self) -> Result<Contents, String> {
        let read = |path: &PathBuf| {
            let mut bytes = Vec::new();
            let file = File::open(path);
            let read = file.and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
            match read {
                Err(error) => Err(format!("{}: {error}", path.display())),
                Ok(_) if bytes.len() as u64 > MAX_BYTES => {
                    Err(format!("{} is too large to be PEM", path.display()))
                }
                Ok(_) => Ok(bytes),
            }
        };
        Ok((read(&self.certificate)?, read(&self.key)?))
    }

    fn parse(&self, (certificate, key): &Contents) -> Result<CertifiedKey, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let path = self.certificate.display();
        let chain = chain.map_err(|error| format!("{path}: {error}"))?;
        if chain.is_empty() {
            return Err(format!("{path} has no certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| format!("{}: {error}", self.key.display()))?;
        // It checks that both belong together.
        CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map_err(|error| format!("the certificate in {path} cannot be used: {error}"))
    }
}

/// Takes what the files have whenever that has changed.
async fn watch(files: Files, mut seen: Contents, current: Arc<Current>) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failure = None;
    loop {
        looks.tick().await;
        // A disk may be one of a network's.
        let reading = spawn_blocking({
            let files = files.clone();
            move || files.read()
        });
        let read = reading.await.unwrap_or_else(|error| Err(error.to_string()));
        let taken = read.and_then(|contents| {
            if contents == seen {
                return Ok(None);
            }
            let parsed = files.parse(&contents);
            seen = contents;
            parsed.map(Some)
        });
        match taken {
            Ok(Some(key)) => {
                *current.0.write() = Arc::new(key);
                failure = None;
                tracing::info!("the certificate was replaced");
            }
            Ok(None) => {}
            Err(error) if failure.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::warn!("the certificate stays as it was: {error}");
                failure = Some(error);
            }
        }
    }
}
