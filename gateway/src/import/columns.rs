//! The columns of a file of students: found by name, whatever their order, case and punctuation. An unknown column is an error, so that a
//! misspelled one is not silently ignored. Columns without a name, which spreadsheets add, must be empty.

use csv::StringRecord;
use entities::students::{CreateStudent, StudentName, StudentStatus};

/// The names as they are shown; the comparison ignores case and punctuation.
const KNOWN: [&str; 8] = [
    "email",
    "course",
    "name",
    "givenName",
    "familyName",
    "studentNumber",
    "year",
    "status",
];
/// The number of the first columns that are required.
const REQUIRED: usize = 2;
/// The places of the columns of names among those known: the whole name, and its parts.
const NAMES: std::ops::Range<usize> = 2..5;

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
        let missing = missing.filter(|(_, place)| place.is_none());
        let mut missing: Vec<_> = missing.map(|(name, _)| *name).collect();
        match places[NAMES] {
            [Some(_), None, None] | [None, Some(_), Some(_)] => {}
            [None, ..] => missing.push("name, or givenName and familyName"),
            _ => {
                let message = "name cannot be a column beside givenName and familyName, which are parts of it";
                return Err(message.to_owned());
            }
        }
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
        let given = |column: usize| field(column).map(str::to_owned);
        let text = |column: usize| given(column).unwrap_or_default();
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
            name: match self.places[NAMES.start] {
                Some(_) => StudentName::of(text(2)),
                None => StudentName::new(None, given(3), given(4)),
            },
            email: text(0),
            course: text(1),
            student_number: given(5),
            year: match field(6) {
                Some(year) => year
                    .parse()
                    .map_err(|_| format!("year must be a number, not {year:?}"))?,
                None => 1,
            },
            status: match field(7) {
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
        assert_eq!(student.name, StudentName::of("Ada"));
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
    fn a_name_is_in_one_column_or_in_two() {
        let headers = record(&["Family name", "given_name", "email", "course"]);
        let columns = Columns::find(&headers).expect("columns");
        let name = |fields: &[&str]| columns.student(&record(fields)).expect("a student").name;
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            name(&["van Beethoven", "Ludwig", "l@example.com", "Music"]),
            StudentName::new(None, some("Ludwig"), some("van Beethoven"))
        );
        assert_eq!(
            name(&["", "Plato", "p@example.com", "Ethics"]),
            StudentName::new(None, some("Plato"), None)
        );
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
        for names in [&[][..], &["familyName"], &["givenName"]] {
            let missing = problem(&[&["email", "course"][..], names].concat());
            assert!(missing.ends_with("missing: name, or givenName and familyName"));
        }
        assert!(problem(&["name", "familyName", "email", "course"]).contains("parts of it"));
        assert!(problem(&["name", "email", "corse"]).contains("\"corse\" is not known"));
        assert!(problem(&["name", "email", "course", "Name"]).contains("twice"));
    }
}
