//! Identical queries of one user that are under way at once are executed once, and nobody is shown less than what they may know. A gate
//! before the table of customers holds executions up, on Postgres: locks do not, for a statement waits for one for seconds only, and SQLite
//! has neither.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};
use tests::admin::Admin;
use tests::database::{log_size, number};
use tests::graphql::{Answer, Client};
use tests::people::{self, ADMIN_EMAIL, ADMIN_PASSWORD};
use tests::postgres::Postgres;
use tests::setup::Running;
use tests::statements::StatementLog;
use tests::waiting::SOON;
use tests::{Setup, customers, eventually};
use tokio::task::JoinHandle;

/// What is asked of the table; the test's own look at who is held up has less of it.
const READS: &[&str] = &["FROM \"customer\" WHERE"];
const PAGE: &str =
    "query Page($first: Int) { customers(first: $first) { nodes { id name version } } }";
const BOTH: &str = "{ me { name } customers(first: 1) { nodes { id } } }";
const WAITING: &str = "millrace_queries_waiting";
const SHARED: &str = "millrace_queries_shared_total";
const MANY: usize = 20;

/// Whoever reads a customer waits while the gate has a row.
const GATE: &str = "create table gate (shut boolean);
    create function passes() returns boolean language plpgsql volatile as $$
    begin
        while exists (select from gate) loop
            perform pg_sleep(0.02);
        end loop;
        return true;
    end $$;
    alter table customer rename to customer_behind;
    create view customer as select it.* from customer_behind it where passes()";
const HELD: &str = "select count(*) as number from pg_stat_activity where state = 'active' \
    and datname = current_database() and query like '%FROM \"customer\"%' and pid <> pg_backend_pid()";

/// A gateway, and what disturbs it.
struct Scene {
    app: Running,
    admin: Admin,
    database: DatabaseConnection,
}

impl Scene {
    async fn begin(setup: &mut Setup, gateways: usize) -> Self {
        setup.settings.set("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0");
        let mut app = setup.start_many(gateways, 0, &[]);
        for number in 0..3 {
            customers::create(app.client(), "Ada", &format!("{number}@example.com")).await;
        }
        let admin = Admin::of(&mut app.gateways[0].process);
        let database = setup.database().await;
        let made = database.execute_unprepared(GATE).await;
        made.expect("a gate");
        Self {
            app,
            admin,
            database,
        }
    }

    /// Waits until the gateways have seen all events: with each, queries begin anew.
    async fn settle(&self) {
        let (events, _) = log_size(&self.database).await;
        for client in self.app.clients() {
            client.head_after("00000000-0", events).await;
        }
    }

    /// Holds up everybody who reads customers.
    async fn hold(&self) {
        let shut = self
            .database
            .execute_unprepared("insert into gate values (true)");
        shut.await.expect("it is shut");
    }

    async fn release(&self) {
        let opened = self.database.execute_unprepared("delete from gate");
        opened.await.expect("it is open");
    }

    /// Waits until so many executions are held up.
    async fn await_held(&self, count: u64) {
        eventually("executions are held up", SOON, async || {
            (number(&self.database, HELD).await == count).then_some(())
        })
        .await;
    }

    async fn figure(&self, name: &str) -> f64 {
        self.admin.scrape().await.sum(name, &[])
    }

    /// Waits until so many queries wait for another one.
    async fn await_waiting(&self, count: usize) {
        eventually("queries wait", SOON, async || {
            (self.figure(WAITING).await == count as f64).then_some(())
        })
        .await;
    }
}

fn ask(client: &Client, document: &'static str, variables: Value) -> JoinHandle<Answer> {
    let client = client.clone();
    tokio::spawn(async move { client.run(document, variables).await })
}

fn page(client: &Client, first: usize) -> JoinHandle<Answer> {
    ask(client, PAGE, json!({ "first": first }))
}

fn nodes(answer: &Answer) -> &Value {
    &answer.data()["customers"]["nodes"]
}

async fn rename(client: &Client, name: &str) {
    let document =
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { name } } }";
    let input = json!({ "input": { "name": name } });
    client.run(document, input).await.data();
}

