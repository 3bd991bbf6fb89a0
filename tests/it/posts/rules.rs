//! Who may do what with whose posts, and what bad input gets: a typed error, and no event.

use serde_json::{Value, json};
use tests::Setup;
use tests::people;

use super::api::{apply, comment, create, find_at, person, send};

const UNKNOWN: &str = "post_01h455vb4pex5vsknk084sn02q";
const UNKNOWN_COMMENT: &str = "comment_01h455vb4pex5vsknk084sn02q";

async fn only_ones_own_is_changed(setup: Setup) {
    let app = setup.start();
    let admin = app.client();
    let (_, ada) = person(admin, "Ada").await;
    let (_, bob) = person(admin, "Bob").await;
    let staff = people::with_role(admin, "STAFF").await.client(admin);
    let post = create(&ada, "Mine").await;
    let of_ada = comment(&ada, &post, "My comment").await;
    let comment_input = |text: bool| {
        let mut input = json!({ "id": of_ada["id"] });
        if text {
            input["text"] = json!("Another's words");
        }
        input
    };
    let edit = json!({ "id": post["id"], "message": "Another's words" });
    for other in [&bob, &staff, admin] {
        send(other, "updatePost", edit.clone())
            .await
            .expect_code("FORBIDDEN");
        send(other, "updateComment", comment_input(true))
            .await
            .expect_code("FORBIDDEN");
    }
    send(&bob, "deleteComment", comment_input(false))
        .await
        .expect_code("FORBIDDEN");
    send(&bob, "deletePost", json!({ "id": post["id"] }))
        .await
        .expect_code("FORBIDDEN");
    assert_eq!(
        find_at(&ada, &post["id"], 3).await,
        Value::Null,
        "nothing happened"
    );
    apply(&staff, "deleteComment", comment_input(false)).await;
    let was = find_at(&ada, &post["id"], 2).await;
    assert_eq!(was["comments"]["nodes"][0]["text"], Value::Null, "withheld");
    let was = find_at(&staff, &post["id"], 2).await;
    assert_eq!(was["comments"]["nodes"][0]["text"], "My comment");
    apply(&staff, "deletePost", json!({ "id": post["id"] })).await;
    assert_eq!(find_at(&ada, &post["id"], 2).await, Value::Null);
    assert_eq!(find_at(&staff, &post["id"], 2).await["message"], "Mine");
}

async fn bad_input_changes_nothing(setup: Setup) {
    let app = setup.start();
    let (_, ada) = person(app.client(), "Ada").await;
    let post = create(&ada, "Good").await;
    let id = &post["id"];
    let long = |chars: usize| "é".repeat(chars);
    for (field, input, wrong) in [
        ("createPost", json!({ "message": " \n" }), "message"),
        ("createPost", json!({ "message": long(10_001) }), "message"),
        ("createPost", json!({ "message": "bell \u{7}" }), "message"),
        ("updatePost", json!({ "id": id, "message": "" }), "message"),
        (
            "addComment",
            json!({ "postId": id, "text": long(2_001) }),
            "text",
        ),
        (
            "addComment",
            json!({ "postId": "customer_1", "text": "x" }),
            "postId",
        ),
        ("likePost", json!({ "id": "nonsense" }), "id"),
    ] {
        let answer = send(&ada, field, input).await;
        let extensions = answer.expect_code("VALIDATION");
        assert_eq!(extensions["violations"][0]["field"], wrong, "{field}");
    }
    send(&ada, "likePost", json!({ "id": UNKNOWN }))
        .await
        .expect_code("NOT_FOUND");
    let edit = json!({ "id": UNKNOWN_COMMENT, "text": "x" });
    send(&ada, "updateComment", edit)
        .await
        .expect_code("NOT_FOUND");
    let edit = json!({ "id": id, "message": "Better", "expectedVersion": 2 });
    let conflict = send(&ada, "updatePost", edit).await;
    assert_eq!(conflict.expect_code("CONFLICT")["currentVersion"], 1);
    let delete = json!({ "id": id, "expectedVersion": 7 });
    send(&ada, "deletePost", delete)
        .await
        .expect_code("CONFLICT");
    assert_eq!(find_at(&ada, id, 2).await, Value::Null, "nothing happened");
    let at = "query($id: ID!) { post(id: $id, asOfVersion: 0) { id } }";
    ada.run(at, json!({ "id": id }))
        .await
        .expect_code("VALIDATION");
    // The limits themselves are good.
    let longest = apply(&ada, "createPost", json!({ "message": long(10_000) })).await;
    let text = json!({ "postId": longest["post"]["id"], "text": long(2_000) });
    apply(&ada, "addComment", text).await;
}

tests::both_ways!(only_ones_own_is_changed, bad_input_changes_nothing);
