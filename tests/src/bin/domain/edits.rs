//! What files that are there have to say about a new domain.

/// The list of migrations.
pub(crate) const SCRIPTS: &str = "migration/src/scripts.rs";

/// A text beside a line of a file.
pub(crate) struct Edit {
    pub(crate) file: &'static str,
    place: Place,
    /// About specimens.
    pub(crate) text: &'static str,
}

/// Beside the first line that has this, but for blanks around it.
enum Place {
    Before(&'static str),
    After(&'static str),
    /// Behind the last line that begins so.
    AfterLast(&'static str),
}

use Place::{After, AfterLast, Before};

impl Edit {
    /// The file with the text in its place.
    ///
    /// # Errors
    /// When the place is not there.
    pub(crate) fn apply(&self, file: &str, text: &str) -> Result<String, String> {
        let lines: Vec<&str> = file.lines().collect();
        let first = |sought: &str| lines.iter().position(|line| line.trim() == sought);
        let at = match self.place {
            Before(line) => first(line),
            After(line) => first(line).map(|at| at + 1),
            AfterLast(start) => {
                let last = lines
                    .iter()
                    .rposition(|line| line.trim().starts_with(start));
                last.map(|at| at + 1)
            }
        };
        let (Before(sought) | After(sought) | AfterLast(sought)) = self.place;
        let at = at.ok_or_else(|| format!("{} has no line `{sought}` any more", self.file))?;
        let (before, after) = lines.split_at(at);
        let all = before
            .iter()
            .copied()
            .chain(text.lines())
            .chain(after.iter().copied());
        Ok(all.map(|line| format!("{line}\n")).collect())
    }
}

const fn edit(file: &'static str, place: Place, text: &'static str) -> Edit {
    Edit { file, place, text }
}

const ENTITIES: &str = "entities/src/lib.rs";
const POLICY: &str = "entities/src/access/policy.rs";
const SCHEMA: &str = "schema/src/lib.rs";
const NODE: &str = "schema/src/node.rs";
const KINDS: &str = "tests/src/records.rs";
const TABLE: &str = "tests/it/access/table.rs";
const WORLD: &str = "tests/it/access/world.rs";

pub(crate) const EDITS: &[Edit] = &[
    edit(
        SCRIPTS,
        AfterLast("script!(\""),
        "    // Specimens.\n    script!(\"NUMBER_specimens\"),",
    ),
    edit(
        "migration/src/indexes.rs",
        After("create index student_search on student using gin (search_text gin_trgm_ops);"),
        "    create index specimens_search on specimens using gin (search_text gin_trgm_ops);",
    ),
    edit(ENTITIES, Before("pub mod students;"), "pub mod specimens;"),
    edit(
        ENTITIES,
        After("students::STREAM,"),
        "    specimens::STREAM,",
    ),
    edit(
        ENTITIES,
        After("pub students: students::Students,"),
        "    /// Specimens.\n    pub specimens: specimens::Specimens,",
    ),
    edit(
        ENTITIES,
        After("students: students::Students::new(log.clone(), config.cache),"),
        "            specimens: specimens::Specimens::new(log.clone(), config.cache),",
    ),
    edit(
        ENTITIES,
        After("(students::STREAM, self.students.cache_figures()),"),
        "            (specimens::STREAM, self.specimens.cache_figures()),",
    ),
    edit(
        ENTITIES,
        After("record::event_contracts::<students::Student>(),"),
        "        record::event_contracts::<specimens::Specimen>(),",
    ),
    edit(
        POLICY,
        After("WriteStudents,"),
        "    /// Read, list and follow specimens.\n    ReadSpecimens,\n    /// Create, update, delete and restore specimens.\n    WriteSpecimens,",
    ),
    edit(
        POLICY,
        After("Self::ReadStudents | Self::WriteStudents | Self::ModeratePosts => Role::Staff,"),
        "            Self::ReadSpecimens | Self::WriteSpecimens => Role::Staff,",
    ),
    edit(SCHEMA, Before("mod students;"), "mod specimens;"),
    edit(
        SCHEMA,
        After("students::StudentsQuery,"),
        "    specimens::SpecimensQuery,",
    ),
    edit(
        SCHEMA,
        After("students::StudentsMutation,"),
        "    specimens::SpecimensMutation,",
    ),
    edit(
        SCHEMA,
        After("students::StudentsSubscription,"),
        "    specimens::SpecimensSubscription,",
    ),
    edit(
        SCHEMA,
        Before(
            ".override_output_type_description::<record::List<students::Student>>(\"A page of students.\")",
        ),
        "        .override_output_type_description::<record::List<specimens::Specimen>>(\n            \"A page of specimens.\",\n        )",
    ),
    edit(
        NODE,
        Before("students::Student,"),
        "    specimens::Specimen,",
    ),
    edit(NODE, After("Student(Student),"), "    Specimen(Specimen),"),
    edit(
        NODE,
        Before("StudentId::KIND => {"),
        "        entities::specimens::SpecimenId::KIND => {\n            let found = record::find(ctx, Id::from_uuid(uuid)).await?;\n            found.map(Node::Specimen)\n        }",
    ),
    edit(
        KINDS,
        Before("const COURSES: [&str; 3] = [\"Law\", \"law\", \"Physics\"];"),
        include_str!("templates/kind.rs.txt"),
    ),
    edit(
        "tests/it/records.rs",
        After("contract!(students: super::STUDENTS);"),
        "contract!(specimens: tests::records::SPECIMENS);",
    ),
    edit(
        TABLE,
        After(
            "const WRITE_STUDENTS: &str = \"Create, update, delete, restore and import students\";",
        ),
        "const READ_SPECIMENS: &str = \"Read, list, count and follow specimens, and their histories\";\nconst WRITE_SPECIMENS: &str = \"Create, update, delete and restore specimens\";",
    ),
    edit(
        TABLE,
        AfterLast("row(READ_STUDENTS, \"node\""),
        include_str!("templates/reading.txt"),
    ),
    edit(
        TABLE,
        AfterLast("row(WRITE_STUDENTS, \"importStudents\""),
        include_str!("templates/writing.txt"),
    ),
    edit(
        TABLE,
        AfterLast("row(READ_STUDENTS, \"studentChanged\""),
        "    row(READ_SPECIMENS, \"specimenChanged\", \"subscription { specimenChanged(after: <start>) { specimen { code } } }\", STAFF),",
    ),
    edit(
        WORLD,
        AfterLast("let student = students::create("),
        "        let (specimens, number) = (&tests::records::SPECIMENS, fastrand::usize(..1 << 40));\n        let specimen = specimens.create(admin, number).await[\"id\"].clone();\n        let gone_specimen = specimens.create(admin, number + 1).await[\"id\"].clone();\n        specimens.apply(admin, \"delete\", json!({ \"id\": gone_specimen })).await;",
    ),
    edit(
        WORLD,
        After("(\"student\", text(&student)),"),
        "            (\"specimen\", text(&specimen)),\n            (\"deleted_specimen\", text(&gone_specimen)),",
    ),
    edit(
        "docs/client/permissions.md",
        AfterLast("| Create, update, delete, restore and import students |"),
        "| Read, list, count and follow specimens, and their histories | – | – | yes | yes |\n| Create, update, delete and restore specimens | – | – | yes | yes |",
    ),
    edit(
        "docs/client/domains.md",
        Before("## Signals"),
        "## Specimens\n\nA specimen has a code that no other specimen has, regardless of case, until it is deleted; a restore fails if the code was taken meanwhile.\n",
    ),
];
