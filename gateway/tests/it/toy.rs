//! A toy schema and a server for it on a free port. Also shows how little is needed to serve a schema.

use std::net::SocketAddr;
use std::time::Duration;

use async_graphql::{Error, ErrorExtensions, Object, Schema, Subscription};
use futures::stream::{self, Stream, StreamExt};
use gateway::config::Config;
use gateway::health::always_ready;
use gateway::operation::{Direct, Forbidden, Operations};
use gateway::server::{Service, serve};
use gateway::shutdown::Shutdown;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self, name: Option<String>) -> String {
        format!("hello {}", name.unwrap_or_else(|| "world".into()))
    }

    async fn slow(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
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

    /// Never says anything.
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

    /// `size` letters, as fast as they are taken.
    async fn flood(&self, size: usize) -> impl Stream<Item = String> + use<> {
        stream::repeat("x".repeat(size))
    }

    async fn failing(&self) -> Result<futures::stream::Pending<i32>, Error> {
        Err(Error::new("no").extend_with(|_, e| e.set("code", "CURSOR_INVALID")))
    }
}

/// The toy operations; sockets whose `connection_init` says `{"deny":true}` are refused.
#[derive(Clone)]
pub(crate) struct Toy(Direct<Schema<Query, Mutation, Subscriptions>>);

impl Operations for Toy {
    type Stream = <Direct<Schema<Query, Mutation, Subscriptions>> as Operations>::Stream;

    async fn execute(&self, request: async_graphql::Request) -> async_graphql::Response {
        let mut response = self.0.execute(request).await;
        response
            .extensions
            .insert("cursor".into(), "epoch-1".into());
        response
    }

    async fn subscribe(
        &self,
        request: async_graphql::Request,
    ) -> Result<Self::Stream, Vec<async_graphql::ServerError>> {
        self.0.subscribe(request).await.map(|stream| stream.boxed())
    }

    async fn admit(
        &self,
        payload: Option<Map<String, Value>>,
    ) -> Result<Option<Map<String, Value>>, Forbidden> {
        let denied = payload
            .as_ref()
            .is_some_and(|payload| payload.contains_key("deny"));
        if denied { Err(Forbidden) } else { Ok(None) }
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
}

/// The defaults, on a free port.
pub(crate) fn config() -> Config {
    let mut config = Config::defaults();
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
    let service = Service {
        sdl: schema.sdl(),
        operations: Toy(Direct(schema)),
        config,
        ready: always_ready(),
        shutdown: shutdown.clone(),
    };
    let task = tokio::spawn(serve(listener, service));
    Server {
        address,
        shutdown,
        task,
    }
}
