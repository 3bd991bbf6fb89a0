//! The TLS of what this program calls over HTTP: webhooks and collectors of traces.

use std::path::Path;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Returns the TLS configuration: the same cryptography as everywhere here, and the authorities in the PEM file, or Mozilla's without one, so
/// that images need none of their own.
///
/// # Errors
/// When the cryptography lacks what TLS needs, or the file cannot be used.
pub fn config(authorities: Option<&Path>) -> Result<ClientConfig, String> {
    let provider = rustls::crypto::ring::default_provider();
    let roots = match authorities {
        None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
        Some(file) => read(file).map_err(|error| format!("{}: {error}", file.display()))?,
    };
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn read(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    match roots.is_empty() {
        true => Err("it has no certificate".to_owned()),
        false => Ok(roots),
    }
}
