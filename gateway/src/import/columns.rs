//! The columns of a file of students: found by name, whatever their order, case and punctuation. An unknown column is an error, so that a
//! misspelled one is not silently ignored. Columns without a name, which spreadsheets add, must be empty.

use csv::StringRecord;
use entities::students::{CreateStudent, StudentStatus};

/// The names as they are shown; the comparison ignores case and punctuation.
const KNOWN: [&str; 6] = ["name", "email", "course", "studentNumber", "year", "status"];
/// The number of the first columns that are required.
const REQUIRED: usize = 3;

/// The place of each known column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    places: [Option<usize>; KNOWN.len()],
    /// The number of fields that a row must have: up to the last column with a name.
    named: usize,
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

impl Columns {
    pub(super) fn find(headers: &StringRecord) -> Result<Self, String> {
        let mut places = [None; KNOWN.len()];
        for (place, header) in headers.iter().enumerate() {
            if header.trim().is_empty() {
                continue;
            }
            let column = KNOWN.iter().position(|known| plain(known) == plain(header));
            let Some(column) = column else {
                let known = KNOWN.join(", ");
                let hint = match headers.len() == 1 && header.contains([';', '\t', '|', ',']) {
                    true => {
                        "; if its columns are separated by something else, name that with --delimiter"
                    }
                    false => "",
                };
                return Err(format!(
                    "the column {header:?} is not known; known are {known}{hint}"
                ));
            };
            if places[column].replace(place).is_some() {
                return Err(format!("the column {header:?} is there twice"));
            }
        }
        let missing = KNOWN.iter().zip(&places).take(REQUIRED);
        let missing: Vec<_> = missing
            .filter(|(_, place)| place.is_none())
            .map(|(name, _)| *name)
            .collect();
        match missing.is_empty() {
            true => Ok(Self {
                named: places.iter().flatten().max().map_or(0, |last| last + 1),
                places,
            }),
            false => Err(format!(
                "the first line must name the columns; missing: {}",
                missing.join(", ")
            )),
        }
    }

    /// Returns the student in a row, or why it cannot be parsed. Whether it is valid is the domain's decision.
    pub(super) fn student(&self, record: &StringRecord) -> Result<CreateStudent, String> {
        let field = |column: usize| {
            let text = self.places[column].and_then(|place| record.get(place));
            text.map(str::trim).filter(|text| !text.is_empty())
        };
        let text = |column: usize| field(column).unwrap_or_default().to_owned();
        if record.len() < self.named {
            return Err(format!("has {} fields, not {}", record.len(), self.named));
        }
        let nameless = |place: usize| !self.places.contains(&Some(place));
        let mut fields = record.iter().enumerate();
        if let Some((place, _)) =
            fields.find(|(place, text)| nameless(*place) && !text.trim().is_empty())
        {
            let number = place + 1;
            return Err(format!(
                "has {} fields, and the first line names no column {number}",
                record.len()
            ));
        }
        Ok(CreateStudent {
            name: text(0),
            email: text(1),
            course: text(2),
            student_number: field(3).map(str::to_owned),
            year: match field(4) {
                Some(year) => year
                    .parse()
                    .map_err(|_| format!("year must be a number, not {year:?}"))?,
                None => 1,
            },
            status: match field(5) {
                Some(name) => status(name)
                    .ok_or_else(|| format!("status must be one of those known, not {name:?}"))?,
                None => StudentStatus::Applicant,
            },
        })
    }
}

fn status(name: &str) -> Option<StudentStatus> {
    let name = name.to_uppercase().replace([' ', '-'], "_");
    serde_json::from_value(serde_json::Value::String(name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[&str]) -> StringRecord {
        fields.to_vec().into()
    }

    #[test]
    fn columns_are_found_by_name() {
        let headers = record(&["Email", "student number", "NAME", "course", "Status"]);
        let columns = Columns::find(&headers).expect("columns");
        let row = record(&["ada@example.com", " ", " Ada ", "Mathematics", "on leave"]);
        let student = columns.student(&row).expect("a student");
        assert_eq!(student.name, "Ada");
        assert_eq!(student.student_number, None);
        assert_eq!(student.year, 1);
        assert_eq!(student.status, StudentStatus::OnLeave);
        let unreadable = |fields: &[&str]| columns.student(&record(fields)).is_err();
        assert!(unreadable(&["ada@example.com"]));
        assert!(unreadable(&[
            "ada@example.com",
            "1",
            "Ada",
            "Mathematics",
            "lost"
        ]));
    }

    #[test]
    fn columns_without_a_name_are_empty() {
        let headers = record(&["name", "", "email", "course", " ", ""]);
        let columns = Columns::find(&headers).expect("columns");
        let read = |fields: &[&str]| columns.student(&record(fields));
        assert!(read(&["Ada", "", "ada@example.com", "Law", "", ""]).is_ok());
        assert!(read(&["Ada", "", "ada@example.com", "Law"]).is_ok());
        assert!(read(&["Ada", "", "ada@example.com", "Law", "", "", "", " "]).is_ok());
        let problem = read(&["Ada", "", "ada@example.com", "Law", "", "x"]).expect_err("a value");
        assert!(problem.contains("no column 6"), "{problem}");
        assert!(read(&["Ada", "", "ada@example.com"]).is_err());
    }

    #[test]
    fn wrong_columns_are_named() {
        let problem = |headers: &[&str]| Columns::find(&record(headers)).expect_err("a problem");
        assert!(problem(&["name", "email"]).ends_with("missing: course"));
        assert!(problem(&["name", "email", "corse"]).contains("\"corse\" is not known"));
        assert!(problem(&["name", "email", "course", "Name"]).contains("twice"));
    }
}
