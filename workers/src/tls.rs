//! The TLS of what this program calls over HTTP: webhooks and collectors of traces.

/// Returns the TLS configuration: the same cryptography as everywhere here, and Mozilla's certificates, so that images need none of
/// their own.
///
/// # Errors
/// When the cryptography lacks what TLS needs.
pub fn config() -> Result<rustls::ClientConfig, String> {
    let provider = rustls::crypto::ring::default_provider();
    let roots: rustls::RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
