//! `millrace import students file.csv`: files of any size, a thousand rows in each transaction, through the same command as the mutation.
//! It may be interrupted and repeated: a transaction is complete or absent, and students who exist already, by their email address, are
//! skipped, or updated from the file with `--existing update`.

mod columns;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod rows;

use std::{
    fmt,
    fs::File,
    io::{self, Write},
    path::PathBuf,
    time::Instant,
};

use clap::{Args, ValueEnum};
use csv::{StringRecord, WriterBuilder};
use entities::{
    CommandContext, CommandError, Entities,
    record::{self, BulkMode, ImportOutcome, ImportRecords, MAX_IMPORT_ROWS},
    students::CreateStudent,
};
use indicatif::HumanCount;

use columns::Columns;
use rows::{Rows, Unreadable};
use workers::printing::progress_bar;

/// The number of refused rows reported one by one.
const TOLD: u64 = 20;

/// The arguments of the command.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct StudentsFile {
    /// The file: CSV with a first line that names the columns, in any order
    ///
    /// Required: email, course, and name, or givenName and familyName in its place. Optional: studentNumber, year, status (APPLICANT,
    /// ENROLLED, ON_LEAVE, GRADUATED, WITHDRAWN). An interrupted import is safe to repeat.
    pub file: PathBuf,
    /// What to do with students who exist already, by their email address
    #[arg(long, value_enum, default_value = "skip")]
    pub existing: Existing,
    /// The separator of columns: a character such as `;`, or `\t` for a tab
    #[arg(long, default_value = ",", value_parser = delimiter)]
    pub delimiter: u8,
    /// Write refused rows to this file, each with the reason
    #[arg(long)]
    pub refused: Option<PathBuf>,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "\t" | "\\t" | "tab" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii_punctuation() && *byte != b'"' || *byte == b' ' => Ok(*byte),
            _ => Err("must be a character such as , ; or |, or \\t for a tab".to_owned()),
        },
    }
}

/// What to do with students who exist already.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave them unchanged
    Skip,
    /// Update them from the file
    Update,
}

impl From<Existing> for record::Existing {
    fn from(existing: Existing) -> Self {
        match existing {
            Existing::Skip => Self::Skip,
            Existing::Update => Self::Update,
        }
    }
}

/// Why an import ended early; rows imported before that stay.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The file is not CSV.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// The rest of the file cannot be read.
    #[error("{cause}. What is before it was imported: {done}")]
    Unreadable {
        /// The line and the cause.
        cause: String,
        /// The result for the rows before.
        done: Summary,
    },
    /// The columns are not those of students.
    #[error("{0}")]
    Columns(String),
    /// The rows of one transaction could not be imported.
    #[error(
        "stopped at line {line}: {cause}; what is before it was imported, and a repeat goes on from there"
    )]
    Stopped {
        /// The first line of the transaction.
        line: u64,
        /// The cause.
        cause: CommandError,
    },
    /// Some rows were refused; all others were imported.
    #[error("{0} rows were refused")]
    Refused(u64),
}

/// The result of an import, by row.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Students who were created.
    pub created: u64,
    /// Students who were changed.
    pub updated: u64,
    /// Students who existed unchanged.
    pub unchanged: u64,
    /// Rows that were refused.
    pub refused: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            created,
            updated,
            unchanged,
            refused,
        } = self;
        write!(
            f,
            "{created} created, {updated} updated, {unchanged} unchanged, {refused} refused"
        )
    }
}

impl Summary {
    fn rows(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.refused
    }

    fn count(&mut self, outcome: ImportOutcome) {
        match outcome {
            ImportOutcome::Created => self.created += 1,
            ImportOutcome::Updated => self.updated += 1,
            ImportOutcome::Unchanged => self.unchanged += 1,
            ImportOutcome::Refused => self.refused += 1,
        }
    }
}

/// A row as it is in the file, and the student in it if it can be parsed.
struct Row {
    line: u64,
    record: StringRecord,
    student: Result<CreateStudent, String>,
}

/// Imports the file, and reports its progress.
///
/// # Errors
/// When the file cannot be read, a transaction fails, or rows were refused.
pub async fn import_students(
    entities: &Entities,
    options: &StudentsFile,
) -> Result<Summary, ImportError> {
    let unreadable = |error| ImportError::File(options.file.clone(), error);
    let file = File::open(&options.file).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let whole = |cause: Unreadable| match cause {
        Unreadable::Csv(cause) => ImportError::Csv(cause),
        cause => ImportError::Columns(cause.to_string()),
    };
    let mut rows = Rows::open(file, options.delimiter).map_err(whole)?;
    let columns = Columns::find(rows.headers()).map_err(ImportError::Columns)?;
    let mut refused = Refused::open(options, rows.headers())?;
    let template = "students {bar:30} {percent}% ({msg}, {eta} left)";
    let (bar, started) = (progress_bar(template, bytes), Instant::now());
    let mut summary = Summary::default();
    let mut end = None;
    while end.is_none() {
        let (batch, read_to) = read_batch(&mut rows, &columns, &mut end);
        if batch.is_empty() {
            break;
        }
        let existing = options.existing;
        import_batch(entities, existing, batch, &mut summary, &mut refused).await?;
        bar.set_position(read_to);
        bar.set_message(describe(summary.rows(), started));
    }
    bar.finish_and_clear();
    refused.finish()?;
    workers::say!("{}: {summary}", describe(summary.rows(), started));
    if let Some(Err(cause)) = end {
        let cause = cause.to_string();
        return Err(ImportError::Unreadable {
            cause,
            done: summary,
        });
    }
    match summary.refused {
        0 => Ok(summary),
        refused => Err(ImportError::Refused(refused)),
    }
}

