//! `millrace seed --file people.json`: customers and students out of a file. All of it is read and parsed before anything is written. A
//! thousand rows are one transaction, through the same command as the mutations, and what is there already, by its email address,
//! stays as it is. So it may be interrupted and repeated.

use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use entities::{
    CommandContext, CommandError, Entities, RowRefusal,
    customers::{CreateCustomer, CustomerStatus, PostalAddress},
    record::{BulkMode, MAX_IMPORT_ROWS, Order, Outcome, Record, Records},
    students::{CreateStudent, StudentName, StudentStatus},
};
use serde::Deserialize;

use super::progress_bar;

/// The number of refused rows that are reported one by one.
const TOLD: u64 = 20;

/// What the file has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct People {
    #[serde(default)]
    customers: Vec<Customer>,
    #[serde(default)]
    students: Vec<Student>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Customer {
    name: String,
    email: String,
    phone: Option<String>,
    address: Option<Address>,
    #[serde(default)]
    status: CustomerStatus,
}

/// A postal address. That of events passes over fields that it does not know, which later versions may add; a file must not have any.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Address {
    lines: Vec<String>,
    city: String,
    region: Option<String>,
    postal_code: Option<String>,
    country: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Student {
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    email: String,
    student_number: Option<String>,
    course: String,
    #[serde(default = "first_year")]
    year: i32,
    #[serde(default)]
    status: StudentStatus,
}

fn first_year() -> i32 {
    1
}

impl From<Customer> for CreateCustomer {
    fn from(customer: Customer) -> Self {
        Self {
            name: customer.name,
            email: customer.email,
            phone: customer.phone,
            address: customer.address.map(Into::into),
            status: customer.status,
        }
    }
}

impl From<Address> for PostalAddress {
    fn from(address: Address) -> Self {
        Self {
            lines: address.lines,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
        }
    }
}

impl From<Student> for CreateStudent {
    fn from(student: Student) -> Self {
        Self {
            name: StudentName::new(student.name, student.given_name, student.family_name),
            email: student.email,
            student_number: student.student_number,
            course: student.course,
            year: student.year,
            status: student.status,
        }
    }
}

/// Why the file was not loaded, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum SeedFileError {
    /// The file cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The file has another form. Nothing was written.
    #[error("{0}: {1}")]
    Form(PathBuf, serde_json::Error),
    /// Some rows were refused; all others were loaded.
    #[error("{0} rows were refused")]
    Refused(u64),
    /// A transaction failed; those before it stay, and a repeat goes on from there.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Loads a file, and reports the progress.
///
/// # Errors
/// When the file cannot be read, has another form, or has rows that are refused, or a transaction fails.
pub async fn seed_file(entities: &Entities, path: &Path) -> Result<(), SeedFileError> {
    let file = File::open(path).map_err(|error| SeedFileError::File(path.to_owned(), error))?;
    let people = serde_json::from_reader(BufReader::new(file));
    let People {
        customers,
        students,
    } = people.map_err(|error| SeedFileError::Form(path.to_owned(), error))?;
    let mut refused = 0;
    refused += load(&entities.customers, "customers", customers).await?;
    refused += load(&entities.students, "students", students).await?;
    match refused {
        0 => Ok(()),
        refused => Err(SeedFileError::Refused(refused)),
    }
}

/// Creates records; returns how many were refused for another reason than that they are there.
async fn load<R: Record>(
    records: &Records<R>,
    what: &str,
    rows: Vec<impl Into<R::New>>,
) -> Result<u64, CommandError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let bar = progress_bar(what, rows.len() as u64);
    let (mut created, mut present, mut refused) = (0_u64, 0_u64, 0_u64);
    let mut rows = rows.into_iter().peekable();
    let mut number = 0_u64;
    while rows.peek().is_some() {
        let orders = rows.by_ref().take(MAX_IMPORT_ROWS);
        let orders = orders.map(|row| Ok(Order::Create(row.into()))).collect();
        let context = CommandContext::process("seed");
        for outcome in records.carry_out(context, orders, BulkMode::Each).await? {
            number += 1;
            match outcome {
                Outcome::Done(_) => created += 1,
                Outcome::Refused(refusal) if is_present::<R>(&refusal) => present += 1,
                Outcome::Refused(refusal) => {
                    refused += 1;
                    if refused <= TOLD {
                        bar.suspend(|| tell(what, number, &refusal));
                    }
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    workers::say!("{what}: {created} created, {present} there already, {refused} refused");
    Ok(refused)
}

/// Returns whether a record with the first unique value is there.
fn is_present<R: Record>(refusal: &RowRefusal) -> bool {
    let key = R::UNIQUE.first().map(|unique| unique.field);
    refusal.field.as_deref() == key && key.is_some()
}

fn tell(what: &str, number: u64, refusal: &RowRefusal) {
    let reason = match &refusal.violations[..] {
        [] => refusal.message.clone(),
        violations => {
            let texts = violations
                .iter()
                .map(|it| format!("{} {}", it.field, it.message));
            texts.collect::<Vec<_>>().join("; ")
        }
    };
    workers::say!("{what}, number {number}: {reason}");
}
