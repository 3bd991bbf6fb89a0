//! What nobody may read afterwards: passwords, tokens and keys are in no log, however much is logged, and not in the database
//! either.

use serde_json::json;
use tests::people::{self, Person};
use tests::socket::Socket;
use tests::tokens::SECRET;
use tests::{Setup, customers, database};

/// Everything that a person must not find written down.
fn secrets_of(person: &Person) -> Vec<(&'static str, String)> {
    let signature = person.access_token.rsplit('.').next().expect("a signature");
    vec![
        ("a password", person.password.clone()),
        ("an access token", person.access_token.clone()),
        ("a token's signature", signature.to_owned()),
        ("a refresh token", person.refresh_token.clone()),
    ]
}

async fn secrets_are_written_nowhere(mut setup: Setup) {
    setup.settings.set(
        "RUST_LOG",
        "trace,tungstenite::protocol=trace,h2=trace,hyper::proto=trace",
    );
    let app = setup.start();
    let client = app.client();
    let mut secrets = vec![("the key", SECRET.to_owned())];

    let ada = people::register(client, "Ada").await;
    let again = people::sign_in(client, &ada.email, &ada.password).await;
    let renewed = people::refresh(client, &again).await;
    let boss = people::with_role(client, "ADMIN").await;
    for person in [&ada, &again, &renewed, &boss, setup.admin()] {
        secrets.extend(secrets_of(person));
    }
    people::change_password(
        &ada.client(client),
        &ada.password,
        "the next password of Ada",
    )
    .await
    .data();
    secrets.push(("a new password", "the next password of Ada".to_owned()));
    let wrong = people::send_sign_in(client, &ada.email, "a mistyped password").await;
    assert!(wrong.code().is_some());
    secrets.push(("a wrong password", "a mistyped password".to_owned()));
    people::send_refresh(client, "an unknown refresh token").await;
    secrets.push(("an unknown token", "an unknown refresh token".to_owned()));
    secrets.extend(with_an_idempotency_key(client).await);
    // In a document, which is easily logged when it does not parse.
    for document in [
        "mutation { signIn(input: { email: \"ada@example.com\", password: \"a literal password\" }) { user { id } } }",
        "mutation { signIn(input: { email: \"ada@example.com\", password: \"a literal password\" }",
        "mutation { changePassword(input: { currentPassword: \"a literal password\" }) { user { id } } }",
    ] {
        client.run(document, json!({})).await;
    }
    secrets.push(("a password in a document", "a literal password".to_owned()));

    let mut socket = ada.client(client).socket().await;
    socket.renew(&ada.access_token).await;
    socket.subscribe("1", "{ me { id } }", json!({})).await;
    socket.payload("1").await;
    let mut refused = Socket::connect(app.address()).await;
    refused.renew("garbage in a ping of a socket").await;
    secrets.push(("a bad token", "garbage in a ping of a socket".to_owned()));
    let bad = client.signed_in_as("garbage in a header of a request");
    bad.run("{ __typename }", json!({}))
        .await
        .expect_code("UNAUTHENTICATED");
    secrets.push(("a bad token", "garbage in a header of a request".to_owned()));
    customers::create(client, "Ada", "ada@example.com").await;

    let mut found = Vec::new();
    for entry in std::fs::read_dir(&setup.directory)
        .expect("the test's directory")
        .flatten()
    {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !(name.ends_with(".log") || name.ends_with(".out")) {
            continue;
        }
        let log = String::from_utf8_lossy(&std::fs::read(&path).expect("a log")).into_owned();
        if name == "gateway-0.log" {
            assert!(
                log.contains("TRACE") || log.contains("DEBUG"),
                "it logs much: {} bytes",
                log.len()
            );
        }
        for (what, secret) in &secrets {
            if let Some(at) = log.find(secret.as_str()) {
                let line = log[..at].rfind('\n').map_or(0, |end| end + 1);
                let shown: String = log[line..].chars().take(200).collect();
                found.push(format!("{what} is in {name}: {shown}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    in_the_database(&setup, &secrets).await;
}

/// A repeat under a key gets the first answer, which for a sign-in must not mean that its tokens were kept.
async fn with_an_idempotency_key(client: &tests::graphql::Client) -> Vec<(&'static str, String)> {
    let person = people::register(client, "Keyed").await;
    let document = "mutation($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken } } }";
    let input = json!({ "input": { "email": person.email, "password": person.password } });
    let key = [("idempotency-key", "sign-in-once")];
    let answer = client.anonymous().run_with(document, input, &key).await;
    let mut secrets = secrets_of(&person);
    if answer.code().is_none() {
        let session = &answer.data()["signIn"]["session"];
        for name in ["accessToken", "refreshToken"] {
            let token = session[name].as_str().expect("a token").to_owned();
            secrets.push(("a token that was asked for with a key", token));
        }
    }
    secrets
}

/// Every text and every JSON of every table.
async fn in_the_database(setup: &Setup, secrets: &[(&'static str, String)]) {
    let database = setup.database().await;
    let (tables, columns) = if database::is_postgres(&database) {
        (
            "select table_name::text as text from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
            "select row_to_json(t)::text as text from {} t",
        )
    } else {
        (
            "select name as text from sqlite_master where type = 'table' and name not like 'sqlite_%' and lower(sql) not like 'create virtual%'",
            "",
        )
    };
    let tables = database::texts(&database, tables).await;
    assert!(tables.iter().any(|table| table == "session"), "{tables:?}");
    for table in tables {
        let statement = if columns.is_empty() {
            let names = format!("select name as text from pragma_table_info('{table}')");
            let names = database::texts(&database, &names).await;
            let text = |name: &String| {
                format!(
                    "case typeof({name}) when 'blob' then hex({name}) else coalesce({name}, '') end"
                )
            };
            let all: Vec<String> = names.iter().map(text).collect();
            format!("select {} as text from {table}", all.join(" || ' ' || "))
        } else {
            columns.replace("{}", &table)
        };
        for row in database::texts(&database, &statement).await {
            for (what, secret) in secrets {
                let in_bytes: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
                assert!(
                    !row.contains(secret.as_str()) && !row.to_lowercase().contains(&in_bytes),
                    "{what} is in the table {table}: {row}"
                );
            }
        }
    }
}

tests::both_ways!(secrets_are_written_nowhere);
