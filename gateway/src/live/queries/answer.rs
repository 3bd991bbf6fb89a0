//! An answer of a live query, and the bytes of it that watchers send. They are made once, and shared; only a patch has the number of the
//! client's own revision in front. What was computed again and is the same has the same content, with a later cursor.

use std::sync::{Arc, OnceLock};

use async_graphql::{Response, Value};
use bytes::Bytes;
use events::Cursor;
use sha2::{Digest, Sha256};

use super::execution::Done;
use crate::{errors, limits::Limits, response};

/// The bytes of a digest that are shown.
const DIGEST_BYTES: usize = 16;
/// The revision of an answer that is sent whole.
pub(super) const WHOLE: u64 = 1;

/// How an answer was made.
pub(super) struct Made {
    /// The number of its execution.
    pub(super) number: u64,
    /// Its parts may be of two moments.
    pub(super) is_mixed: bool,
}

/// The newest answer of a group.
pub(super) struct Answer {
    /// The number of its execution, and the position of the tail when that began.
    pub(super) number: u64,
    pub(super) position: u64,
    pub(super) cursor: Cursor,
    is_stale: bool,
    is_mixed: bool,
    pub(super) content: Arc<Content>,
    whole: OnceLock<Bytes>,
}

/// What an answer says.
pub(super) struct Content {
    /// Grows with every other content.
    pub(super) number: u64,
    pub(super) digest: String,
    /// `data` and `errors`, without the braces around them.
    body: Vec<u8>,
    /// `patch` and `errors`, if that is shorter.
    patch: Option<Vec<u8>>,
    /// The data that the next content is compared with; `None` where nothing is patched.
    data: Option<serde_json::Value>,
    patches: bool,
}

impl Answer {
    /// Makes an answer of an execution of the group, after `last`. With `patches` it can be sent as the difference.
    pub(super) fn new(
        done: Done,
        made: Made,
        last: Option<&Self>,
        patches: bool,
        limits: &Limits,
    ) -> Self {
        let Done {
            mut response,
            id,
            position,
            cursor,
            is_stale,
            ..
        } = done;
        let last = last.map(|last| &last.content);
        let digest = digest(&response);
        let content = match last.filter(|last| last.digest == digest) {
            Some(last) => last.clone(),
            None => {
                errors::finish(&mut response.errors, &id, limits);
                Arc::new(Content::new(response, digest, last, patches))
            }
        };
        Self {
            number: made.number,
            position,
            cursor,
            is_stale,
            is_mixed: made.is_mixed,
            content,
            whole: OnceLock::new(),
        }
    }

    /// Returns about how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        self.content.weight()
    }

    /// Returns the whole answer.
    pub(super) fn whole(&self) -> Bytes {
        let made = self.whole.get_or_init(|| {
            let has_revision = self.content.data.is_some();
            let revision = has_revision.then_some(WHOLE);
            self.frame(revision, &self.content.body, "")
        });
        made.clone()
    }

    /// Returns the difference to the content before, as this revision of the client's; `None` if it has to be sent whole.
    pub(super) fn patched(&self, revision: u64) -> Option<Bytes> {
        let patch = self.content.patch.as_ref()?;
        Some(self.frame(Some(revision), patch, ""))
    }

    /// Returns what is sent in place of an answer that the client already has.
    pub(super) fn unchanged(&self) -> Bytes {
        let (revision, patch): (_, &[u8]) = match self.content.patches {
            true => (Some(WHOLE), b"\"patch\":[]"),
            false => (None, b""),
        };
        self.frame(revision, patch, r#","unchanged":true"#)
    }

    fn frame(&self, revision: Option<u64>, body: &[u8], more: &str) -> Bytes {
        let revision = revision.map_or_else(String::new, |it| format!(r#""revision":{it},"#));
        let stale = ["", r#","stale":true"#][usize::from(self.is_stale)];
        let mixed = ["", r#","mixed":true"#][usize::from(self.is_mixed)];
        let (cursor, digest) = (self.cursor, &self.content.digest);
        let comma = if body.is_empty() { "" } else { "," };
        let end = format!(
            r#"{comma}"extensions":{{"cursor":"{cursor}","digest":"{digest}"{stale}{mixed}{more}}}}}"#
        );
        let parts = [b"{", revision.as_bytes(), body, end.as_bytes()];
        parts.concat().into()
    }
}

impl Content {
    /// Returns about how many bytes it has when it is sent whole.
    pub(super) fn length(&self) -> usize {
        self.body.len()
    }

    /// Returns about how many bytes it and its answer take. The data as values is some times as long as its text.
    fn weight(&self) -> usize {
        let copies = if self.data.is_some() { 8 } else { 2 };
        self.body.len() * copies + self.patch.as_ref().map_or(0, Vec::len)
    }

    fn new(response: Response, digest: String, last: Option<&Arc<Self>>, patches: bool) -> Self {
        let body = inside(&response);
        let is_patched = patches && matches!(response.data, Value::Object(_));
        let data = is_patched.then(|| response.data.clone().into_json().ok());
        let data = data.flatten();
        let before = last.and_then(|last| last.data.as_ref());
        let patch = before.zip(data.as_ref()).map(|(before, now)| {
            let patch = super::patch::between(before, now);
            let mut bytes = b"\"patch\":".to_vec();
            bytes.extend(response::to_json(&patch));
            if !response.errors.is_empty() {
                bytes.extend_from_slice(b",\"errors\":");
                bytes.extend(response::to_json(&response.errors));
            }
            bytes
        });
        Self {
            number: last.map_or(0, |last| last.number) + 1,
            digest,
            patch: patch.filter(|patch| patch.len() < body.len()),
            body,
            data,
            patches,
        }
    }
}

/// Returns the serialized response without its braces.
fn inside(response: &Response) -> Vec<u8> {
    let mut bytes = response::encode(response);
    bytes.pop();
    bytes.remove(0);
    bytes
}

/// Returns the digest of what a response says. Errors have no request id yet, which would make each of them another one.
fn digest(response: &Response) -> String {
    let digest = Sha256::digest(response::encode(response));
    let shown = &digest[..DIGEST_BYTES];
    shown.iter().map(|byte| format!("{byte:02x}")).collect()
}
