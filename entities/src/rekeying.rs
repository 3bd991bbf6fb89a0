//! Brings what is derived from the rows of versions before into the form that this version derives: what addresses are compared
//! by, and what is searched. Called when a database has been migrated, as often as that is; what is in form already stays. The
//! argument is beside `derive_again`.

use events::{
    Database, Result,
    sql::{Dialect, execute, query_as},
};
use sea_orm::{
    DbBackend, EntityTrait, ModelTrait, Order, QueryFilter, QueryOrder, QuerySelect, Value,
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

/// Rows that are read at once.
const PAGE: u64 = 500;

/// Two whose addresses are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressConflict {
    /// Whose address stays as it was, as the API has its id.
    pub id: String,
    /// The address.
    pub email: String,
}

/// Brings all rows into form. The conflicts that are left.
///
/// Of most rows nothing changes, as the forms differ in texts only that are not ASCII; no others are read. A row is written only
/// as it was read, so whoever changes it meanwhile wins, and derives it. Two rows whose addresses turn out to be one stay as they
/// are, both; that is told, as somebody has to decide which of them is right. Until then each is found by the address that it was
/// stored with.
///
/// # Errors
/// Those of the database. What was done stays.
#[boxed]
pub async fn derive_again(database: &Database) -> Result<Vec<AddressConflict>> {
    let mut conflicts = Vec::new();
    derive_table::<customers::Customer>(database, &mut conflicts).await?;
    derive_table::<users::User>(database, &mut conflicts).await?;
    derive_table::<students::Student>(database, &mut conflicts).await?;
    fold_posts(database).await?;
    let tx = database.writer().begin_writing().await?;
    searching::restore_index(&tx, "post").await?;
    tx.commit().await?;
    Ok(conflicts)
}

/// A row with what is derived from it.
trait Derived: Sized + Clone + PartialEq {
    const TABLE: &'static str;

    /// As the API has it.
    fn id(&self) -> String;
    fn place(&self) -> (Uuid, i64);
    fn email(&self) -> &str;
    fn address_key(&mut self) -> &mut Option<String>;
    /// As this version does it.
    fn derive(&mut self);
    /// The columns that are derived, without that of the address.
    fn derived(&self) -> Vec<(&'static str, Value)>;
}

/// Rows are read and written in the same way, whatever they have besides.
macro_rules! derived {
    ($row:ty, $table:literal, [$($column:ident),+]) => {
        impl Derived for $row {
            const TABLE: &'static str = $table;

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

derived!(customers::Customer, "customer", [search_text]);
derived!(users::User, "app_user", [search_text]);
derived!(
    students::Student,
    "student",
    [search_text, course_key, number_key]
);

async fn derive_table<R>(database: &Database, conflicts: &mut Vec<AddressConflict>) -> Result<()>
where
    R: Derived + ModelTrait,
    R::Entity: EntityTrait<Model = R>,
{
    let mut after = Uuid::nil();
    loop {
        let rows = R::Entity::find()
            .filter(Expr::cust(has_more_than_ascii(
                database.backend(),
                "email || search_text",
            )))
            .filter(Expr::col("id").gt(after))
            .order_by(Expr::col("id"), Order::Asc)
            .limit(PAGE)
            .all(&database.reader)
            .await?;
        for row in &rows {
            if let Some(conflict) = derive_row(database, row.clone()).await? {
                conflicts.push(conflict);
            }
        }
        match rows.last() {
            Some(last) => after = last.place().0,
            None => return Ok(()),
        }
    }
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
    // What is searched is not unique; and if it is not the address that is, whatever else is stays as it was, too.
    columns.retain(|(name, _)| *name == "search_text");
    store(database, R::TABLE, row.place(), &columns).await?;
    Ok(Some(AddressConflict {
        id: row.id(),
        email: key.unwrap_or_else(|| row.email().to_owned()),
    }))
}

/// Messages, which have no address. Those of a version before that its follower writes later are found as that version folds.
async fn fold_posts(database: &Database) -> Result<()> {
    let sql = format!(
        "select id, version, message, search_text from post where {} and id > $1 order by id limit {PAGE}",
        has_more_than_ascii(database.backend(), "search_text")
    );
    let mut after = Uuid::nil();
    loop {
        let rows: Vec<(Uuid, i64, String, String)> =
            query_as(&database.reader, &sql, vec![after.into()]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for (id, version, message, found) in rows {
            after = id;
            let folded = fold(&message);
            if folded != found {
                let columns = [("search_text", folded.into())];
                store(database, "post", (id, version), &columns).await?;
            }
        }
    }
}

/// Only a row that is still in the version in which it was read.
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
