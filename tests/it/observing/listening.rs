//! The admin listener: it has an address of its own, says so when that is taken, and answers nobody who comes by a foreign name but
//! scrapers and probes. How a process listens does not depend on its database.

use tests::admin::Admin;
use tests::recipe::finish;
use tests::{Setup, customers};

async fn a_taken_address_is_told(mut setup: Setup) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    setup.settings.set("MILLRACE_ADMIN_LISTEN", &address);
    let mut serving = setup.command(&["serve"]);
    let output = finish(serving.args(["--listen", "127.0.0.1:0"]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains(&address),
        "{said}"
    );
    setup.settings.set("MILLRACE_ADMIN_LISTEN", "localhost");
    let output = finish(&mut setup.command(&["serve"]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is no address"), "{said}");
}

async fn it_answers_beside_the_clients(mut setup: Setup) {
    setup.settings.set("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0");
    let mut app = setup.start();
    let admin = Admin::of(&mut app.gateways[0].process);
    for (path, status) in [
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/metrics", 200),
        ("/graphql", 404),
        ("/", 404),
    ] {
        assert_eq!(admin.get(path, "").await.status, status, "{path}");
    }
    // The port of clients has no metrics.
    assert_eq!(app.client().get("/metrics", &[]).await.status, 404);
    let open_metrics = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let answer = admin.get("/metrics", open_metrics).await;
    let form = answer.header("content-type").expect("a type");
    assert!(form.starts_with("application/openmetrics-text"), "{form}");
    assert!(answer.text().ends_with("# EOF\n"));
    let answer = admin.get("/metrics", "").await;
    let form = answer.header("content-type").expect("a type");
    assert!(form.starts_with("text/plain; version=0.0.4"), "{form}");
}

async fn names_that_are_made_up_have_one_series(mut setup: Setup) {
    setup.settings.set("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0");
    let mut app = setup.start_many(1, 0, &["--metrics-operations", "3"]);
    let admin = Admin::of(&mut app.gateways[0].process);
    for number in 0..20 {
        let document = format!("query Made{number} {{ __typename }}");
        app.client().run(&document, serde_json::json!({})).await;
    }
    customers::create(app.client(), "Ada", "ada@example.org").await;
    let scrape = admin.scrape().await;
    let requests = |operation: &str| {
        let label = format!("operation=\"{operation}\"");
        scrape.sum("millrace_requests_total", &[&label])
    };
    assert_eq!(["Made0", "Made1", "Made2"].map(requests), [1.0; 3]);
    assert_eq!(requests("Made3"), 0.0);
    assert!(requests("other") >= 17.0, "{scrape:?}");
}

tests::embedded!(
    a_taken_address_is_told,
    it_answers_beside_the_clients,
    names_that_are_made_up_have_one_series
);
