//! The contract of a record domain, seen from outside: the documents and calls that are alike for all kinds of records, derived
//! from the few properties in which they differ. `it/records` holds each kind to it.

use serde_json::{Value, json};

use crate::{
    filters::{Compared, Field},
    graphql::{Answer, Client},
};

/// A kind of record.
pub struct Kind {
    /// The type's name, such as `Customer`.
    pub name: &'static str,
    /// The query of a single record, such as `customer`.
    pub one: &'static str,
    /// The query of a list, such as `customers`.
    pub many: &'static str,
    /// The selected fields, besides those that all records have.
    pub fields: &'static str,
    /// Returns valid input with this number. Inputs of different numbers share no unique value; names often repeat.
    pub new: fn(usize) -> Value,
    /// A field that updates can set to any short text, and that refuses null.
    pub text: &'static str,
    /// The fields that are unique.
    pub unique: &'static [&'static str],
    /// The sort fields of lists, and the field that each stands for.
    pub sorts: &'static [(&'static str, &'static str)],
    /// The fields of filters, besides those that all records have.
    pub filters: &'static [Field],
    /// Two values of `status`; every record that `new` makes has one of them.
    pub statuses: [&'static str; 2],
    /// Whether deleted records can be restored.
    pub restores: bool,
    /// The lowest role that may read and write the records.
    pub role: &'static str,
}

