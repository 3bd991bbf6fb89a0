//! Names of students: whole or in parts, and what versions before there were parts have written or still write.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::recipe::finish;
use tests::{Setup, database, earlier, students};

/// Makes rows as they are when migration 0026 has just been applied.
const OF_BEFORE: &str = "update student set given_name = null, family_name = null, family_key = ''";

fn named(student: &Value) -> [Value; 3] {
    ["name", "givenName", "familyName"].map(|field| student[field].clone())
}

fn input(name: Value) -> Value {
    let mut input = json!({ "email": "ada@example.com", "course": "Mathematics" });
    for (field, value) in name.as_object().expect("fields") {
        input[field] = value.clone();
    }
    input
}

/// Returns the fields and codes of what is wrong.
async fn refused(client: &Client, verb: &str, input: Value) -> Vec<String> {
    let answer = students::send(client, verb, input).await;
    let violations = answer.expect_code("VALIDATION")["violations"].clone();
    let text = |it: &Value, key: &str| it[key].as_str().expect("a text").to_owned();
    let violations = violations.as_array().expect("a list").iter();
    violations
        .map(|it| format!("{}:{}", text(it, "field"), text(it, "code")))
        .collect()
}

/// Returns the names of a list.
async fn names(client: &Client, filter: Value, field: &str) -> Vec<Value> {
    let document = "query($filter: StudentFilter, $sort: StudentSort) { \
        students(filter: $filter, sort: $sort) { nodes { name } } }";
    let sort = json!({ "field": field, "direction": "ASC" });
    let variables = json!({ "filter": filter, "sort": sort });
    let answer = client.run(document, variables).await;
    let nodes = answer.data()["students"]["nodes"]
        .as_array()
        .expect("nodes")
        .clone();
    nodes.into_iter().map(|node| node["name"].clone()).collect()
}

async fn a_name_is_whole_or_in_parts(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    for (wrong, told) in [
        (json!({}), "name:required"),
        (
            json!({ "name": "Ada", "familyName": "King" }),
            "name:exclusive",
        ),
        (json!({ "givenName": " " }), "givenName:length"),
        (
            json!({ "familyName": "a\u{202e}b" }),
            "familyName:characters",
        ),
        (
            json!({ "givenName": "a".repeat(100), "familyName": "b".repeat(100) }),
            "name:length",
        ),
    ] {
        assert_eq!(refused(client, "create", input(wrong)).await, [told]);
    }
    let parts = json!({ "givenName": "Ludwig", "familyName": " van Beethoven " });
    let created = students::apply(client, "create", input(parts)).await;
    let id = &created["id"];
    let is = ["Ludwig van Beethoven", "Ludwig", "van Beethoven"];
    assert_eq!(named(&created), is);
    assert_eq!(students::find(client, id).await, created);

    // The same name as a whole is no change, and keeps the parts; another one is split.
    let update = async |name: Value| {
        let mut input = name;
        input["id"] = id.clone();
        students::apply(client, "update", input).await
    };
    let same = update(json!({ "name": "Ludwig van Beethoven" })).await;
    assert_eq!(same, created);
    let renamed = update(json!({ "name": "Grace Brewster Hopper" })).await;
    let is = ["Grace Brewster Hopper", "Grace Brewster", "Hopper"];
    assert_eq!(named(&renamed), is);
    let married = update(json!({ "familyName": "Hopper King" })).await;
    let is = [
        "Grace Brewster Hopper King",
        "Grace Brewster",
        "Hopper King",
    ];
    assert_eq!(named(&married), is);
    let alone = update(json!({ "familyName": null })).await;
    let is = [
        json!("Grace Brewster"),
        json!("Grace Brewster"),
        Value::Null,
    ];
    assert_eq!(named(&alone), is);
    let nobody = json!({ "id": id, "givenName": null });
    assert_eq!(refused(client, "update", nobody).await, ["name:length"]);
    let long = json!({ "id": id, "familyName": "b".repeat(200) });
    assert_eq!(refused(client, "update", long).await, ["name:length"]);

    // A part alone is the whole name of a new student.
    let input = json!({ "familyName": "Lovelace", "email": "family@example.com", "course": "Law" });
    let family = students::apply(client, "create", input).await;
    let is = [json!("Lovelace"), Value::Null, json!("Lovelace")];
    assert_eq!(named(&family), is);
    assert_eq!(students::find(client, &family["id"]).await, family);

    // The history and the search have them, too.
    let document = "query($id: ID!) { student(id: $id) { history { nodes { data } } } }";
    let answer = client.run(document, json!({ "id": id })).await;
    let first = &answer.data()["student"]["history"]["nodes"][0]["data"]["student"];
    let is = ["Ludwig van Beethoven", "Ludwig", "van Beethoven"];
    assert_eq!(named(first), is);
    let found = names(client, json!({ "search": "BREWSTER" }), "NAME").await;
    assert_eq!(found, ["Grace Brewster"]);
}

