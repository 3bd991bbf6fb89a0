//! Documents that a request names in place of sending them: trusted documents, which operators list in files, and automatic persisted
//! queries, which clients register by sending a text with its SHA-256. `App` puts the text into the request before it is read.
//!
//! Why a client gets the document that it means: a registered document is known by nothing but the hash of its text, which is computed
//! here when a client sends one, and again when one comes from another gateway. So nobody can register a text under the hash of another,
//! and a damaged or foreign entry in Redis is as good as none. A document is kept only after a request with it was found to be valid.
//!
//! Why registering stays within bounds: in memory a cache has a maximum of bytes and of documents. To Redis each gateway hands at most as
//! much again within the lifetime of an entry, so no more than twice that of each gateway is there at once. Who uses this up makes others
//! register their documents with each gateway by itself, and no more. Mutations with texts in them are not handed to Redis: somebody may
//! have written a password there rather than in a variable.

mod shared;
#[cfg(test)]
mod tests;
mod trusted;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::{ServerError, Value};
use clap::Args;
use events::SharedStore;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::errors::{Code, typed};
use crate::numbers;
use crate::params::{PERSISTED_QUERY, Params};
use shared::{LIFETIME, Shared, may_hold_secrets};

pub use trusted::Trusted;

/// Longer documents are not registered, but sent each time.
const MAX_TEXT: usize = 64 * 1024;
/// What an entry takes besides its text.
const ENTRY_BYTES: usize = 256;
/// The one version of automatic persisted queries.
const VERSION: u64 = 1;

/// The SHA-256 of a document's text.
type Hash = [u8; 32];

/// Settings of documents that requests name.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Documents")]
pub struct DocumentSettings {
    /// Maximum memory for documents that clients register by their SHA-256 (automatic persisted queries), in bytes; 0 turns that off
    #[arg(long, env = "MILLRACE_MAX_PERSISTED_BYTES", default_value_t = 16 * 1024 * 1024, value_parser = numbers::within(0..=1_000_000_000_usize))]
    pub max_persisted_bytes: usize,
    /// Maximum number of documents that clients register
    #[arg(long, env = "MILLRACE_MAX_PERSISTED_DOCUMENTS", default_value_t = 10_000, value_parser = numbers::within(numbers::COUNT))]
    pub max_persisted_documents: usize,
    /// Files with trusted documents, separated by commas: JSON objects from ids to documents, as GraphQL Code Generator and Relay write
    /// them, or manifests of Apollo
    #[arg(
        long,
        env = "MILLRACE_TRUSTED_DOCUMENTS",
        value_name = "FILES",
        value_delimiter = ','
    )]
    pub trusted_documents: Vec<PathBuf>,
    /// Refuse all documents that are not in these files
    #[arg(long, env = "MILLRACE_TRUSTED_DOCUMENTS_ONLY")]
    pub trusted_documents_only: bool,
}

/// The documents that requests may name.
pub struct Persisted {
    trusted: Trusted,
    only_trusted: bool,
    /// `None` when clients may not register documents.
    kept: Option<Cache<Hash, Kept>>,
    shared: Option<Shared>,
}

#[derive(Clone)]
struct Kept {
    text: Arc<str>,
    /// When it was handed to Redis.
    shared_at: Option<Instant>,
}

/// A document that is to be kept when it has proved to be valid.
pub(crate) struct Candidate {
    hash: Hash,
    text: Arc<str>,
    /// Whether it comes from the other gateways.
    is_shared: bool,
}

/// How a request names its document.
struct Named {
    id: String,
    hash: Option<Hash>,
    /// Whether it is an automatic persisted query.
    is_automatic: bool,
}

