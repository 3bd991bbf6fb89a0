//! What a gateway says of itself on standard output when it begins to serve. Called by `start`.

use entities::users::Secret;

use super::first::DEMO_ADMINISTRATOR;

pub(super) fn announce(
    base: &str,
    is_embedded: bool,
    has_schema: bool,
    demo_password: Option<&Secret>,
) {
    let mode = if is_embedded {
        "embedded, SQLite"
    } else {
        "distributed, Postgres"
    };
    workers::say!(
        "Millrace {} ({mode}) listening on {base}",
        env!("CARGO_PKG_VERSION")
    );
    workers::say!("  open       {base}");
    workers::say!("  explore    {base}/graphiql");
    workers::say!("  endpoint   {base}/graphql   (HTTP and WebSocket)");
    if has_schema {
        workers::say!("  schema     {base}/schema.graphql");
    }
    if let Some(password) = demo_password {
        let password = password.reveal();
        workers::say!(
            "  sign in    {DEMO_ADMINISTRATOR} with the password {password}   (shown this once)"
        );
    }
}
