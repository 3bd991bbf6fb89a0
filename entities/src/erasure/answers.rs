//! The stored answers to idempotency keys. Those given to the user are deleted, with the keys that the client has chosen, and
//! also those from before the user had signed in: a deactivated user repeats nothing. Those given to others about the user (an
//! administrator who changed their role) stay, without the personal data: a repeat is still answered, and not executed again.

use events::{
    DatabaseTransaction, ERASED, Error, Result, Subject,
    sql::{Dialect, execute, query_as},
};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use uuid::Uuid;

use crate::users;

/// The scope of callers who have not signed in.
const ANONYMOUS: &str = "anonymous";

pub(super) async fn erase(tx: &DatabaseTransaction, subject: &Subject) -> Result<u64> {
    let sql = "delete from idempotency where scope = $1";
    let mut changed = execute(tx, sql, vec![subject.actor.as_str().into()]).await?;
    let backend = tx.get_database_backend();
    let (text, json) = backend.either(("answer::text", "$1::text::json"), ("answer", "$1"));
    let pattern = format!("%{}%", subject.id.hyphenated());
    let sql = format!("delete from idempotency where scope = $1 and {text} like $2");
    let values = vec![ANONYMOUS.into(), pattern.as_str().into()];
    changed += execute(tx, &sql, values).await?;
    let select =
        format!("select scope, key, {text} as answer from idempotency where {text} like $1");
    let rows: Vec<(String, String, String)> = query_as(tx, &select, vec![pattern.into()]).await?;
    for (scope, key, answer) in rows {
        let malformed = |source| Error::Malformed {
            what: "idempotency answer",
            source,
        };
        let mut answer: Value = serde_json::from_str(&answer).map_err(malformed)?;
        if erase_in(&mut answer, subject.id) {
            let answer = serde_json::to_string(&answer).map_err(malformed)?;
            let update =
                format!("update idempotency set answer = {json} where scope = $2 and key = $3");
            changed += execute(tx, &update, vec![answer.into(), scope.into(), key.into()]).await?;
        }
    }
    Ok(changed)
}

/// Removes the user's own row, and texts that the user wrote, from an answer; returns whether there were any.
fn erase_in(value: &mut Value, id: Uuid) -> bool {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |changed, item| erase_in(item, id) | changed),
        Value::Object(fields) => {
            let is_named = |fields: &serde_json::Map<String, Value>, name: &str| {
                let text = fields.get(name).and_then(Value::as_str);
                text.and_then(|text| Uuid::try_parse(text).ok()) == Some(id)
            };
            let before = fields.clone();
            if is_named(fields, "id") && fields.contains_key("email") {
                users::erase(fields, id);
            }
            if is_named(fields, "authorId") {
                for name in ["text", "message"] {
                    if let Some(text) = fields.get_mut(name).filter(|text| text.is_string()) {
                        *text = ERASED.into();
                    }
                }
            }
            let is_changed = *fields != before;
            fields
                .values_mut()
                .fold(is_changed, |changed, field| erase_in(field, id) | changed)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_lose_what_is_personal_and_keep_the_rest() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let mut answer = json!({
            "user": { "id": one, "email": "a@example.com", "name": "Ada", "bio": "about", "role": "MEMBER" },
            "others": [{ "id": other, "email": "b@example.com", "name": "Bob" }],
            "messages": [{ "authorId": one, "text": "mine" }, { "authorId": other, "text": "theirs" }],
        });
        assert!(erase_in(&mut answer, one));
        let text = answer.to_string();
        for gone in ["a@example.com", "Ada", "about", "mine"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        for kept in ["MEMBER", "b@example.com", "Bob", "theirs"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert!(!erase_in(&mut answer, one), "again changes nothing");
    }
}