/// Returns the rows of the next transaction, and how far the file was read. At the end of the file, or where it cannot be read, sets `end`.
fn read_batch(
    rows: &mut Rows<File>,
    columns: &Columns,
    end: &mut Option<Result<(), Unreadable>>,
) -> (Vec<Row>, u64) {
    let mut batch = Vec::with_capacity(MAX_IMPORT_ROWS);
    let mut read_to = 0;
    while batch.len() < MAX_IMPORT_ROWS && end.is_none() {
        match rows.next() {
            Ok(Some(row)) => {
                read_to = row.byte;
                let student = match row.problem {
                    Some(problem) => Err(problem),
                    None => columns.student(&row.record),
                };
                batch.push(Row {
                    line: row.line,
                    record: row.record,
                    student,
                });
            }
            Ok(None) => *end = Some(Ok(())),
            Err(cause) => *end = Some(Err(cause)),
        }
    }
    (batch, read_to)
}

async fn import_batch(
    entities: &Entities,
    existing: Existing,
    batch: Vec<Row>,
    summary: &mut Summary,
    refused: &mut Refused,
) -> Result<(), ImportError> {
    let line = batch.first().map_or(0, |row| row.line);
    let rows: Vec<_> = batch
        .iter()
        .filter_map(|row| row.student.clone().ok())
        .collect();
    let mut imported = Vec::new().into_iter();
    if !rows.is_empty() {
        let input = ImportRecords {
            rows,
            mode: BulkMode::Each,
            existing: existing.into(),
        };
        let students = &entities.students;
        let answer = students.import(CommandContext::process("import"), input);
        let answer = answer
            .await
            .map_err(|cause| ImportError::Stopped { line, cause })?;
        imported = answer.into_iter();
    }
    for row in batch {
        let reason = match row.student {
            Err(reason) => Some(reason),
            Ok(_) => imported.next().and_then(|imported| {
                if imported.outcome != ImportOutcome::Refused {
                    summary.count(imported.outcome);
                    return None;
                }
                let violations = imported.violations.iter();
                let texts = violations.map(|it| format!("{} {}", it.field, it.message));
                Some(texts.collect::<Vec<_>>().join("; "))
            }),
        };
        if let Some(reason) = reason {
            summary.count(ImportOutcome::Refused);
            refused.add(row.line, &row.record, &reason)?;
        }
    }
    Ok(())
}

/// The refused rows: reported, and written to a file if there is one.
struct Refused {
    count: u64,
    file: Option<csv::Writer<File>>,
}

impl Refused {
    fn open(options: &StudentsFile, headers: &StringRecord) -> Result<Self, ImportError> {
        let mut file = None;
        if let Some(path) = &options.refused {
            let opened = File::create(path);
            let opened = opened.map_err(|error| ImportError::File(path.to_owned(), error))?;
            let mut writer = WriterBuilder::new()
                .flexible(true)
                .delimiter(options.delimiter)
                .from_writer(opened);
            writer.write_record(headers.iter().chain(["line", "reason"]))?;
            file = Some(writer);
        }
        Ok(Self { count: 0, file })
    }

    fn add(&mut self, line: u64, record: &StringRecord, reason: &str) -> Result<(), ImportError> {
        self.count += 1;
        if self.count <= TOLD {
            // Nobody may be listening.
            let _ = writeln!(io::stderr(), "line {line} refused: {reason}");
        }
        if let Some(file) = &mut self.file {
            file.write_record(record.iter().chain([line.to_string().as_str(), reason]))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), ImportError> {
        if self.count > TOLD {
            let more = self.count - TOLD;
            let _ = writeln!(io::stderr(), "and {more} more");
        }
        match self.file.as_mut().map(csv::Writer::flush) {
            Some(Err(error)) => Err(ImportError::Csv(error.into())),
            Some(Ok(())) | None => Ok(()),
        }
    }
}

fn describe(rows: u64, started: Instant) -> String {
    let rate = rows as f64 / started.elapsed().as_secs_f64().max(0.001);
    format!("{} rows, {}/s", HumanCount(rows), HumanCount(rate as u64))
}
