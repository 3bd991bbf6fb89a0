//! A toy schema and a server for it on a free port. Also shows how little is needed to serve a schema.

use std::net::SocketAddr;
use std::time::Duration;

use async_graphql::{
    Context, Error, ErrorExtensions, Object, Request, Response, Schema, ServerError, Subscription,
};
use futures::stream::{self, Stream, StreamExt};
use gateway::config::Config;
use gateway::credentials::Credentials;
use gateway::document::{self, Typing};
use gateway::errors;
use gateway::health::always_ready;
use gateway::operation::{Departure, Direct, Operations};
use gateway::persisted::{Persisted, Trusted};
use gateway::rates::Rates;
use gateway::server::{Service, serve};
use gateway::shutdown::Shutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Something that only one can hold at once, like the last connection to a database.
static THE_ONE: Semaphore = Semaphore::const_new(1);

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self, name: Option<String>) -> String {
        format!("hello {}", name.unwrap_or_else(|| "world".into()))
    }

    /// The token that the client showed.
    async fn token(&self, ctx: &Context<'_>) -> Result<Option<String>, Error> {
        Ok(ctx.data::<Caller>()?.0.clone())
    }

    async fn slow(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
    }

    /// Never yields.
    async fn hang(&self, ms: u64) -> u64 {
        std::thread::sleep(Duration::from_millis(ms));
        ms
    }

    /// Holds the one thing for a while.
    async fn hold(&self, ms: u64) -> bool {
        let _held = THE_ONE.acquire().await;
        tokio::time::sleep(Duration::from_millis(ms)).await;
        true
    }

    async fn conflict(&self) -> Result<i32, Error> {
        Err(Error::new("taken").extend_with(|_, e| e.set("code", "CONFLICT")))
    }

    async fn broken(&self) -> Result<Option<i32>, Error> {
        Err("secret".parse::<i32>().expect_err("not a number").into())
    }

    async fn myself(&self) -> Self {
        Self
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn touch(&self) -> bool {
        true
    }
}

pub(crate) struct Subscriptions;

#[Subscription(name = "Subscription")]
impl Subscriptions {
    /// 1, 2, … `to`.
    async fn count(&self, to: i32) -> impl Stream<Item = i32> + use<> {
        stream::iter(1..=to)
    }

    /// Never yields an item.
    async fn quiet(&self) -> impl Stream<Item = i32> + use<> {
        stream::pending()
    }

    /// A number every few milliseconds.
    async fn ticks(&self, ms: u64) -> impl Stream<Item = u64> + use<> {
        stream::unfold(0, move |n| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Some((n, n + 1))
        })
    }

    /// Yields `size` letters, as fast as they are taken.
    async fn flood(&self, size: usize) -> impl Stream<Item = String> + use<> {
        stream::repeat("x".repeat(size))
    }

    async fn failing(&self) -> Result<futures::stream::Pending<i32>, Error> {
        Err(Error::new("no").extend_with(|_, e| e.set("code", "CURSOR_INVALID")))
    }
}

/// The toy operations; the tokens `deny` and `unknown` are refused, `leave` and `disconnect` admit a caller who has to go at once, and new
/// tokens are taken like first ones.
#[derive(Clone)]
pub(crate) struct Toy(Direct<Schema<Query, Mutation, Subscriptions>>);

#[derive(Clone)]
pub(crate) struct Caller(Option<String>);

fn admit(token: Option<String>) -> Result<Caller, ServerError> {
    match token.as_deref() {
        Some("deny") => Err(errors::typed(errors::Code::Forbidden, "denied")),
        Some("unknown") => {
            let unknown = ServerError::new("unknown", None);
            Err(errors::with(unknown, "code", "UNAUTHENTICATED"))
        }
        Some("later") => Err(errors::typed(errors::Code::Unavailable, "later")),
        _ => Ok(Caller(token)),
    }
}

impl Operations for Toy {
    type Stream = <Direct<Schema<Query, Mutation, Subscriptions>> as Operations>::Stream;
    type Caller = Caller;

    async fn admit(&self, credentials: Credentials) -> Result<Caller, ServerError> {
        admit(credentials.token)
    }

    fn renew(
        &self,
        _: &Caller,
        token: String,
    ) -> impl Future<Output = Result<Caller, ServerError>> + Send + 'static {
        std::future::ready(admit(Some(token)))
    }

    fn stay(&self, caller: &Caller) -> impl Future<Output = Departure> + Send + 'static {
        let departure = match caller.0.as_deref() {
            Some("leave") => Some(Departure::Forbidden),
            Some("disconnect") => Some(Departure::Disconnected),
            _ => None,
        };
        async move {
            match departure {
                Some(departure) => departure,
                None => std::future::pending().await,
            }
        }
    }

    fn disconnected(&self, caller: &Caller) -> impl Future<Output = ()> + Send + 'static {
        let is_disconnected = caller.0.as_deref() == Some("disconnect");
        async move {
            if !is_disconnected {
                std::future::pending().await
            }
        }
    }

    async fn execute(&self, request: Request, caller: &Caller) -> Response {
        let request = request.data(caller.clone());
        let mut response = self.0.execute(request, &()).await;
        response
            .extensions
            .insert("cursor".into(), "epoch-1".into());
        response
    }

    async fn subscribe(
        &self,
        request: Request,
        _: &Caller,
    ) -> Result<Self::Stream, Vec<ServerError>> {
        let stream = self.0.subscribe(request, &()).await;
        stream.map(|stream| stream.boxed())
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
}

/// Returns the defaults, on a free port.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.server.listen.set_port(0);
    config
}

pub(crate) async fn start() -> Server {
    start_with(config()).await
}

pub(crate) async fn start_with(config: Config) -> Server {
    let schema = Schema::build(Query, Mutation, Subscriptions)
        .limit_depth(config.limits.max_depth)
        .limit_complexity(config.limits.max_complexity)
        .finish();
    let listener = TcpListener::bind(config.server.listen)
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let shutdown = Shutdown::default();
    let typing = Typing::of(&schema.sdl()).expect("a schema");
    let check = |text: &str| document::check(text, &typing, &config.limits);
    let trusted = Trusted::read(&config.documents, check).expect("trusted documents");
    let service = Service {
        typing,
        persisted: Persisted::new(&config.documents, trusted, None),
        demo: None,
        avatars: None,
        rates: Rates::new(&config.rates, None),
        sdl: Some(schema.sdl()),
        operations: Toy(Direct(schema)),
        forwarding: config.sign_in.forwarding().expect("proxies"),
        config,
        ready: always_ready(),
        shutdown: shutdown.clone(),
        descriptors: None,
        tls: None,
    };
    let task = tokio::spawn(serve(listener, service));
    Server {
        address,
        shutdown,
        task,
    }
}
