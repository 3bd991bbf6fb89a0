//! A program that follows customers, from `schema.graphql` alone: it signs in, creates a customer, and prints each change that happens
//! from then on, once and in order, however often its line is cut. `consumer ws://127.0.0.1:8080/graphql` takes EMAIL and PASSWORD from
//! its environment, and the name of the new customer in NAME.

mod socket;

use std::{collections::HashMap, env, fmt, process::ExitCode, time::Duration};

use futures::StreamExt;
use graphql_client::{GraphQLQuery, Response};
use graphql_ws_client::{Client, Error, Subscription, graphql::StreamingOperation};
use socket::Socket;
use tokio::time::{sleep, timeout};

/// How long a gateway may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the scalar of the schema is read. A type of chrono, time or jiff that serde knows would do as well.
type DateTime = String;

macro_rules! operations {
    ($($name:ident),+) => {$(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "../../schema/schema.graphql",
            query_path = "src/operations.graphql",
            response_derives = "Debug"
        )]
        struct $name;
    )+};
}
operations!(SignIn, CreateCustomer, CustomerChanges);

/// Why an operation ended.
enum End {
    /// The line was cut, or could not be made: to be tried again.
    Cut,
    /// It was too much at once: to be tried again after this time.
    Limited(Duration),
    /// The token is not valid, or no longer: to sign in again.
    Unauthenticated,
    /// What a repetition would not change.
    Failed(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("the gateway cannot be reached"),
            Self::Limited(wait) => write!(f, "it was too much, for {} s", wait.as_secs()),
            Self::Unauthenticated => f.write_str("the gateway knows no such user"),
            Self::Failed(text) => f.write_str(text),
        }
    }
}

struct Gateway {
    url: String,
    token: Option<String>,
}

impl Gateway {
    /// Begins an operation on a socket of its own.
    async fn begin<Q: GraphQLQuery + Send + Unpin + 'static>(
        &self,
        variables: Q::Variables,
    ) -> Result<Subscription<StreamingOperation<Q>>, End>
    where
        Q::Variables: Send + Unpin,
        Q::ResponseData: Send + 'static,
    {
        let opening = timeout(PATIENCE, Socket::open(&self.url)).await;
        let socket = opening.map_err(|_| End::Cut)?.map_err(|_| End::Cut)?;
        let token = self.token.iter();
        let identity = token.map(|token| ("authorization", format!("Bearer {token}")));
        let client = Client::build(socket)
            .payload(identity.collect::<HashMap<_, _>>())
            .map_err(end)?
            // A gateway that has gone silent is not waited for.
            .keep_alive_interval(PATIENCE);
        client
            .subscribe(StreamingOperation::new(variables))
            .await
            .map_err(end)
    }

    /// Executes a mutation, or a query. Returns its data, and the cursor to subscribe from.
    async fn ask<Q: GraphQLQuery + Send + Unpin + 'static>(
        &self,
        variables: Q::Variables,
    ) -> Result<(Q::ResponseData, String), End>
    where
        Q::Variables: Send + Unpin,
        Q::ResponseData: Send + 'static,
    {
        let mut answers = self.begin::<Q>(variables).await?;
        let answer = answers.next().await.ok_or(End::Cut)?;
        read(answer.map_err(end)?)
    }

    /// Returns the cursor of the answer.
    async fn sign_in(&mut self) -> Result<String, End> {
        let variable = |name| env::var(name).map_err(|_| End::Failed(format!("{name} is not set")));
        let variables = sign_in::Variables {
            email: variable("EMAIL")?,
            password: variable("PASSWORD")?,
        };
        self.token = None;
        let (data, cursor) = self.ask::<SignIn>(variables).await?;
        self.token = data.sign_in.map(|it| it.session.access_token);
        Ok(cursor)
    }

    /// Prints what happens after the cursor, and moves it on.
    async fn follow(&self, after: &mut String) -> End {
        let variables = customer_changes::Variables {
            after: Some(after.clone()),
        };
        let mut changes = match self.begin::<CustomerChanges>(variables).await {
            Ok(changes) => changes,
            Err(end) => return end,
        };
        while let Some(change) = changes.next().await {
            match change.map_err(end).and_then(read) {
                Ok((data, cursor)) => {
                    let change = data.customer_changed;
                    println!(
                        "{:?} {}, {:?}, version {} at {}",
                        change.type_,
                        change.customer.name,
                        change.customer.status,
                        change.version,
                        change.occurred_at
                    );
                    *after = cursor;
                }
                Err(end) => return end,
            }
        }
        End::Cut
    }
}

/// Returns the data and the cursor of an answer.
fn read<T>(answer: Response<T>) -> Result<(T, String), End> {
    if let Some(error) = answer.errors.iter().flatten().next() {
        let extension = |name| error.extensions.as_ref().and_then(|it| it.get(name));
        return Err(match extension("code").and_then(|code| code.as_str()) {
            Some("UNAUTHENTICATED") => End::Unauthenticated,
            Some("UNAVAILABLE" | "TIMEOUT") => End::Cut,
            Some("RATE_LIMITED") => {
                let seconds = extension("retryAfterSeconds").and_then(|it| it.as_u64());
                End::Limited(Duration::from_secs(seconds.unwrap_or(1)))
            }
            _ => End::Failed(error.message.clone()),
        });
    }
    let cursor = answer.extensions.as_ref().and_then(|it| it.get("cursor"));
    let cursor = cursor.and_then(|cursor| cursor.as_str()).map(str::to_owned);
    let found = answer.data.zip(cursor);
    found.ok_or_else(|| End::Failed("an answer without data".to_owned()))
}

fn end(error: Error) -> End {
    match error {
        Error::Close(4403, _) => End::Unauthenticated,
        Error::Decode(error) => End::Failed(error),
        _ => End::Cut,
    }
}

async fn run(mut gateway: Gateway, name: String) -> Result<(), End> {
    // Everything that happens after an answer is shown by a subscription from its cursor, the new customer too.
    let mut after = gateway.sign_in().await?;
    let variables = create_customer::Variables {
        email: format!("{}@example.com", name.to_lowercase()),
        name,
    };
    let (created, _) = gateway.ask::<CreateCustomer>(variables).await?;
    let created = created.create_customer.map(|it| it.customer.id);
    println!("created {}", created.unwrap_or_default());
    loop {
        let end = match gateway.follow(&mut after).await {
            // Access tokens live for 15 minutes.
            End::Unauthenticated => gateway.sign_in().await.err(),
            end => Some(end),
        };
        match end {
            None => {}
            Some(End::Cut) => {
                println!("reconnecting after {after}");
                sleep(Duration::from_millis(300)).await;
            }
            Some(End::Limited(wait)) => {
                println!("waiting for {} s", wait.as_secs());
                sleep(wait).await;
            }
            Some(end) => return Err(end),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let url = env::args().nth(1);
    let gateway = Gateway {
        url: url.unwrap_or_else(|| "ws://127.0.0.1:8080/graphql".to_owned()),
        token: None,
    };
    let name = env::var("NAME").unwrap_or_else(|_| "Ada".to_owned());
    if let Err(end) = run(gateway, name).await {
        eprintln!("{end}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
