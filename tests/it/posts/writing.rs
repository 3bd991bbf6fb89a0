//! The life of a post: each mutation answers with the new state at once, the read model follows, and what was deleted is
//! gone.

use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::{Value, json};
use tests::Setup;

use super::api::{
    apply, becomes, comment, create, find, find_at, like, person, send, send_with_key, vanishes,
};

async fn a_life(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (ada, by_ada) = person(app.client(), "Ada").await;
    let (bob, by_bob) = person(app.client(), "Bob").await;
    let post = create(&by_ada, "Hello\n\tworld").await;
    let id = post["id"].clone();
    assert!(id.as_str().is_some_and(|id| id.starts_with("post_")));
    assert_eq!(post["message"], "Hello\n\tworld");
    assert_eq!(post["author"], json!({ "id": ada.id, "name": "Ada" }));
    assert_eq!(
        (&post["version"], &post["likeCount"]),
        (&json!(1), &json!(0))
    );
    becomes(&by_ada, &post).await;

    let edit = json!({ "id": id, "message": "Hello again", "expectedVersion": 1 });
    let edited = apply(&by_ada, "updatePost", edit).await["post"].clone();
    assert_eq!(
        (&edited["message"], &edited["version"]),
        (&json!("Hello again"), &json!(2))
    );

    let liked = like(&by_bob, &post).await;
    assert_eq!(
        (&liked["likeCount"], &liked["likedByMe"]),
        (&json!(1), &json!(true))
    );
    let again = like(&by_bob, &post).await;
    assert_eq!(
        again["version"], 3,
        "one like a user, and no event for the second"
    );
    becomes(&by_bob, &liked).await;
    assert_eq!(
        find(&by_ada, &id).await["likedByMe"],
        false,
        "it is another's like"
    );

    let first = comment(&by_bob, &post, "First!").await;
    let second = comment(&by_ada, &post, "Second").await;
    assert_eq!(
        (&first["number"], &second["number"]),
        (&json!(1), &json!(2))
    );
    let input = json!({ "id": first["id"], "text": "The first" });
    let payload = apply(&by_bob, "updateComment", input.clone()).await;
    assert_eq!(payload["comment"]["text"], "The first");
    assert!(payload["comment"]["editedAt"].is_string());
    let unchanged = apply(&by_bob, "updateComment", input).await;
    assert_eq!(unchanged["comment"], payload["comment"]);
    assert_eq!(unchanged["post"]["version"], payload["post"]["version"]);
    let input = json!({ "id": second["id"] });
    let removed = apply(&by_ada, "deleteComment", input.clone()).await;
    assert_eq!(removed["comment"]["text"], Value::Null);
    assert!(removed["comment"]["deletedAt"].is_string());
    assert_eq!(removed["post"]["commentCount"], 1);
    send(&by_ada, "deleteComment", input)
        .await
        .expect_code("NOT_FOUND");

    let unliked = apply(&by_bob, "unlikePost", json!({ "id": id })).await["post"].clone();
    assert_eq!(
        (&unliked["likeCount"], &unliked["likedByMe"]),
        (&json!(0), &json!(false))
    );
    becomes(&by_bob, &unliked).await;
    for gateway in &app.gateways {
        let there = bob.client(&gateway.client);
        assert_eq!(find(&there, &id).await, unliked, "on every gateway");
    }

    let version = unliked["version"].as_i64().expect("a version");
    let gone = apply(&by_ada, "deletePost", json!({ "id": id })).await;
    let gone = &gone["post"];
    assert_eq!(
        (&gone["id"], &gone["message"], &gone["version"]),
        (&id, &unliked["message"], &json!(version + 1)),
        "what it was, and its last version"
    );
    assert_eq!(gone["deletedAt"], gone["updatedAt"]);
    assert!(gone["deletedAt"].is_string());
    vanishes(&by_ada, &id).await;
    assert_eq!(
        find_at(&by_ada, &id, 1).await,
        Value::Null,
        "nor what it was"
    );
    for (field, input) in [
        ("likePost", json!({ "id": id })),
        ("deletePost", json!({ "id": id })),
        ("addComment", json!({ "postId": id, "text": "Too late" })),
    ] {
        send(&by_ada, field, input).await.expect_code("NOT_FOUND");
    }
}

