//! What a record domain promises, seen from outside: the documents and calls that are alike for all kinds of records, made from
//! the few things in which they differ. `it/records` is the contract that each kind is held to.

use serde_json::{Value, json};

use crate::graphql::{Answer, Client};

/// A kind of record.
pub struct Kind {
    /// The type's name, such as `Customer`.
    pub name: &'static str,
    /// The query of one, such as `customer`.
    pub one: &'static str,
    /// The query of a list, such as `customers`.
    pub many: &'static str,
    /// What is asked of one, besides what all have.
    pub fields: &'static str,
    /// Valid input of this number. Input of different numbers has nothing alike that must be unique; names are alike often.
    pub new: fn(usize) -> Value,
    /// A field that updates can set to any short text, and whose null is refused.
    pub text: &'static str,
    /// What no two may have alike.
    pub unique: &'static [&'static str],
    /// What lists can be sorted by, and the field that has it.
    pub sorts: &'static [(&'static str, &'static str)],
    /// Two values of `status` of which all records that `new` makes have one.
    pub statuses: [&'static str; 2],
    /// Whether what was deleted can be restored.
    pub restores: bool,
    /// The least role that may read and write them.
    pub role: &'static str,
}

pub const CUSTOMERS: Kind = Kind {
    name: "Customer",
    one: "customer",
    many: "customers",
    fields: "name email phone status",
    new: |number| {
        json!({
            "name": NAMES[number % NAMES.len()],
            "email": address(number),
            "status": if number.is_multiple_of(3) { "ACTIVE" } else { "CLOSED" },
        })
    },
    text: "name",
    unique: &["email"],
    sorts: &[
        ("CREATED_AT", "createdAt"),
        ("UPDATED_AT", "updatedAt"),
        ("NAME", "name"),
        ("EMAIL", "email"),
    ],
    statuses: ["ACTIVE", "CLOSED"],
    restores: true,
    role: "STAFF",
};

pub const STUDENTS: Kind = Kind {
    name: "Student",
    one: "student",
    many: "students",
    fields: "name email studentNumber course year status",
    new: |number| {
        json!({
            "name": NAMES[number % NAMES.len()],
            "email": address(number),
            "studentNumber": format!("N-{number}"),
            "course": COURSES[number % COURSES.len()],
            "year": 1 + number % 5,
            "status": if number.is_multiple_of(3) { "ENROLLED" } else { "GRADUATED" },
        })
    },
    text: "name",
    unique: &["email", "studentNumber"],
    sorts: &[
        ("CREATED_AT", "createdAt"),
        ("UPDATED_AT", "updatedAt"),
        ("NAME", "name"),
        ("EMAIL", "email"),
        ("COURSE", "course"),
        ("YEAR", "year"),
    ],
    statuses: ["ENROLLED", "GRADUATED"],
    restores: false,
    role: "STAFF",
};

const COURSES: [&str; 3] = ["Law", "law", "Physics"];
const NAMES: [&str; 6] = ["ada", "Ada", "Bob", "Émile", "zoë", "Ångström"];

/// Not in the order of the numbers, and in different case.
fn address(number: usize) -> String {
    format!(
        "{}{}@example.com",
        ["x", "Y", "b"][number % 3],
        number * 7919
    )
}

impl Kind {
    fn selection(&self) -> String {
        format!("id {} version createdAt updatedAt deletedAt", self.fields)
    }

    /// The document of a mutation such as `create`, and the field it selects.
    pub fn mutation(&self, verb: &str) -> (String, String) {
        let field = format!("{verb}{}", self.name);
        let input = format!(
            "{}{}{}Input",
            verb[..1].to_uppercase(),
            &verb[1..],
            self.name
        );
        let (one, selection) = (self.one, self.selection());
        let document = format!(
            "mutation Change($input: {input}!) {{ {field}(input: $input) {{ {one} {{ {selection} }} }} }}"
        );
        (document, field)
    }

    /// Sends a mutation, whatever comes of it.
    pub async fn send(&self, client: &Client, verb: &str, input: Value) -> Answer {
        self.send_with_key(client, verb, input, None).await
    }

    /// The same under an idempotency key.
    pub async fn send_with_key(
        &self,
        client: &Client,
        verb: &str,
        input: Value,
        key: Option<&str>,
    ) -> Answer {
        let headers: Vec<_> = key
            .map(|key| ("idempotency-key", key))
            .into_iter()
            .collect();
        let document = self.mutation(verb).0;
        client
            .run_with(&document, json!({ "input": input }), &headers)
            .await
    }

    /// The record after a mutation, which must succeed.
    pub async fn apply(&self, client: &Client, verb: &str, input: Value) -> Value {
        let answer = self.send(client, verb, input).await;
        let record = &answer.data()[self.mutation(verb).1.as_str()][self.one];
        assert!(record.is_object(), "no record: {}", answer.http.text());
        record.clone()
    }

    /// A new record of this number.
    pub async fn create(&self, client: &Client, number: usize) -> Value {
        self.apply(client, "create", (self.new)(number)).await
    }

    /// Sets the text of a record.
    pub async fn set_text(&self, client: &Client, id: &Value, text: &str) -> Value {
        self.apply(client, "update", json!({ "id": id, self.text: text }))
            .await
    }

    /// Null when there is none.
    pub async fn find(&self, client: &Client, id: &Value) -> Value {
        let (one, selection) = (self.one, self.selection());
        let document = format!("query Find($id: ID!) {{ {one}(id: $id) {{ {selection} }} }}");
        client.run(&document, json!({ "id": id })).await.data()[one].clone()
    }

    /// How many there are.
    pub async fn count(&self, client: &Client) -> u64 {
        let document = format!("{{ {}(first: 1) {{ totalCount }} }}", self.many);
        let answer = client.run(&document, json!({})).await;
        answer.data()[self.many]["totalCount"]
            .as_u64()
            .expect("a number")
    }

    /// The document of a page, whose variables are those of the field.
    pub fn page(&self) -> String {
        let (name, many) = (self.name, self.many);
        format!(
            "query Page($first: Int, $after: String, $last: Int, $before: String, $filter: {name}Filter, $sort: {name}Sort) {{ \
             {many}(first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort) {{ \
             edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} totalCount }} }}"
        )
    }

    /// The document that follows all, or one.
    pub fn changes(&self) -> String {
        let one = self.one;
        format!(
            "subscription Changes($id: ID, $after: String) {{ {one}Changed(id: $id, after: $after) {{ \
             cursor type version actor occurredAt {one} {{ {} }} }} }}",
            self.selection()
        )
    }

    /// The id of none.
    pub fn unknown(&self) -> String {
        format!("{}_01h455vb4pex5vsknk084sn02q", self.one)
    }
}