impl Persisted {
    /// `store` is shared by all gateways.
    #[must_use]
    pub fn new(settings: &DocumentSettings, trusted: Trusted, store: Option<SharedStore>) -> Self {
        let only_trusted = settings.trusted_documents_only;
        let (most_bytes, most) = (
            settings.max_persisted_bytes,
            settings.max_persisted_documents,
        );
        // An entry weighs at least its share of the bytes, so a maximum of bytes is also one of entries.
        let share = most_bytes.div_ceil(most);
        let weigh = move |_: &Hash, kept: &Kept| {
            let bytes = (kept.text.len() + ENTRY_BYTES).max(share);
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let kept = (most_bytes > 0 && !only_trusted).then(|| {
            let cache = Cache::builder().max_capacity(most_bytes as u64);
            cache.weigher(weigh).build()
        });
        let store = store.filter(|_| kept.is_some());
        let shared = store.map(|store| Shared::new(store, most_bytes, most));
        Self {
            trusted,
            only_trusted,
            kept,
            shared,
        }
    }

    /// Puts the text of a document that the request names into the request.
    ///
    /// # Errors
    ///
    /// When it is not known, not trusted, or not what the request says that it is.
    pub(crate) async fn resolve(
        &self,
        params: &mut Params,
    ) -> Result<Option<Candidate>, ServerError> {
        match named(params)? {
            Some(named) if params.query.is_empty() => {
                let (text, candidate) = self.find(&named).await?;
                params.query = text.as_ref().into();
                Ok(candidate)
            }
            Some(named) => self.examine(&named, &params.query),
            None if self.only_trusted && !self.trusted.has(&params.query) => Err(not_trusted()),
            None => Ok(None),
        }
    }

    /// Keeps a document that has proved to be valid.
    pub(crate) fn keep(&self, candidate: Candidate) {
        let Some(cache) = &self.kept else { return };
        let Candidate {
            hash,
            text,
            is_shared,
        } = candidate;
        let known = cache.get(&hash);
        let is_fresh = |kept: &Kept| match (&self.shared, kept.shared_at) {
            (Some(_), Some(at)) => at.elapsed() < LIFETIME / 2,
            (Some(_), None) => may_hold_secrets(&kept.text),
            (None, _) => true,
        };
        if known.as_ref().is_some_and(is_fresh) {
            return;
        }
        let shared = self.shared.as_ref();
        let shared = shared.filter(|_| !may_hold_secrets(&text));
        let is_shared = is_shared || shared.is_some_and(|shared| shared.hand_on(&hash, &text));
        let shared_at = is_shared.then(Instant::now);
        cache.insert(hash, Kept { text, shared_at });
    }

    async fn find(&self, named: &Named) -> Result<(Arc<str>, Option<Candidate>), ServerError> {
        if let Some(text) = self.trusted.find(&named.id, named.hash) {
            return Ok((text.clone(), None));
        }
        if self.only_trusted {
            return Err(not_trusted());
        }
        let Some(cache) = &self.kept else {
            return Err(match named.is_automatic {
                true => not_supported(),
                false => not_found(),
            });
        };
        let hash = named.hash.ok_or_else(not_found)?;
        if let Some(kept) = cache.get(&hash) {
            return Ok((kept.text, None));
        }
        let shared = self.shared.as_ref().ok_or_else(not_found)?;
        let text = shared.get(&hash).await.ok_or_else(not_found)?;
        let candidate = Candidate {
            hash,
            text: text.clone(),
            is_shared: true,
        };
        Ok((text, Some(candidate)))
    }

    /// Examines a document that was sent with its name.
    fn examine(&self, named: &Named, text: &str) -> Result<Option<Candidate>, ServerError> {
        let is_trusted = self.trusted.has(text);
        if self.only_trusted && !is_trusted {
            return Err(not_trusted());
        }
        if is_trusted || self.kept.is_none() {
            return Ok(None);
        }
        let hash = hash_of(text);
        if named.hash != Some(hash) {
            let message = "provided sha does not match query";
            return Err(typed(Code::BadRequest, message));
        }
        let is_short = text.len() <= MAX_TEXT;
        let text = text.into();
        Ok(is_short.then_some(Candidate {
            hash,
            text,
            is_shared: false,
        }))
    }
}

fn hash_of(text: &str) -> Hash {
    Sha256::digest(text).into()
}

/// Reads 64 hexadecimal digits.
fn parse_hash(hex: &str) -> Option<Hash> {
    let digits: Option<Vec<u8>> = hex.chars().map(|c| Some(c.to_digit(16)? as u8)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    let mut hash = Hash::default();
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(hash)
}

/// Returns the name of the request's document: its id, or its hash as an extension.
fn named(params: &Params) -> Result<Option<Named>, ServerError> {
    if let Some(id) = &params.document_id {
        let hash = id.strip_prefix("sha256:").and_then(parse_hash);
        return Ok(Some(Named {
            id: id.clone(),
            hash,
            is_automatic: false,
        }));
    }
    let extension = match params.extensions.0.get(PERSISTED_QUERY) {
        None | Some(Value::Null) => return Ok(None),
        Some(extension) => extension,
    };
    let refused = |what: &str| {
        let message = format!("extensions.{PERSISTED_QUERY} {what}");
        Err(typed(Code::BadRequest, message))
    };
    let Value::Object(fields) = extension else {
        return refused("must be an object");
    };
    match fields.get("version") {
        Some(Value::Number(version)) if version.as_u64() == Some(VERSION) => {}
        _ => return refused("must have the version 1"),
    }
    let Some(Value::String(id)) = fields.get("sha256Hash") else {
        return refused("must have a `sha256Hash`");
    };
    Ok(Some(Named {
        id: id.clone(),
        hash: parse_hash(id),
        is_automatic: true,
    }))
}

/// Clients send the document when they get exactly this.
fn not_found() -> ServerError {
    typed(Code::PersistedQueryNotFound, "PersistedQueryNotFound")
}

/// Clients send the document, and no more hashes, when they get exactly this.
fn not_supported() -> ServerError {
    typed(
        Code::PersistedQueryNotSupported,
        "PersistedQueryNotSupported",
    )
}

fn not_trusted() -> ServerError {
    let message = "Only trusted documents are accepted here, and this is none";
    typed(Code::DocumentNotTrusted, message)
}
