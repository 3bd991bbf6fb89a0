//! Postal addresses of customers: a value of its own, checked field by field, and kept by versions that do not know it.

use serde_json::{Value, json};
use tests::{Setup, earlier, records::CUSTOMERS};

fn london() -> Value {
    json!({
        "lines": ["Millrace Ltd", "12 St James's Square"], "city": "London", "region": null, "postalCode": "SW1Y 4JH",
        "country": "GB",
    })
}

async fn an_address_is_one_value(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut input = json!({ "name": "Ada", "email": "ada@example.com", "address": london() });
    input["address"]["country"] = json!(" gb ");
    let created = CUSTOMERS.apply(client, "create", input).await;
    assert_eq!(created["address"], london());
    let id = &created["id"];
    assert_eq!(CUSTOMERS.find(client, id).await, created);
    let renamed = CUSTOMERS.set_text(client, id, "Ada King").await;
    assert_eq!(renamed["address"], london(), "what is left out stays");
    let same = json!({ "id": id, "address": london() });
    assert_eq!(CUSTOMERS.apply(client, "update", same).await, renamed);

    let paris = json!({ "lines": ["1 rue de Rivoli"], "city": "Paris", "country": "FR" });
    let moved = json!({ "id": id, "address": paris });
    let moved = CUSTOMERS.apply(client, "update", moved).await;
    let postal_code = &moved["address"]["postalCode"];
    assert_eq!(postal_code, &Value::Null, "nothing of the old one is left");
    assert_eq!(moved["address"]["city"], "Paris");

    let wrong = json!({ "lines": [], "city": "\u{200b}", "postalCode": "#", "country": "UK" });
    let wrong = json!({ "id": id, "address": wrong });
    let answer = CUSTOMERS.send(client, "update", wrong).await;
    let violations = answer.expect_code("VALIDATION")["violations"].clone();
    let told = violations.as_array().expect("a list").iter();
    let told: Vec<_> = told
        .map(|it| it["field"].as_str().expect("a text"))
        .collect();
    let fields = ["city", "country", "lines", "postalCode"];
    assert_eq!(told, fields.map(|field| format!("address.{field}")));

    let gone = json!({ "id": id, "address": null });
    let gone = CUSTOMERS.apply(client, "update", gone).await;
    assert_eq!(
        (&gone["address"], &gone["version"]),
        (&Value::Null, &json!(4))
    );
    let document =
        "query($id: ID!) { customer(id: $id) { address { city } history { nodes { data } } } }";
    let answer = client.run(document, json!({ "id": id })).await;
    assert_eq!(answer.data()["customer"]["address"], Value::Null);
    let history = &answer.data()["customer"]["history"]["nodes"];
    assert_eq!(history[0]["data"]["customer"]["address"], london());
    assert_eq!(history[3]["data"]["customer"]["address"], Value::Null);
}

/// A version before this one beside it: it keeps the address in the row, and its events do not have it.
async fn an_earlier_version_keeps_an_address(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    let input = json!({ "name": "Ada", "email": "ada@example.com", "address": london() });
    let before = client.head().await;
    let created = CUSTOMERS.apply(client, "create", input).await;
    let id = &created["id"];
    let start = client.head_after(&before, 1).await;
    let mut old = created.clone();
    let fields = old.as_object_mut().expect("fields");
    fields.remove("address");
    old["id"] = json!(tests::ids::uuid_digits(id.as_str().expect("an id")));
    (old["version"], old["name"]) = (json!(2), json!("Ada King"));
    let data = json!({ "customer": old, "previousStatus": "PROSPECT" });
    earlier::change(&database, id, "name = 'Ada King'", (2, 1), &data).await;
    let mut socket = client.socket().await;
    let variables = json!({ "after": start });
    socket.subscribe("1", &CUSTOMERS.changes(), variables).await;
    let changed = socket.payload("1").await["data"]["customerChanged"].clone();
    assert_eq!(changed["version"], 2, "{changed}");
    assert_eq!(changed["customer"]["name"], "Ada King");
    assert_eq!(changed["customer"]["address"], london());
    let found = CUSTOMERS.find(client, id).await;
    assert_eq!(
        (&found["version"], &found["address"]),
        (&json!(2), &london())
    );
    let renamed = CUSTOMERS.set_text(client, id, "Ada").await;
    assert_eq!(renamed["address"], london());
}

async fn made_up_customers_have_addresses(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let seeded = tests::recipe::finish(&mut setup.command(&["seed", "--customers", "40"]));
    assert!(seeded.status.success(), "{seeded:?}");
    let people = json!({ "customers": [
        { "name": "Emmy", "email": "emmy@example.com", "address": london() },
        { "name": "Broken", "email": "broken@example.com", "address": { "lines": ["1"], "city": "X", "country": "XX" } },
    ] });
    let file = setup.directory.join("addresses.json");
    std::fs::write(&file, people.to_string()).expect("a file");
    let mut seed = setup.command(&["seed"]);
    let loaded = tests::recipe::finish(seed.arg("--file").arg(&file));
    let said = String::from_utf8_lossy(&loaded.stdout).into_owned();
    assert!(
        said.contains("number 2: address.country must be"),
        "{loaded:?}"
    );
    let document = "query($filter: CustomerFilter) { customers(filter: $filter) { totalCount } }";
    let count = async |filter: Value| {
        let answer = client.run(document, json!({ "filter": filter })).await;
        answer.data()["customers"]["totalCount"].as_u64()
    };
    assert_eq!(
        count(json!({ "country": { "isNull": true } })).await,
        Some(10)
    );
    let in_london = json!({ "city": { "eq": "LONDON" }, "postalCode": { "startsWith": "sw1y" } });
    assert_eq!(count(in_london).await, Some(1));
    assert!(count(json!({ "country": { "in": ["US", "ca"] } })).await > Some(0));
}

tests::both_ways!(
    an_address_is_one_value,
    an_earlier_version_keeps_an_address,
    made_up_customers_have_addresses,
);