async fn many_are_executed_once(postgres: Postgres, mut setup: Setup) {
    let log = StatementLog::begin(&postgres, &setup);
    let scene = Scene::begin(&mut setup, 1).await;
    let client = scene.app.client();
    let staff = people::with_role(client, "STAFF").await.client(client);
    let session = people::sign_in(client, ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let session = session.client(client);
    scene.settle().await;
    let one = log.of(READS, async {
        client.run(PAGE, json!({ "first": 2 })).await.data();
    });
    let one = one.await.len();
    assert!(one > 0);
    let shared = scene.figure(SHARED).await;
    let statements = log.of(READS, async {
        scene.hold().await;
        let many: Vec<_> = (0..MANY).map(|_| page(client, 2)).collect();
        // Other variables, another user, and another session of the same one.
        let others = [page(client, 3), page(&staff, 2), page(&session, 2)];
        scene.await_waiting(MANY - 1).await;
        scene.await_held(4).await;
        scene.release().await;
        let mut answers = Vec::new();
        for asked in many {
            answers.push(asked.await.expect("an answer"));
        }
        for answer in &answers {
            assert_eq!(nodes(answer).as_array().map(Vec::len), Some(2));
            assert_eq!(answer.body, answers[0].body);
            assert_eq!(answer.cursor(), answers[0].cursor());
        }
        let id_of = |answer: &Answer| answer.http.header("x-request-id").map(str::to_owned);
        assert_ne!(id_of(&answers[0]), id_of(&answers[1]));
        for (asked, expected) in others.into_iter().zip([3, 2, 2]) {
            let answer = asked.await.expect("an answer");
            assert_eq!(nodes(&answer).as_array().map(Vec::len), Some(expected));
        }
    });
    let statements = statements.await;
    assert_eq!(statements.len(), 4 * one, "{statements:#?}");
    let of_page = ["operation=\"Page\"", "outcome=\"success\""];
    let scrape = scene.admin.scrape().await;
    let counted = scrape.sum("millrace_requests_total", &of_page);
    assert_eq!(counted, (MANY + 4) as f64, "each request is counted");
    assert_eq!(scrape.sum(SHARED, &[]) - shared, (MANY - 1) as f64);
}

/// An older identical query is under way, which did not see what has been answered since: here, and on another gateway.
async fn after_a_mutation_a_query_begins_anew(mut setup: Setup) {
    let scene = Scene::begin(&mut setup, 2).await;
    let clients = scene.app.clients();
    let (here, elsewhere) = (&clients[0], &clients[1]);
    here.run(BOTH, json!({})).await.data();
    scene.settle().await;
    scene.hold().await;
    let before = ask(here, BOTH, json!({}));
    scene.await_held(1).await;
    rename(here, "Here").await;
    let after = ask(here, BOTH, json!({}));
    scene.await_held(2).await;
    rename(elsewhere, "Elsewhere").await;
    let last = ask(here, BOTH, json!({}));
    scene.await_held(3).await;
    scene.release().await;
    before.await.expect("an answer").data();
    let name = |answer: &Answer| answer.data()["me"]["name"].clone();
    let after = name(&after.await.expect("an answer"));
    assert!(after == "Here" || after == "Elsewhere", "{after}");
    assert_eq!(name(&last.await.expect("an answer")), "Elsewhere");
}

/// The client whose query is executed leaves. The others go on, as one.
async fn who_leaves_stops_nobody(mut setup: Setup) {
    let scene = Scene::begin(&mut setup, 1).await;
    let client = scene.app.client();
    client.run(PAGE, json!({ "first": 2 })).await.data();
    scene.settle().await;
    scene.hold().await;
    let first = page(client, 2);
    scene.await_held(1).await;
    let others: Vec<_> = (0..3).map(|_| page(client, 2)).collect();
    scene.await_waiting(3).await;
    first.abort();
    scene.await_waiting(2).await;
    scene.release().await;
    for asked in others {
        let answer = asked.await.expect("an answer");
        assert_eq!(nodes(&answer).as_array().map(Vec::len), Some(2));
    }
}

/// Whoever writes sees it in the next query, on any gateway, while others of the same session ask the same all the time.
async fn writers_see_what_they_wrote(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let id = customers::create(app.client(), "Ada", "ada@example.com").await["id"].clone();
    let mut reading = tokio::task::JoinSet::new();
    for number in 0..8 {
        let client = clients[number % clients.len()].clone();
        reading.spawn(async move {
            loop {
                client.run(PAGE, json!({ "first": 5 })).await.data();
            }
        });
    }
    for round in 0..40 {
        let writer = &clients[round % clients.len()];
        let reader = &clients[(round / 2) % clients.len()];
        let name = format!("Ada {round}");
        customers::apply(writer, "update", json!({ "id": id, "name": name })).await;
        let answer = reader.run(PAGE, json!({ "first": 5 })).await;
        assert_eq!(nodes(&answer)[0]["name"], name, "in round {round}");
    }
    reading.shutdown().await;
}

tests::on_own_postgres!(many_are_executed_once);

tests::distributed!(
    after_a_mutation_a_query_begins_anew,
    who_leaves_stops_nobody
);
tests::both_ways!(writers_see_what_they_wrote);
