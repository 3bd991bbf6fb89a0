//! What `millrace doctor` makes of the schema of a database that has all migrations of this program.

use migration::IndexFacts;

use super::Finding;

/// Judges the migrations of a database that has all of this program's, by those that only a newer one knows.
pub fn of_migrations(newer: &[String]) -> Finding {
    let says = match newer {
        [] => "the database is up to date".to_owned(),
        _ => format!(
            "the database is up to date; a newer version has applied {}, which this one runs on",
            newer.join(", ")
        ),
    };
    Finding::ok("migrations", says)
}

/// Judges the indexes of a Postgres database.
pub fn of_indexes(facts: &IndexFacts) -> Vec<Finding> {
    let mut found = Vec::new();
    if !facts.has_trigrams {
        found.push(Finding::warning(
            "indexes",
            "there is no extension pg_trgm, so each search reads all rows",
            "let somebody who may `create extension pg_trgm` in this database, and run `millrace migrate`",
        ));
    } else if !facts.missing.is_empty() {
        found.push(Finding::warning(
            "indexes",
            format!(
                "searches lack {}, and read all rows",
                facts.missing.join(", ")
            ),
            "run `millrace migrate`, unless one runs",
        ));
    }
    if !facts.unfinished.is_empty() {
        found.push(Finding::warning(
            "indexes",
            format!(
                "{} cannot be used, though each write pays for it: it is being built, or that was interrupted",
                facts.unfinished.join(", ")
            ),
            "run `millrace migrate`, unless one runs; drop what it does not build",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok("indexes", "all can be used"));
    }
    found
}