async fn rows_of_an_import_have_parts(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let row = |number: usize, name: Value| {
        let mut row = input(name);
        row["email"] = json!(format!("s{number}@example.com"));
        row
    };
    let rows = json!([
        row(
            0,
            json!({ "givenName": "Ludwig", "familyName": "van Beethoven" })
        ),
        row(1, json!({ "name": "Ada Lovelace" })),
        row(2, json!({ "familyName": "" })),
    ]);
    let imported = students::import(client, json!({ "rows": rows, "mode": "EACH" })).await;
    assert_eq!(imported["created"], 2);
    assert_eq!(imported["rows"][2]["violations"][0]["field"], "familyName");
    // What makes a name too long is refused for a student who is there, too.
    let long = json!({ "givenName": "Ada", "familyName": "b".repeat(200) });
    let long = json!([row(1, long)]);
    let again = json!({ "rows": long, "mode": "EACH", "existing": "UPDATE" });
    let again = students::import(client, again).await;
    assert_eq!(
        again["rows"][0]["violations"][0]["code"], "length",
        "{again}"
    );
    // By family name: Beethoven's has a small letter.
    let sorted = names(client, Value::Null, "FAMILY_NAME").await;
    assert_eq!(sorted, ["Ada Lovelace", "Ludwig van Beethoven"]);
    let filter = json!({ "familyName": { "startsWith": "van " }, "givenName": { "eq": "Ludwig" } });
    assert_eq!(
        names(client, filter, "NAME").await,
        ["Ludwig van Beethoven"]
    );

    let file = setup.directory.join("parts.csv");
    let text = "Family name,Given name,Email,Course\nvan Dyk,Jan,jan@example.com,Law\n,Plato,p@example.com,Ethics\n\
        Noether,,n@example.com,Law\n";
    std::fs::write(&file, text).expect("a file");
    let mut import = setup.command(&["import"]);
    let imported = finish(import.arg("students").arg(&file));
    assert!(imported.status.success(), "{imported:?}");
    let filter = json!({ "familyName": { "eq": "van Dyk" } });
    assert_eq!(names(client, filter, "NAME").await, ["Jan van Dyk"]);
    let filter = json!({ "familyName": { "isNull": true } });
    assert_eq!(names(client, filter, "NAME").await, ["Plato"]);
    let filter = json!({ "familyName": { "eq": "Noether" }, "givenName": { "isNull": true } });
    assert_eq!(names(client, filter, "NAME").await, ["Noether"]);

    // A row says all of the name, so no part is left of the one before.
    for (name, is) in [
        (
            json!({ "givenName": "Plato" }),
            [json!("Plato"), json!("Plato"), Value::Null],
        ),
        (
            json!({ "familyName": "Lovelace" }),
            [json!("Lovelace"), Value::Null, json!("Lovelace")],
        ),
    ] {
        let input = json!({ "rows": [row(1, name)], "existing": "UPDATE" });
        let imported = students::import(client, input).await;
        assert_eq!(imported["updated"], 1, "{imported}");
        let id = &imported["rows"][0]["student"]["id"];
        assert_eq!(named(&students::find(client, id).await), is);
    }
}

/// A name of before a rule has to be mended with the next update. The student can be deleted and restored all the same.
async fn a_name_of_before_a_rule_is_no_obstacle(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let id = students::create(client, "Ada", "ada@example.com").await["id"].clone();
    let database = setup.database().await;
    let long = format!("update student set name = '{}'", "b".repeat(201));
    database.execute_unprepared(&long).await.expect("a row");
    let later = json!({ "id": id, "year": 2 });
    assert_eq!(refused(client, "update", later).await, ["name:length"]);
    for (verb, is_deleted) in [("delete", true), ("restore", false)] {
        let student = students::apply(client, verb, json!({ "id": id })).await;
        assert_eq!(student["deletedAt"].is_string(), is_deleted, "{verb}");
    }
}

