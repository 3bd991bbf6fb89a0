//! Certificate authorities for tests: each signs certificates for this machine, and nobody else trusts it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

/// A certificate and its key, in files.
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Files {
    /// Returns what a server speaks TLS with that has this certificate.
    pub fn acceptor(&self) -> TlsAcceptor {
        let certificate = CertificateDer::from_pem_file(&self.certificate).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(&self.key).expect("a key");
        let config = ServerConfig::builder_with_provider(ring::default_provider().into());
        let config = config.with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key);
        TlsAcceptor::from(Arc::new(config.expect("a key for the certificate")))
    }
}

impl Authority {
    #[expect(
        clippy::new_without_default,
        reason = "it makes a key, which is not nothing"
    )]
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Writes the certificate of the authority itself; returns its file.
    pub fn write(&self, directory: &Path) -> PathBuf {
        let file = directory.join("authority.pem");
        std::fs::write(&file, &self.pem).expect("the file is written");
        file
    }

    /// Signs a certificate for this machine, and writes it and its key.
    pub fn sign(&self, directory: &Path) -> Files {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let files = Files {
            certificate: directory.join("certificate.pem"),
            key: directory.join("key.pem"),
        };
        std::fs::write(&files.certificate, certificate.pem()).expect("the file is written");
        std::fs::write(&files.key, key.serialize_pem()).expect("the file is written");
        files
    }

    /// Returns what a client needs who trusts this authority alone, and speaks these protocols.
    pub fn trusted(&self, protocols: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(ring::default_provider().into());
        let config = config.with_safe_default_protocol_versions();
        let config = config.expect("versions").with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}
