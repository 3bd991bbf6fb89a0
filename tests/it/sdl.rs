//! The committed schema is the one that the gateway serves. `UPDATE=1 cargo test -p tests --test it sdl` rewrites it. It is the
//! same both ways and runs embedded.

use tests::Setup;
use tests::programs::repository;

async fn committed_schema_is_current(setup: Setup) {
    let app = setup.start();
    let response = app.client().get("/schema.graphql", &[]).await;
    assert_eq!(response.status, 200);
    let served = response.text();
    let path = repository().join("schema/schema.graphql");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &served).expect("the schema file is written");
    }
    let committed = std::fs::read_to_string(&path).expect("schema/schema.graphql");
    if committed != served {
        let differing = committed
            .lines()
            .zip(served.lines())
            .position(|(one, other)| one != other);
        let line =
            differing.unwrap_or_else(|| committed.lines().count().min(served.lines().count()));
        panic!(
            "schema/schema.graphql is not what the gateway serves, from line {}:\n- {}\n+ {}\nrun it with UPDATE=1",
            line + 1,
            committed.lines().nth(line).unwrap_or_default(),
            served.lines().nth(line).unwrap_or_default(),
        );
    }
}

tests::embedded!(committed_schema_is_current);
