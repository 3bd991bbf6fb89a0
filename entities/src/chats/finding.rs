//! What selects chats but their own columns: the members, what is unread, and the text that is searched. A reader finds a chat by its
//! title and by its other members; by their own name they would find all. Called by `queries`, which adds that the reader is a member.

use sea_orm::{
    Condition, DbBackend, Value,
    sea_query::{Expr, ExprTrait, Func, Query, SelectStatement},
};

use crate::{
    access::UserId,
    searching::{folded, is_within},
};

/// Returns the condition that one of these users is a member.
pub(super) fn has_member(user_ids: Vec<Value>) -> Expr {
    let members = Query::select()
        .column("chat_id")
        .from("chat_member")
        .and_where(Expr::col("user_id").is_in(user_ids))
        .to_owned();
    Expr::col(("chat", "id")).in_subquery(members)
}

/// Joins each chat with what the reader has of it, for `unread_count`.
pub(super) fn join_member(chats: &mut SelectStatement, reader: UserId) {
    chats
        .inner_join(
            "chat_member",
            Expr::col(("chat_member", "chat_id")).equals(("chat", "id")),
        )
        .and_where(Expr::col(("chat_member", "user_id")).eq(reader));
}

/// Returns the number of messages that the reader has not read, as `loading` counts them.
pub(super) fn unread_count() -> Expr {
    Expr::cust(
        "(chat.last_number - chat_member.last_read_number - (select count(*) from chat_message d where d.chat_id = chat.id \
         and d.number > chat_member.last_read_number and d.deleted_at is not null))",
    )
}

/// Returns the condition that the title of the chat contains the text, or the name or the username of a member besides the reader.
/// Everything is compared: the chats of one reader are few.
pub(super) fn contains(backend: DbBackend, reader: UserId, sought: &str) -> Condition {
    let condition = Condition::any();
    let Some(sought) = folded(sought) else {
        return condition.add(Expr::value(false));
    };
    if sought.is_empty() {
        return condition;
    }
    // An earlier version may have written a title alone.
    let title = Func::coalesce([
        Expr::col(("chat", "search_text")),
        Func::lower(Expr::col(("chat", "title"))).into(),
        Expr::cust("''"),
    ]);
    let named = others_named(backend, reader, &sought);
    condition
        .add(is_within(backend, title.into(), sought))
        .add(Expr::exists(named))
}

fn others_named(backend: DbBackend, reader: UserId, sought: &str) -> SelectStatement {
    let username = sought.strip_prefix('@').unwrap_or(sought);
    let is_within = |column: &'static str, sought: &str| {
        let text = Func::coalesce([Expr::col(("app_user", column)), Expr::cust("''")]);
        is_within(backend, text.into(), sought.to_owned())
    };
    Query::select()
        .expr(Expr::cust("1"))
        .from("chat_member")
        .inner_join(
            "app_user",
            Expr::col(("app_user", "id")).equals(("chat_member", "user_id")),
        )
        .and_where(Expr::col(("chat_member", "chat_id")).equals(("chat", "id")))
        .and_where(Expr::col(("chat_member", "user_id")).ne(reader))
        .and_where(is_within("search_text", sought).or(is_within("username", username)))
        .to_owned()
}
