//! What a process of an earlier version does beside a newer one, during a deployment that rolls: it changes a row by the columns that
//! it knows, and appends an event of an earlier schema version.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Value, json};

use crate::{database::is_postgres, ids};

/// Returns the data of an event of this student as a version before there were parts of names writes it (schema version 2).
pub fn student_without_parts(student: &Value, version: i64, name: &str, year: i32) -> Value {
    let mut old = student.clone();
    let fields = old.as_object_mut().expect("fields");
    fields.retain(|field, _| !matches!(&field[..], "givenName" | "familyName"));
    old["id"] = json!(ids::uuid_digits(student["id"].as_str().expect("an id")));
    old["version"] = json!(version);
    old["name"] = json!(name);
    old["year"] = json!(year);
    json!({ "student": old, "previousStatus": student["status"] })
}

/// Changes the row of a record, and appends the event of it: version `version` of the record with this global id.
pub async fn change(
    database: &DatabaseConnection,
    id: &Value,
    set: &str,
    (version, schema_version): (i64, i16),
    data: &Value,
) {
    let id = id.as_str().expect("an id");
    let (table, _) = id.split_once('_').expect("a kind");
    let digits = ids::uuid_digits(id).expect("an id");
    let postgres = is_postgres(database);
    let row = match postgres {
        true => format!("'{digits}'::uuid"),
        false => format!("unhex('{digits}')"),
    };
    let columns =
        "event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at";
    let copied = format!("e.part, e.stream, e.stream_id, {version}, $1, {schema_version}");
    let from = format!("from event e where e.stream_id = {row} and e.version = {version} - 1");
    let insert = match postgres {
        true => format!(
            "insert into event ({columns})
             select gen_random_uuid(), {copied}, $2::text::json, e.meta, e.occurred_at {from} and e.stream = '{table}'"
        ),
        false => format!(
            "insert into event ({columns}, previous)
             select randomblob(16), {copied}, $2, e.meta, e.occurred_at,
                    coalesce((select max(inserted) from event o where o.part = e.part), 0)
             {from} and e.stream = '{table}'"
        ),
    };
    let update = format!("update {table} set version = {version}, {set} where id = {row}");
    let changed = database.execute_unprepared(&update).await;
    assert_eq!(changed.expect("the row").rows_affected(), 1, "{update}");
    let event_type = format!("{}{}Updated", table[..1].to_uppercase(), &table[1..]);
    let values = vec![event_type.into(), data.to_string().into()];
    let insert = Statement::from_sql_and_values(database.get_database_backend(), insert, values);
    let appended = database.execute_raw(insert).await;
    assert_eq!(appended.expect("the event").rows_affected(), 1);
}
