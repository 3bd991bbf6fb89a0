//! Traces that clients ask for: where the results come over a connection of their own, and where the sampler does not heed clients.

use serde_json::json;
use tests::Setup;
use tests::collector::Collector;
use tests::http::request;

use super::{PARENT, TRACE, await_spans, named, parent, traced, upwards};

/// In the single connection mode the request that starts an operation is over when that begins.
async fn a_streamed_operation_is_in_the_trace_of_its_client(mut setup: Setup) {
    let collector = Collector::start().await;
    traced(&mut setup, &collector.url());
    let app = setup.start();
    let client = app.client();
    let reserving = request("PUT", "/graphql", &[("accept", "text/plain")]);
    let reserved = client.send(&client.signed(&reserving)).await;
    let token = reserved.expect("an answer").text();
    let body = json!({ "query": "{ me { id } }", "extensions": { "operationId": "1" } });
    let context = parent("01");
    let headers = [
        ("x-graphql-event-stream-token", &*token),
        ("traceparent", &*context),
    ];
    let started = client.post(&body, &headers).await.expect("an answer");
    assert_eq!(started.status, 202);
    let names = ["POST /graphql", "graphql request", "query"];
    let spans = await_spans(&collector, TRACE, &names).await;
    let query = named(&spans, "query")[0];
    assert_eq!(upwards(&spans, query), ["query", "graphql request"]);
    let streamed = named(&spans, "graphql request")[0];
    assert_eq!((&*streamed.parent, streamed.kind), (PARENT, 2));
    // The HTTP request that has started it.
    assert_eq!(streamed.links, [TRACE]);
}

/// Whoever knows an id that is sampled could else have all requests recorded.
async fn a_sampler_by_ratio_alone_begins_traces_of_its_own(mut setup: Setup) {
    let collector = Collector::start().await;
    traced(&mut setup, &collector.url());
    setup.settings.set("OTEL_TRACES_SAMPLER", "traceidratio");
    let app = setup.start();
    // The client asks for nothing, and all are sampled.
    let context = parent("00");
    let headers = [("traceparent", &*context)];
    let asked = json!({
        "query": "{ me { id } }",
        "extensions": { "traceparent": context, "trace": true },
    });
    let answer = app.client().post(&asked, &headers).await;
    let answer = answer.expect("an answer");
    let own = answer.body["extensions"]["traceId"].as_str();
    let own = own.expect("an id").to_owned();
    assert_ne!(own, TRACE);
    let spans = await_spans(&collector, &own, &["POST /graphql", "query"]).await;
    let first = named(&spans, "POST /graphql")[0];
    assert!(first.parent.is_empty());
    assert_eq!(first.links, [TRACE]);
    assert_eq!(named(&spans, "graphql request").len(), 0);
    assert!(collector.trace(TRACE).is_empty());
}

tests::embedded!(
    a_streamed_operation_is_in_the_trace_of_its_client,
    a_sampler_by_ratio_alone_begins_traces_of_its_own,
);