/// A version before this one beside it: what it writes has no parts, and what it renames has others.
async fn an_earlier_version_knows_no_parts(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    let parts = json!({ "givenName": "Ludwig", "familyName": "van Beethoven" });
    let before = client.head().await;
    let created = students::apply(client, "create", input(parts)).await;
    let id = &created["id"];
    let start = client.head_after(&before, 1).await;
    let data = earlier::student_without_parts(&created, 2, "Ludwig van Beethoven", 3);
    let set = "name = 'Ludwig van Beethoven', year = 3";
    earlier::change(&database, id, set, (2, 2), &data).await;
    let document = "subscription($after: String) { studentChanged(after: $after) { \
        version student { id name givenName familyName year } } }";
    let mut socket = client.socket().await;
    socket
        .subscribe("1", document, json!({ "after": start }))
        .await;
    let changed = socket.payload("1").await["data"]["studentChanged"].clone();
    assert_eq!(
        (&changed["version"], &changed["student"]["year"]),
        (&json!(2), &json!(3))
    );
    // The event does not say how the name was split, and the student does.
    let is = ["Ludwig van Beethoven", "Ludwig", "van Beethoven"];
    assert_eq!(named(&changed["student"]), is);
    assert_eq!(named(&students::find(client, id).await), is);

    let data = earlier::student_without_parts(&created, 3, "Ada King Lovelace", 3);
    let set = "name = 'Ada King Lovelace'";
    earlier::change(&database, id, set, (3, 2), &data).await;
    let changed = socket.payload("1").await["data"]["studentChanged"].clone();
    let is = ["Ada King Lovelace", "Ada King", "Lovelace"];
    assert_eq!(named(&changed["student"]), is);
    assert_eq!(named(&students::find(client, id).await), is);
    let filter = json!({ "familyName": { "eq": "Lovelace" } });
    assert_eq!(
        names(client, filter, "FAMILY_NAME").await,
        ["Ada King Lovelace"]
    );
}

/// Rows of before the migration: they are shown in parts at once, and lists know the parts after `migrate`.
async fn names_of_before_are_split(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut ids = Vec::new();
    for (number, name) in ["Plato", "Ada Lovelace", "李 小龙", "Jan  van Dyk"]
        .into_iter()
        .enumerate()
    {
        let email = format!("s{number}@example.com");
        ids.push(students::create(client, name, &email).await["id"].clone());
    }
    let database = setup.database().await;
    database.execute_unprepared(OF_BEFORE).await.expect("rows");
    let document = "{ students(sort: { field: NAME, direction: ASC }) { nodes { name givenName familyName } } }";
    let answer = client.run(document, json!({})).await;
    let shown = answer.data()["students"]["nodes"].clone();
    let migrated = finish(&mut setup.command(&["migrate"]));
    assert!(migrated.status.success(), "{migrated:?}");
    let answer = client.run(document, json!({})).await;
    let nodes = answer.data()["students"]["nodes"].clone();
    assert_eq!(nodes, shown, "nothing else is shown after that");
    let parts: Vec<_> = nodes.as_array().expect("nodes").iter().map(named).collect();
    let text = |text: &str| json!(text);
    assert_eq!(
        parts,
        [
            [text("Ada Lovelace"), text("Ada"), text("Lovelace")],
            [text("Jan  van Dyk"), text("Jan  van"), text("Dyk")],
            [text("Plato"), text("Plato"), Value::Null],
            [text("李 小龙"), text("李"), text("小龙")],
        ]
    );
    let sorted = names(client, Value::Null, "FAMILY_NAME").await;
    assert_eq!(sorted, ["Jan  van Dyk", "Ada Lovelace", "Plato", "李 小龙"]);
    let filter = json!({ "familyName": { "in": ["Dyk", "小龙"] } });
    assert_eq!(
        names(client, filter, "NAME").await,
        ["Jan  van Dyk", "李 小龙"]
    );
    // Another value of a student of before says how the name is split, too.
    let year = students::apply(client, "update", json!({ "id": ids[1], "year": 2 })).await;
    let is = ["Ada Lovelace", "Ada", "Lovelace"];
    assert_eq!(
        (named(&year), &year["version"]),
        (is.map(Value::from), &json!(2))
    );
}

/// The program that migrated was killed before it had converted all rows: nothing is to be migrated at the next start, and they are
/// converted all the same.
async fn what_was_left_is_converted_at_the_next_start(setup: Setup) {
    let app = setup.start();
    for (number, name) in ["Ada Lovelace", "Jan van Dyk"].into_iter().enumerate() {
        let email = format!("s{number}@example.com");
        students::create(app.client(), name, &email).await;
    }
    drop(app);
    let database = setup.database().await;
    database.execute_unprepared(OF_BEFORE).await.expect("rows");
    let unfinished = "delete from derivation; update student set search_text = 'of before'";
    let unfinished = database.execute_unprepared(unfinished).await;
    unfinished.expect("the state between the two");
    let app = setup.start_many(1, 1, &["--migrate"]);
    let sorted = names(app.client(), Value::Null, "FAMILY_NAME").await;
    assert_eq!(sorted, ["Jan van Dyk", "Ada Lovelace"]);
    let filter = json!({ "familyName": { "eq": "Lovelace" } });
    assert_eq!(names(app.client(), filter, "NAME").await, ["Ada Lovelace"]);
    let finished = "select count(*) as number from derivation";
    assert_eq!(database::number(&database, finished).await, 1);
}

tests::both_ways!(
    a_name_is_whole_or_in_parts,
    rows_of_an_import_have_parts,
    a_name_of_before_a_rule_is_no_obstacle,
    an_earlier_version_knows_no_parts,
    names_of_before_are_split,
    what_was_left_is_converted_at_the_next_start,
);
