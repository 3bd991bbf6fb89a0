//! A real receiver on this machine: its answers, and configurations.

use chrono::DateTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The receiver says nothing until its caller has gone.
const SILENCE: &str = "silence";
/// It closes the connection in place of an answer.
const HANG_UP: &str = "";

fn config(url: &str, allow_private: bool) -> WebhookConfig {
    WebhookConfig {
        url: Secret::new(url),
        secret: Secret::new(SECRET),
        timeout: Duration::from_millis(500),
        allow_private,
        ca: None,
    }
}

fn delivery() -> WebhookDelivery {
    WebhookDelivery {
        id: "msg_1".to_owned(),
        body: "{}".to_owned(),
        sent_at: DateTime::from_timestamp(1_700_000_000, 0).expect("a time"),
        traceparent: None,
    }
}

/// Delivers to a receiver that gives this answer; returns the outcome and what was sent.
async fn answered(answer: &'static str) -> (Result<(), WebhookFailure>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"{}") {
            assert_ne!(stream.read_buf(&mut request).await.expect("bytes"), 0);
        }
        if answer == SILENCE {
            std::future::pending::<()>().await;
        }
        stream
            .write_all(answer.as_bytes())
            .await
            .expect("an answer");
        stream.shutdown().await.expect("the end");
        String::from_utf8(request).expect("text")
    });
    let webhook =
        HttpWebhook::new(&config(&format!("http://{address}/hook"), true)).expect("a webhook");
    let result = webhook.deliver(&delivery()).await;
    match answer {
        SILENCE => {
            server.abort();
            (result, String::new())
        }
        _ => (result, server.await.expect("a request")),
    }
}

#[tokio::test]
async fn it_posts_with_id_time_and_signature() {
    let (result, request) = answered("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(result, Ok(()));
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    let header = |name: &str| {
        let lines = request.lines();
        let values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        values.collect::<Vec<_>>().join(";")
    };
    assert_eq!(header("webhook-id"), "msg_1");
    assert_eq!(header("content-type"), "application/json");
    let timestamp = header("webhook-timestamp").parse().expect("seconds");
    let keys = SigningKeys::parse(SECRET).expect("a key");
    assert_eq!(
        header("webhook-signature"),
        keys.sign("msg_1", timestamp, "{}")
    );
}

#[tokio::test]
async fn answers_are_told_apart() {
    use WebhookFailure::{Impossible, Refused, Unavailable};
    let (redirected, _) =
        answered("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\n\r\n").await;
    assert!(matches!(redirected, Err(Impossible(_))), "{redirected:?}");
    let (gone, _) = answered("HTTP/1.1 410 Gone\r\n\r\n").await;
    assert!(matches!(gone, Err(Impossible(_))), "{gone:?}");
    for answer in [
        "HTTP/1.1 500 Oops\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\n\r\n",
    ] {
        let (failed, _) = answered(answer).await;
        assert!(matches!(failed, Err(Refused(_))), "{failed:?}");
    }
    for answer in [
        "HTTP/1.1 503 Service Unavailable\r\n\r\n",
        "HTTP/1.1 429 Too Many Requests\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        SILENCE,
        HANG_UP,
    ] {
        let (away, _) = answered(answer).await;
        assert!(matches!(away, Err(Unavailable(_))), "{answer:?}: {away:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_an_outage_and_a_private_name_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let url = format!("http://localhost:{port}/token-in-the-path");
    let refused = HttpWebhook::new(&config(&url, false)).expect("a name may be configured");
    let refused = refused.deliver(&delivery()).await;
    let Err(WebhookFailure::Impossible(text)) = refused else {
        panic!("{refused:?}");
    };
    assert!(text.contains("not a public one"), "{text}");
    drop(listener);
    let away = HttpWebhook::new(&config(&url, true)).expect("allowed");
    let away = away.deliver(&delivery()).await;
    let Err(WebhookFailure::Unavailable(text)) = away else {
        panic!("{away:?}");
    };
    assert!(!text.contains("token-in-the-path"), "{text}");
}

#[test]
fn configurations_are_checked_and_not_shown() {
    let refused = |url: &str, allow_private| {
        let config = config(url, allow_private);
        assert!(!format!("{config:?}").contains(url), "{config:?}");
        HttpWebhook::new(&config).map(|_| ()).err()
    };
    for url in [
        "ftp://example.com/",
        "example.com",
        "https://user@example.com/",
        "https://user:password@example.com/",
    ] {
        assert!(refused(url, true).is_some(), "{url}");
    }
    // Every notation of an address is recognized.
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://10.0.0.1:8080/",
    ] {
        assert!(refused(url, false).is_some(), "{url}");
        assert_eq!(refused(url, true), None, "{url}");
    }
    assert_eq!(refused("https://example.com/hooks/1", false), None);
}