pub const CUSTOMERS: Kind = Kind {
    name: "Customer",
    one: "customer",
    many: "customers",
    fields: "name email phone address { lines city region postalCode country } status",
    new: |number| {
        json!({
            "name": NAMES[number % NAMES.len()],
            "email": address(number),
            "phone": number.is_multiple_of(2).then(|| format!("+49 {number:03}")),
            "address": (!number.is_multiple_of(4)).then(|| json!({
                "lines": [format!("{number} Mill Lane")],
                "city": CITIES[number % CITIES.len()],
                "region": number.is_multiple_of(3).then_some("Ontario"),
                "postalCode": number.is_multiple_of(5).then(|| format!("m5v {number}")),
                "country": COUNTRIES[number % 2],
            })),
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
    filters: &[
        ("name", Compared::Text, false),
        ("email", Compared::Folded, false),
        ("phone", Compared::Text, true),
        ("city", Compared::Folded, true),
        ("region", Compared::Folded, true),
        ("postalCode", Compared::Folded, true),
        ("country", Compared::Folded, true),
        ("status", Compared::Choice, false),
    ],
    statuses: ["ACTIVE", "CLOSED"],
    restores: true,
    role: "STAFF",
};

pub const STUDENTS: Kind = Kind {
    name: "Student",
    one: "student",
    many: "students",
    fields: "name givenName familyName email studentNumber course year status",
    new: |number| {
        json!({
            "givenName": NAMES[number % NAMES.len()],
            "familyName": (!number.is_multiple_of(4)).then(|| FAMILIES[number % FAMILIES.len()]),
            "email": address(number),
            "studentNumber": format!("N-{number}"),
            "course": COURSES[number % COURSES.len()],
            "year": 1 + number % 5,
            "status": if number.is_multiple_of(3) { "ENROLLED" } else { "GRADUATED" },
        })
    },
    text: "course",
    unique: &["email", "studentNumber"],
    sorts: &[
        ("CREATED_AT", "createdAt"),
        ("UPDATED_AT", "updatedAt"),
        ("NAME", "name"),
        ("FAMILY_NAME", "familyName"),
        ("EMAIL", "email"),
        ("COURSE", "course"),
        ("YEAR", "year"),
    ],
    filters: &[
        ("name", Compared::Text, false),
        ("givenName", Compared::Text, true),
        ("familyName", Compared::Text, true),
        ("email", Compared::Folded, false),
        ("studentNumber", Compared::Folded, true),
        ("course", Compared::Folded, false),
        ("year", Compared::Number, false),
        ("status", Compared::Choice, false),
    ],
    statuses: ["ENROLLED", "GRADUATED"],
    restores: true,
    role: "STAFF",
};

const CITIES: [&str; 3] = ["London", "london", "Zürich"];
const COUNTRIES: [&str; 2] = ["GB", "CA"];
const COURSES: [&str; 3] = ["Law", "law", "Physics"];
const FAMILIES: [&str; 3] = ["van Dyk", "Öz", "Lee"];
const NAMES: [&str; 6] = ["ada", "Ada", "Bob", "Émile", "zoë", "Ångström"];

/// Returns addresses that do not sort in the order of the numbers, and differ in case.
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

    /// Returns the document of a mutation such as `create`, and the field that it selects.
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

    /// Returns the document of a mutation for many rows, and the field that it selects.
    pub fn bulk_mutation(&self, verb: &str) -> (String, String) {
        let capital = |word: &str| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
        let (verb_type, many) = (capital(verb), capital(self.many));
        let field = format!("{verb}{many}");
        let (one, selection) = (self.one, self.selection());
        let document = format!(
            "mutation Change($input: {verb_type}{many}Input!) {{ {field}(input: $input) {{ done refused rows {{ index \
             {one} {{ {selection} }} error {{ code message field currentVersion violations {{ field code message }} }} }} }} }}"
        );
        (document, field)
    }

    /// Returns all fields of filters.
    pub fn fields_of_filters(&self) -> Vec<Field> {
        let mut fields = self.filters.to_vec();
        fields.extend([
            ("id", Compared::Id, false),
            ("version", Compared::Number, false),
            ("createdAt", Compared::Time, false),
            ("updatedAt", Compared::Time, false),
            ("deletedAt", Compared::Time, true),
        ]);
        fields
    }

    /// Sends a mutation; returns any answer.
    pub async fn send(&self, client: &Client, verb: &str, input: Value) -> Answer {
        self.send_with_key(client, verb, input, None).await
    }

    /// Does the same under an idempotency key.
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

    /// Returns the record after a mutation, which must succeed.
    pub async fn apply(&self, client: &Client, verb: &str, input: Value) -> Value {
        let answer = self.send(client, verb, input).await;
        let record = &answer.data()[self.mutation(verb).1.as_str()][self.one];
        assert!(record.is_object(), "no record: {}", answer.http.text());
        record.clone()
    }

    /// Creates a record with this number.
    pub async fn create(&self, client: &Client, number: usize) -> Value {
        self.apply(client, "create", (self.new)(number)).await
    }

    /// Sets the text of a record.
    pub async fn set_text(&self, client: &Client, id: &Value, text: &str) -> Value {
        self.apply(client, "update", json!({ "id": id, self.text: text }))
            .await
    }

    /// Returns the record, or null if it does not exist.
    pub async fn find(&self, client: &Client, id: &Value) -> Value {
        let (one, selection) = (self.one, self.selection());
        let document = format!("query Find($id: ID!) {{ {one}(id: $id) {{ {selection} }} }}");
        client.run(&document, json!({ "id": id })).await.data()[one].clone()
    }

    /// Returns the number of records.
    pub async fn count(&self, client: &Client) -> u64 {
        let document = format!("{{ {}(first: 1) {{ totalCount }} }}", self.many);
        let answer = client.run(&document, json!({})).await;
        answer.data()[self.many]["totalCount"]
            .as_u64()
            .expect("a number")
    }

    /// Returns the document of a page, whose variables are those of the field.
    pub fn page(&self) -> String {
        let (name, many) = (self.name, self.many);
        format!(
            "query Page($first: Int, $after: String, $last: Int, $before: String, $filter: {name}Filter, $sort: {name}Sort) {{ \
             {many}(first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort) {{ \
             edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} totalCount }} }}"
        )
    }

    /// Returns the document that follows all records, or one.
    pub fn changes(&self) -> String {
        let one = self.one;
        format!(
            "subscription Changes($id: ID, $after: String) {{ {one}Changed(id: $id, after: $after) {{ \
             cursor type version actor {{ name ... on User {{ id }} }} occurredAt {one} {{ {} }} }} }}",
            self.selection()
        )
    }

    /// Returns an id that no record has.
    pub fn unknown(&self) -> String {
        format!("{}_01h455vb4pex5vsknk084sn02q", self.one)
    }
}
