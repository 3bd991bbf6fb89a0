//! Who has signed out everywhere is not here any more, and who says things too often is not passed on.

use serde_json::json;
use tests::{Setup, chats, eventually, people, waiting::SOON};

async fn who_signed_out_everywhere_is_gone(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "100ms");
    let app = setup.start();
    let admin = app.client();
    let ada = people::register(admin, "Ada").await;
    let here = ada.client(admin);
    let elsewhere = people::sign_in(admin, &ada.email, &ada.password)
        .await
        .client(admin);
    let mut sockets = [here.socket().await, elsewhere.socket().await];
    let availability = async || {
        let document = "query($id: ID!) { user(id: $id) { availability } }";
        let found = admin.run(document, json!({ "id": ada.id })).await;
        found.body.to_string()
    };
    eventually("she is here", SOON, async || {
        availability().await.contains("ONLINE").then_some(())
    })
    .await;
    assert_eq!(people::sign_out(&elsewhere, true).await, 2);
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, 4403);
    }
    eventually("she is gone", SOON, async || {
        availability().await.contains("OFFLINE").then_some(())
    })
    .await;
}

async fn typing_has_a_limit(setup: Setup) {
    let app = setup.start();
    let ada = people::register(app.client(), "Ada").await;
    let client = ada.client(app.client());
    let chat = chats::create_group(&client, "Tea", &[]).await;
    let document = "mutation($id: ID!) { setTyping(input: { id: $id }) { chat { id } } }";
    let saying = (0..60).map(|_| client.run(document, json!({ "id": chat })));
    let answers = futures::future::join_all(saying).await;
    let refused = answers.iter().filter(|answer| answer.code().is_some());
    let refused = refused.map(|answer| answer.expect_code("RATE_LIMITED"));
    assert!(refused.count() > 0, "sixty at once are passed on");
}

tests::embedded!(who_signed_out_everywhere_is_gone, typing_has_a_limit);
