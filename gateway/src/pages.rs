//! The pages: the app, with GraphiQL, and their assets, embedded from the built web folder, and the schema's text. Pages load nothing from
//! other origins, and their policy enforces that. The app has addresses of its own, which only it knows: a browser that navigates to what no
//! route has gets the app, and everybody else that there is nothing.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, VARY,
};
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::http::{self, compression};

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Web;

/// The app positions rows and menus by inline styles, and so does the editor of GraphiQL, which has its fonts in data URLs; avatars that
/// are being chosen are blobs. Workers are under the policy of the script that they were loaded from, so assets have it, too.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data: blob:; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
/// The names of assets contain a hash of their content.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Millrace</title>\n\
    <h1>The web pages are not built</h1>\n\
    <p>The API is at <a href=\"/graphql?query=%7B__typename%7D\">/graphql</a>, its schema at \
    <a href=\"/schema.graphql\">/schema.graphql</a>.</p>\n\
    <p><code>make run</code> builds the pages and starts the gateway with them.</p>\n</html>\n";

/// Returns the routes of pages, which are compressed when they are larger than `compress_above`, unless that is 0.
pub(crate) fn routes(sdl: Option<String>, compress_above: usize) -> Router {
    let pages = match sdl {
        Some(sdl) => {
            let sdl = Bytes::from(sdl);
            let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
            let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, REVALIDATE)];
            let schema = move |request: Request| async move {
                let page = compressible("schema.graphql", sdl, compress_above, request.headers());
                (headers, page.await)
            };
            Router::new().route("/schema.graphql", get(schema))
        }
        None => Router::new(),
    };
    pages
        .route("/", get(app))
        .route("/graphiql", get(app))
        .route(
            "/playground",
            get(|| async { Redirect::permanent("/graphiql") }),
        )
        .route(
            "/assets/{*path}",
            get(move |path, request| asset(path, request, compress_above)),
        )
}

async fn app() -> Response {
    let page = Web::get("index.html").map_or_else(
        || Body::from(NOT_BUILT),
        |file| Body::from(Bytes::from_owner(file.data)),
    );
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, REVALIDATE),
    ];
    (headers, page).into_response()
}

/// Answers what no route has: with the app, where that may have such an address.
pub(crate) async fn elsewhere(request: Request) -> Response {
    match is_navigation(&request) {
        true => {
            // Programs that accept no pages get another answer.
            let vary = [(VARY, HeaderValue::from_static("accept"))];
            (vary, app().await).into_response()
        }
        false => http::not_found(request).await,
    }
}

/// Whether a browser asks for a page: not for a file, nor for something below what programs ask.
fn is_navigation(request: &Request) -> bool {
    let path = request.uri().path();
    let first = path.split('/').nth(1).unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    matches!(*request.method(), Method::GET | Method::HEAD)
        && !["assets", "avatars", "demo", "graphql", "health", "metrics"].contains(&first)
        && !last.contains('.')
        && accepts_pages(request.headers())
}

/// Whether pages are named: `*/*` is what programs send.
fn accepts_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut ranges = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    ranges.any(|range| range.split(';').next().map(str::trim) == Some("text/html"))
}

async fn asset(Path(path): Path<String>, request: Request, compress_above: usize) -> Response {
    let name = format!("assets/{path}");
    let Some(file) = Web::get(&name) else {
        return http::not_found(request).await;
    };
    let kind = file.metadata.mimetype();
    let content_type =
        HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, FOREVER),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    let is_text = ["text/", "javascript", "json", "svg", "ttf", "wasm"];
    let above = match is_text.iter().any(|text| kind.contains(text)) {
        true => compress_above,
        false => 0,
    };
    let bytes = Bytes::from_owner(file.data);
    (
        headers,
        compressible(&name, bytes, above, request.headers()).await,
    )
        .into_response()
}

/// Answers with a page that exists, compressed if the client accepts that.
async fn compressible(name: &str, bytes: Bytes, above: usize, headers: &HeaderMap) -> Response {
    if above == 0 || bytes.len() <= above {
        return bytes.into_response();
    }
    // Caches are told that answers differ.
    let vary = [(VARY, HeaderValue::from_static("accept-encoding"))];
    if let Some(encoding) = compression::accepted(headers)
        && let Some(compressed) = compression::page(name, &bytes, encoding).await
    {
        let encoding = [(CONTENT_ENCODING, encoding.header())];
        return (vary, encoding, compressed).into_response();
    }
    (vary, bytes).into_response()
}
