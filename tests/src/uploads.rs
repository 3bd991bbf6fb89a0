//! Requests with a file, as the GraphQL multipart request specification has them, and small pictures to send.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::graphql::{Answer, Client};
use crate::http::post;

/// Pictures of 2 by 2 pixels in PNG. The first says `zq7marker` in a comment.
pub const RED: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAYAAABytg0kAAAAEXRFWHRDb21tZW50AHpxN21hcmtlcgvza6sAAAARSURBVHjaY/jPwPAfhBlgDABHygf5GrbxqQAAAABJRU5ErkJggg==";
pub const BLUE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAYAAABytg0kAAAAEElEQVR42mNgYPj/H4KhDAA/0gf5XBPgQgAAAABJRU5ErkJggg==";
pub const CLEAR: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAYAAABytg0kAAAAEElEQVR42mNgYPjPAMFQBgAh8AP9axeL4AAAAABJRU5ErkJggg==";
/// The header without which no file is taken.
pub const PREFLIGHT: (&str, &str) = ("graphql-preflight", "1");

/// Returns the bytes of one of these pictures.
pub fn png(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).expect("base 64")
}

/// Sends a document whose variable `picture` is a file.
pub async fn send(
    client: &Client,
    document: &str,
    file: &[u8],
    headers: &[(&str, &str)],
) -> Answer {
    let operations = json!({ "query": document, "variables": { "picture": null } });
    let map = json!({ "0": ["variables.picture"] });
    let mut body = Vec::new();
    for (name, text) in [("operations", operations), ("map", map)] {
        let part =
            format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    // What is said of the file means nothing.
    body.extend_from_slice(
        b"--limit\r\ncontent-disposition: form-data; name=\"0\"; filename=\"../me.png\"\r\ncontent-type: text/html\r\n\r\n",
    );
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--limit--\r\n");
    let form = [("content-type", "multipart/form-data; boundary=limit")];
    let request = post("/graphql", &[&form, headers].concat(), &body);
    let response = client.send(&client.signed(&request)).await;
    Answer::new(response.expect("an answer"))
}
