//! Receivers of webhooks that speak TLS with a certificate of an authority of one's own.

use tests::certificates::Authority;
use tests::signals::{await_signal, submit};
use tests::waiting::SOON;
use tests::{Setup, eventually, guard};

use super::receiver::{Receiver, SECRET};

async fn one_s_own_authority_is_trusted(mut setup: Setup) {
    let (ours, foreign) = (Authority::new(), Authority::new());
    let directory = guard::new_directory("receiver");
    let receiver = Receiver::start_secure(ours.sign(&directory).acceptor()).await;
    let url = format!("https://localhost:{}/hook", receiver.address.port());
    for (name, value) in [
        ("MILLRACE_WEBHOOK_URL", &*url),
        ("MILLRACE_WEBHOOK_SECRET", SECRET),
        ("MILLRACE_WEBHOOK_ALLOW_PRIVATE", "true"),
    ] {
        setup.settings.set(name, value);
    }
    let trust = |setup: &mut Setup, file: &std::path::Path| {
        let file = file.to_str().expect("a path");
        setup.settings.set("MILLRACE_WEBHOOK_CA", file);
    };
    trust(&mut setup, &foreign.write(&guard::new_directory("foreign")));
    let mut gateway = setup.gateway(&[]);
    let signal = submit(&gateway.client, "told", 1.0).await;
    eventually("the certificate is refused", SOON, async || {
        gateway.process.log().contains("certificate").then_some(())
    })
    .await;
    assert!(receiver.messages().is_empty());
    gateway.process.terminate(SOON);
    drop(gateway);

    trust(&mut setup, &ours.write(&directory));
    let gateway = setup.gateway(&[]);
    let is_delivered = |it: &serde_json::Value| it["deliveredAt"].is_string();
    await_signal(
        &gateway.client,
        &signal["id"],
        "it is delivered",
        is_delivered,
    )
    .await;
    let messages = receiver.messages();
    assert!(
        messages.len() == 1 && messages[0].is_signed(),
        "{messages:?}"
    );
}

tests::embedded!(one_s_own_authority_is_trusted);
