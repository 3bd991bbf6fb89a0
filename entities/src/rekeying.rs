//! Updates derived columns of rows that an earlier version wrote: the keys that addresses are compared by, the text that is
//! searched, and the parts of names. Called after each migration of a database, and again when a process ended before it had done so; a
//! row that is up to date stays as it is. The argument is beside `derive_again`.

use events::{
    Database, Result,
    sql::{Dialect, execute, query_as, query_one, query_one_as},
};
use sea_orm::{
    DbBackend, EntityTrait, ModelTrait, Order, QueryFilter, QueryOrder, Value,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{
    boxed, customers,
    record::Record,
    searching, students,
    text::{email::key_of_stored, fold},
    users,
};

/// The number of rows looked at in one statement. One that looked through a whole table for the few rows that may change would miss its
/// time limit when the table is large, and no migration would come to its end.
const STRETCH: u64 = 4_000;

/// Two rows whose addresses have turned out to be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressConflict {
    /// The id, as the API shows it, of the row whose address stays as it was.
    pub id: String,
    /// The address.
    pub email: String,
}

/// Updates the derived columns of all rows. Returns the conflicts that remain. `migration` is the newest one that the program knows, and at
/// last it is recorded that the rows are converted for that.
///
/// Most rows do not change, because the forms differ only in texts that are not ASCII; other rows are not read. A row is
/// written only if it is still as it was read: a concurrent command wins, and derives the columns itself. Two rows whose
/// addresses turn out to be the same both stay as they are, and are reported, as a person has to decide which of them is right.
/// Until then each is found by the address that it was stored with.
///
/// # Errors
/// Fails when the database does. Rows that were already updated stay so.
#[boxed]
pub async fn derive_again(database: &Database, migration: &str) -> Result<Vec<AddressConflict>> {
    let mut conflicts = Vec::new();
    derive_table::<customers::Customer>(database, &mut conflicts).await?;
    derive_table::<users::User>(database, &mut conflicts).await?;
    split_names(database).await?;
    derive_table::<students::Student>(database, &mut conflicts).await?;
    // Posts that an earlier version's follower writes later are found as that version folds them.
    let which = has_more_than_ascii(database.backend(), "search_text");
    fold_texts(database, "post", "message", &which).await?;
    // Titles that an earlier version has written since are found by what they were, and brought into form the next time.
    let more = has_more_than_ascii(database.backend(), "title");
    let which = format!(
        "(search_text is null or search_text <> lower(title) or {more}) and title is not null"
    );
    fold_texts(database, "chat", "title", &which).await?;
    let tx = database.writer().begin_writing().await?;
    searching::restore_index(&tx, "post").await?;
    execute(&tx, "delete from derivation", Vec::new()).await?;
    let record = "insert into derivation (migration) values ($1)";
    execute(&tx, record, vec![migration.into()]).await?;
    tx.commit().await?;
    Ok(conflicts)
}

/// Returns whether `derive_again` has come to its end for this migration, or a newer one.
///
/// # Errors
/// Fails when the database does.
#[boxed]
pub async fn is_derived(database: &Database, migration: &str) -> Result<bool> {
    let sql = "select 1 from derivation where migration >= $1 limit 1";
    let found = query_one(&database.reader, sql, vec![migration.into()]).await?;
    Ok(found.is_some())
}

/// A row with derived columns.
trait Derived: Sized + Clone + PartialEq {
    const TABLE: &'static str;
    /// The columns whose text may be more than ASCII, which no other rows have to be read for.
    const TEXT: &'static str;

