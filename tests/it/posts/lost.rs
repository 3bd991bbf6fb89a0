//! A post whose last event the database has lost, as after a failover: who remembers its fold does not continue it.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::{Setup, eventually, ids, waiting::SOON};

use super::api::{comment, create, find, find_at, person};

async fn history(client: &tests::graphql::Client, id: &Value) -> Vec<(i64, String)> {
    let document = "query History($id: ID!) { post(id: $id) { history(first: 100) { nodes { version type } } } }";
    let answer = client.run(document, json!({ "id": id })).await;
    let nodes = answer.data()["post"]["history"]["nodes"]
        .as_array()
        .cloned();
    let event = |node: &Value| {
        let version = node["version"].as_i64().expect("a version");
        (version, node["type"].as_str().expect("a type").to_owned())
    };
    nodes.expect("a history").iter().map(event).collect()
}

async fn a_lost_event_is_not_continued(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (ada, here) = person(app.client(), "Ada").await;
    let post = create(&here, "The wheel turns.").await;
    comment(&here, &post, "kept").await;
    comment(&here, &post, "lost").await;
    // By then it has its position, too.
    eventually("the read model has it", SOON, async || {
        (find(&here, &post["id"]).await["version"] == 3).then_some(())
    })
    .await;
    let digits = post["id"].as_str().and_then(ids::uuid_digits);
    let digits = digits.expect("an id");
    let database = setup.database().await;
    let statements = match setup.is_distributed() {
        true => vec![
            format!(
                "delete from event_position p using event e where p.inserted = e.inserted and e.version = 3 \
                 and e.stream_id = '{digits}'"
            ),
            format!("delete from event where version = 3 and stream_id = '{digits}'"),
        ],
        false => vec![format!(
            "delete from event where version = 3 and stream_id = x'{digits}'"
        )],
    };
    for statement in statements {
        let deleted = database.execute_unprepared(&statement).await;
        assert_eq!(deleted.expect("a deletion").rows_affected(), 1);
    }
    comment(&here, &post, "written since").await;
    for gateway in &app.gateways {
        let client = ada.client(&gateway.client);
        let versions: Vec<_> = history(&client, &post["id"]).await;
        let wanted = [
            (1, "PostCreated"),
            (2, "PostCommentAdded"),
            (3, "PostCommentAdded"),
        ];
        assert_eq!(
            versions,
            wanted.map(|(version, kind)| (version, kind.to_owned()))
        );
        let folded = find_at(&client, &post["id"], 3).await;
        assert_eq!(folded["commentCount"], 2, "{folded}");
    }
}

tests::both_ways!(a_lost_event_is_not_continued);
