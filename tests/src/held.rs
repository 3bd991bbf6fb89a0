//! A transaction that the test leaves open: it does what the product does in an update of a customer, without the commit.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

/// Writes version 3 of a customer that is at version 2. The event is like one of a request under the key.
pub async fn update_in_tx(tx: &DatabaseTransaction, uuid: &str, key: &str) {
    for statement in [
        format!(
            "update customer set version = 3, name = 'Held open', updated_at = now() where id = '{uuid}'"
        ),
        format!(
            "insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at) \
             select gen_random_uuid(), part, stream, stream_id, 3, type, schema_version, \
             jsonb_set(jsonb_set(data::jsonb, '{{customer,version}}', '3'), '{{customer,name}}', '\"Held open\"')::json, \
             jsonb_set(meta::jsonb, '{{idempotency_key}}', '\"{key}\"')::json, now() \
             from event where stream_id = '{uuid}' and version = 2"
        ),
    ] {
        let statement = Statement::from_string(DbBackend::Postgres, statement);
        let done = tx.execute_raw(statement).await.expect("the statement");
        assert_eq!(done.rows_affected(), 1);
    }
}