    /// Returns the id as the API shows it.
    fn id(&self) -> String;
    fn place(&self) -> (Uuid, i64);
    fn email(&self) -> &str;
    fn address_key(&mut self) -> &mut Option<String>;
    /// Derives the columns as this version does.
    fn derive(&mut self);
    /// Returns the derived columns, without the key of the address.
    fn derived(&self) -> Vec<(&'static str, Value)>;
}

/// Implements reading and writing of the rows, which is alike for all tables.
macro_rules! derived {
    ($row:ty, $table:literal, $text:literal, [$($column:ident),+]) => {
        impl Derived for $row {
            const TABLE: &'static str = $table;
            const TEXT: &'static str = $text;

            fn id(&self) -> String {
                self.id.to_string()
            }
            fn place(&self) -> (Uuid, i64) {
                (self.id.uuid(), self.version)
            }
            fn email(&self) -> &str {
                &self.email
            }
            fn address_key(&mut self) -> &mut Option<String> {
                &mut self.address_key
            }
            fn derive(&mut self) {
                self.derive_keys();
            }
            fn derived(&self) -> Vec<(&'static str, Value)> {
                vec![$((stringify!($column), self.$column.clone().into())),+]
            }
        }
    };
}

derived!(
    customers::Customer,
    "customer",
    "email || search_text || coalesce(city_key, '') || coalesce(region_key, '')",
    [search_text, city_key, region_key]
);
derived!(
    users::User,
    "app_user",
    "email || search_text",
    [search_text]
);
derived!(
    students::Student,
    "student",
    "email || search_text",
    [search_text, course_key, number_key]
);

async fn derive_table<R>(database: &Database, conflicts: &mut Vec<AddressConflict>) -> Result<()>
where
    R: Derived + ModelTrait,
    R::Entity: EntityTrait<Model = R>,
{
    let mut next = Some(Uuid::nil());
    while let Some(after) = next {
        next = end_of_stretch(database, R::TABLE, after).await?;
        let rows = R::Entity::find()
            .filter(Expr::cust(has_more_than_ascii(database.backend(), R::TEXT)))
            .filter(Expr::col("id").gt(after))
            .filter(Expr::col("id").lte(next.unwrap_or(Uuid::max())))
            .order_by(Expr::col("id"), Order::Asc)
            .all(&database.reader)
            .await?;
        for row in rows {
            if let Some(conflict) = derive_row(database, row).await? {
                conflicts.push(conflict);
            }
        }
    }
    Ok(())
}

/// Returns the id at which a stretch of rows behind another id ends; `None` when there are fewer.
async fn end_of_stretch(database: &Database, table: &str, after: Uuid) -> Result<Option<Uuid>> {
    let last = STRETCH - 1;
    let sql = format!("select id from {table} where id > $1 order by id limit 1 offset {last}");
    query_one_as(&database.reader, &sql, vec![after.into()]).await
}

async fn derive_row<R: Derived>(database: &Database, row: R) -> Result<Option<AddressConflict>> {
    let mut derived = row.clone();
    derived.derive();
    let key = key_of_stored(row.email());
    let has_key = *derived.address_key() == key;
    let mut columns = derived.derived();
    if derived == row && has_key {
        return Ok(None);
    }
    columns.push(("address_key", key.clone().into()));
    match store(database, R::TABLE, row.place(), &columns).await {
        Ok(()) => return Ok(None),
        Err(error) if error.unique_violation().is_none() => return Err(error),
        Err(_) => {}
    }
    // Only what is not unique is written. The conflict may be about another unique key than the address, so those stay as they
    // were, too.
    columns.retain(|(name, _)| !matches!(*name, "address_key" | "number_key"));
    store(database, R::TABLE, row.place(), &columns).await?;
    Ok(Some(AddressConflict {
        id: row.id(),
        email: key.unwrap_or_else(|| row.email().to_owned()),
    }))
}

/// Splits the names of students of before they had parts. The trigger of migration 0026 does it, for whatever name the row has by
/// then, so a concurrent command loses nothing.
async fn split_names(database: &Database) -> Result<()> {
    let whole = "given_name is null and family_name is null and id > $1 and id <= $2";
    let find = format!("select 1 from student where {whole} limit 1");
    let split = format!("update student set name = name where {whole}");
    let mut next = Some(Uuid::nil());
    while let Some(after) = next {
        next = end_of_stretch(database, "student", after).await?;
        let stretch: Vec<Value> = vec![after.into(), next.unwrap_or(Uuid::max()).into()];
        let found = query_one(&database.reader, &find, stretch.clone()).await?;
        if found.is_some() {
            execute(database.writer(), &split, stretch).await?;
        }
    }
    Ok(())
}

/// Updates the searched text of rows that have no address.
async fn fold_texts(database: &Database, table: &str, text: &str, which: &str) -> Result<()> {
    let sql = format!(
        "select id, version, {text}, search_text from {table} where {which} and id > $1 and id <= $2 order by id"
    );
    let mut next = Some(Uuid::nil());
    while let Some(after) = next {
        next = end_of_stretch(database, table, after).await?;
        let stretch = vec![after.into(), next.unwrap_or(Uuid::max()).into()];
        let rows: Vec<(Uuid, i64, String, Option<String>)> =
            query_as(&database.reader, &sql, stretch).await?;
        for (id, version, text, found) in rows {
            let folded = Some(fold(&text));
            if folded != found {
                let columns = [("search_text", folded.into())];
                store(database, table, (id, version), &columns).await?;
            }
        }
    }
    Ok(())
}

/// Writes the row only if it is still at the version in which it was read.
async fn store(
    database: &Database,
    table: &str,
    (id, version): (Uuid, i64),
    columns: &[(&'static str, Value)],
) -> Result<()> {
    let set = (3..).zip(columns);
    let set = set.map(|(number, (name, _))| format!("{name} = ${number}"));
    let set = set.collect::<Vec<_>>().join(", ");
    let sql = format!("update {table} set {set} where id = $1 and version = $2");
    let mut values: Vec<Value> = vec![id.into(), version.into()];
    values.extend(columns.iter().map(|(_, value)| value.clone()));
    execute(database.writer(), &sql, values).await?;
    Ok(())
}

fn has_more_than_ascii(backend: DbBackend, text: &str) -> String {
    match backend.is_postgres() {
        true => format!("octet_length({text}) > char_length({text})"),
        false => format!("length(cast({text} as blob)) > length({text})"),
    }
}
