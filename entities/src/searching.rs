//! Searching: finds rows whose column `search_text` contains a text. Both the column and the text are folded (`text::fold`).
//! The text is always compared with the row itself, so an index makes a search faster and never changes its result. The
//! argument is beside `contains`, which the lists of all domains call but that of chats, whose text is in several tables.

use events::{
    DatabaseTransaction,
    sql::{Dialect, query_one},
};
use sea_orm::{
    Condition, ConnectionTrait, DbBackend,
    sea_query::{Expr, ExprTrait, Func, SimpleExpr},
};

use crate::text::fold;

/// The column with the folded text, in each of the tables.
const TEXT: &str = "search_text";
/// The number of characters in an indexed sequence.
const SEQUENCE: usize = 3;
/// How many characters of the text the index is asked about. More would hardly reduce the rows that remain to compare.
const ASKED_CHARS: usize = 32;

/// Returns the condition that a row of `table` contains the text. A text without anything that could be found is in every row.
///
/// An index of sequences of three characters gives the candidates for a text of three characters or more: GIN with `pg_trgm` on
/// Postgres, FTS5 on SQLite. A shorter text has no such sequence, and is compared with every row.
///
/// On Postgres the server does both for `like`, and has no index if its extension could not be created. On SQLite triggers
/// maintain the index. They disappear when their table is dropped, as by a rebuild; without them the index is not used until it
/// is created again.
pub(crate) fn contains(backend: DbBackend, table: &str, sought: &str) -> Condition {
    let condition = Condition::all();
    let Some(sought) = folded(sought) else {
        return condition.add(Expr::value(false));
    };
    if sought.is_empty() {
        return condition;
    }
    let asked: Vec<char> = sought.chars().take(ASKED_CHARS).collect();
    let text = Expr::col(TEXT);
    if asked.len() < SEQUENCE {
        return condition.add(is_within(backend, text, sought));
    }
    match backend {
        DbBackend::Postgres => condition.add(text.like(like_pattern(&sought))),
        _ => condition
            .add(is_candidate(table, &asked))
            .add(is_within(backend, text, sought)),
    }
}

/// Returns what is sought as it is compared; `None` when it can be nowhere: no stored text contains this character, and Postgres
/// accepts no text with it.
pub(crate) fn folded(sought: &str) -> Option<String> {
    let sought = fold(sought);
    (!sought.contains('\0')).then_some(sought)
}

/// Returns the condition that a folded text contains another.
pub(crate) fn is_within(backend: DbBackend, text: Expr, sought: String) -> SimpleExpr {
    let place = backend.either("strpos", "instr");
    Func::cust(place).arg(text).arg(sought).gt(0)
}

fn like_pattern(sought: &str) -> String {
    let mut pattern = String::with_capacity(sought.len() + 2);
    pattern.push('%');
    for c in sought.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Returns the condition that SQLite's index has all sequences for the row, or that the index cannot be used.
fn is_candidate(table: &str, asked: &[char]) -> Expr {
    let sql = format!(
        "id in (select r.id from {table}_search({{}}) s join {table}_search_row r on r.number = s.rowid
         union all select id from {table} where not exists
             (select 1 from sqlite_master where type = 'trigger' and name = '{table}_search_insert'))"
    );
    let sequences = asked.windows(SEQUENCE).map(|sequence| {
        let text: String = sequence.iter().collect();
        format!("\"{}\"", text.replace('"', "\"\""))
    });
    let sequences = sequences.collect::<Vec<_>>().join(" AND ");
    Expr::cust_with_values(sql.replace("{}", "?"), [sequences])
}

/// Creates the index of a SQLite table again if its triggers disappeared with the old table.
pub(crate) async fn restore_index(tx: &DatabaseTransaction, table: &str) -> events::Result<()> {
    if tx.get_database_backend().is_postgres() {
        return Ok(());
    }
    let sql = "select 1 from sqlite_master where type = 'trigger' and name = $1";
    let trigger = format!("{table}_search_insert");
    if query_one(tx, sql, vec![trigger.into()]).await?.is_none() {
        tx.execute_unprepared(&made_anew(table)).await?;
    }
    Ok(())
}

/// Returns the statements that create the index as the migration does, from the current rows.
fn made_anew(table: &str) -> String {
    format!(
        "insert into {table}_search ({table}_search) values ('delete-all');
delete from {table}_search_row;
insert into {table}_search_row (id) select id from {table};
insert into {table}_search (rowid, text)
    select r.number, t.search_text from {table} t join {table}_search_row r on r.id = t.id;
create trigger {table}_search_insert after insert on {table} begin
    insert into {table}_search_row (id) values (new.id);
    insert into {table}_search (rowid, text)
        select number, new.search_text from {table}_search_row where id = new.id;
end;
create trigger {table}_search_update after update of search_text on {table}
when old.search_text is not new.search_text begin
    insert into {table}_search ({table}_search, rowid, text)
        select 'delete', number, old.search_text from {table}_search_row where id = old.id;
    insert into {table}_search (rowid, text)
        select number, new.search_text from {table}_search_row where id = old.id;
end;
create trigger {table}_search_delete after delete on {table} begin
    insert into {table}_search ({table}_search, rowid, text)
        select 'delete', number, old.search_text from {table}_search_row where id = old.id;
    delete from {table}_search_row where id = old.id;
end;"
    )
}
