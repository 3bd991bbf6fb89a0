//! A random search: people watch random queries of all domains at all gateways, while several writers make random mutations, and gateways are
//! killed in between. Every answer is what the query answered at its cursor, and in the end every watcher has the answer.

mod answers;
mod checks;
mod model;
mod mutations;
mod selection;
mod watchers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tests::graphql::Client;
use tests::people::Person;
use tests::{Running, Setup, extent, people};

use answers::Viewer;
use checks::Trail;
use model::Model;
use mutations::Chooser;
use watchers::{Query, Watcher};

const WRITERS: usize = 3;
/// The mutations of the first round.
const START: usize = 50;

struct Search {
    app: Running,
    /// The first of them watches nothing.
    people: Vec<Person>,
    rng: Rng,
    trail: Trail,
    watchers: Vec<Watcher>,
}

impl Search {
    /// Returns a client of a person at each gateway.
    fn clients(&self, person: usize) -> Vec<Client> {
        let gateways = self.app.clients();
        let person = &self.people[person];
        gateways.iter().map(|it| person.client(it)).collect()
    }

    /// Opens watchers until there are so many.
    fn watch(&mut self, wanted: usize) {
        while self.watchers.len() < wanted {
            let query = Query::random(&mut self.rng, &self.trail.now);
            let person = self.rng.usize(1..self.people.len());
            let id = self.people[person].id.clone();
            let role = self.trail.now.users[&id]["role"].as_str();
            let role = role.expect("a role").to_owned();
            let viewer = Viewer { id, role };
            let rng = self.rng.fork();
            let watcher = Watcher::start(query, viewer, self.clients(person), rng);
            self.watchers.push(watcher);
        }
    }

    /// Makes mutations, and kills a gateway half-way.
    async fn mutate(&mut self, round: usize, mutations: usize) {
        let model = Arc::new(self.trail.now.clone());
        let made = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..self.people.len())
            .map(|person| self.clients(person))
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let chooser = Chooser {
                    rng: self.rng.fork(),
                    name: format!("w{round}.{number}"),
                    made: 0,
                    bystander: self.people[0].id.clone(),
                };
                let writing = write(
                    chooser,
                    clients.clone(),
                    model.clone(),
                    made.clone(),
                    mutations,
                );
                tokio::spawn(writing)
            })
            .collect();
        while made.load(Ordering::Relaxed) < mutations / 2 {
            assert!(
                !writers.iter().any(|it| it.is_finished()),
                "a writer failed"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let gateways = self.app.gateways.len();
        self.app.gateways[round % gateways].kill_and_restart();
        for writer in writers {
            writer.await.expect("a writer goes on to its end");
        }
    }
}

/// Makes random mutations, as anybody at any gateway, until all writers have made so many.
async fn write(
    mut chooser: Chooser,
    clients: Vec<Vec<Client>>,
    model: Arc<Model>,
    made: Arc<AtomicUsize>,
    mutations: usize,
) {
    while made.load(Ordering::Relaxed) < mutations {
        let Some(mutation) = chooser.next(&model) else {
            continue;
        };
        let of_one = &clients[chooser.rng.usize(..clients.len())];
        let client = &of_one[chooser.rng.usize(..of_one.len())];
        if mutations::send(client, &mutation).await {
            made.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn every_answer_was_so(mut setup: Setup) {
    let seed = std::env::var("LIVE_SEED");
    let seed = seed.map_or_else(|_| fastrand::u64(..), |it| it.parse().expect("a number"));
    println!("LIVE_SEED={seed}");
    setup.settings.set("MILLRACE_MAX_COST_PER_USER", "0");
    setup.settings.set("MILLRACE_MAX_COST_PER_ADDRESS", "0");
    let database = setup.database().await;
    let app = setup.start_many(2, 2, &[]);
    let admin = app.client();
    let mut people = vec![people::register(admin, "Bystander").await];
    people.push(setup.admin().clone());
    for role in ["MEMBER", "MEMBER", "STAFF"] {
        people.push(people::with_role(admin, role).await);
    }
    let mut search = Search {
        app,
        people,
        rng: Rng::with_seed(seed),
        trail: Trail::default(),
        watchers: Vec::new(),
    };
    let (rounds, mutations, watchers) = extent::of((6, 200, 20), (201, 500, 40));
    search.trail.read(&database).await;
    for round in 0..rounds {
        search.watch(watchers);
        // Mutations are about what there was when their round began, and in the first one that is nothing.
        let mutations = if round == 0 { START } else { mutations };
        search.mutate(round, mutations).await;
        search.trail.settle(&database, &search.watchers).await;
        // A part of them make room for others, which ask for what is there now.
        search.watchers.drain(..watchers / 4);
    }
    let counts = search.trail.counts;
    println!("{counts:?} of {} events", search.trail.now.position);
    assert!(
        counts.mixed < counts.answers,
        "some say that they are of one moment"
    );
}

tests::both_ways!(every_answer_was_so);