/// The log knows the post of a comment by itself: without workers there is no read model to ask.
async fn comments_are_changed_by_their_ids_alone(setup: Setup) {
    let app = setup.start_many(2, 0, &[]);
    let (ada, by_ada) = person(app.client(), "Ada").await;
    let post = create(&by_ada, "Hello").await;
    let first = comment(&by_ada, &post, "First").await;
    let there = ada.client(&app.gateways[1].client);
    let edit = json!({ "id": first["id"], "text": "The first" });
    let edited = apply(&there, "updateComment", edit.clone()).await;
    assert_eq!(edited["comment"]["text"], "The first");
    assert_eq!(edited["post"]["id"], post["id"]);
    let delete = json!({ "id": first["id"] });
    let (one, other) = futures::join!(
        send(&there, "deleteComment", delete.clone()),
        send(&by_ada, "deleteComment", delete),
    );
    let codes = [one.code(), other.code()];
    assert!(
        codes.contains(&None) && codes.contains(&Some("NOT_FOUND")),
        "{codes:?}"
    );
    send(&by_ada, "updateComment", edit)
        .await
        .expect_code("NOT_FOUND");
    for wrong in [&post["id"], &json!("comment_1"), &json!("")] {
        send(&by_ada, "deleteComment", json!({ "id": wrong }))
            .await
            .expect_code("VALIDATION");
    }
}

async fn the_log_finds_a_comment_by_an_index(setup: Setup) {
    let _app = setup.start();
    let database = setup.database().await;
    let condition = "type = 'PostCommentAdded' and data ->> 'commentId' = 'x'";
    let database = database.begin().await.expect("a transaction");
    let backend = database.get_database_backend();
    let (explain, column) = match backend {
        DbBackend::Postgres => {
            // The log is nearly empty, where reading all of it is as cheap.
            let set = database.execute_unprepared("set local enable_seqscan = off");
            set.await.expect("a setting");
            ("explain", "QUERY PLAN")
        }
        _ => ("explain query plan", "detail"),
    };
    let sql = format!("{explain} select stream_id from event where {condition}");
    let rows = database.query_all_raw(Statement::from_string(backend, sql));
    let rows = rows.await.expect("a plan");
    let plan: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", column).expect("a line"))
        .collect();
    assert!(plan.concat().contains("event_comment"), "{plan:?}");
}

async fn repeats_get_the_first_answer(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (person, ada) = person(app.client(), "Ada").await;
    let input = json!({ "message": "Once" });
    let first = send_with_key(&ada, "createPost", input.clone(), Some("key-1")).await;
    let post = first.data()["createPost"]["post"].clone();
    like(&ada, &post).await;
    let input_of_comment = json!({ "postId": post["id"], "text": "Only once" });
    let comment = send_with_key(&ada, "addComment", input_of_comment.clone(), Some("key-2")).await;
    for gateway in &app.gateways {
        let there = person.client(&gateway.client);
        let again = send_with_key(&there, "createPost", input.clone(), Some("key-1")).await;
        assert_eq!(again.data(), first.data(), "as it was then, not as it is");
        let again = send_with_key(
            &there,
            "addComment",
            input_of_comment.clone(),
            Some("key-2"),
        )
        .await;
        assert_eq!(again.data(), comment.data());
    }
    let other = json!({ "message": "Twice" });
    send_with_key(&ada, "createPost", other, Some("key-1"))
        .await
        .expect_code("IDEMPOTENCY_KEY_REUSED");
}

async fn many_like_it_at_once(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (_, ada) = person(app.client(), "Ada").await;
    let post = create(&ada, "Like me").await;
    let fans = futures::future::join_all((0..12).map(|_| person(app.client(), "Fan"))).await;
    let likes = fans.iter().enumerate().map(|(number, (fan, _))| {
        let gateway = &app.gateways[number % app.gateways.len()];
        let there = fan.client(&gateway.client);
        let post = &post;
        async move {
            // Twice at once each: a like counts once, whatever the order.
            tokio::join!(
                like(&there, post),
                like(&there, post),
                comment(&there, post, "Me too")
            );
        }
    });
    futures::future::join_all(likes).await;
    let now = like(&ada, &post).await;
    assert_eq!(
        (&now["likeCount"], &now["commentCount"]),
        (&json!(13), &json!(12))
    );
    assert_eq!(
        now["version"],
        1 + 13 + 12,
        "no event for what changed nothing"
    );
    becomes(&ada, &now).await;
}

tests::both_ways!(
    a_life,
    the_log_finds_a_comment_by_an_index,
    repeats_get_the_first_answer,
    many_like_it_at_once,
);
tests::distributed!(comments_are_changed_by_their_ids_alone);
