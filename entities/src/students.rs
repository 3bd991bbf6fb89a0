//! Students: who applies, studies and leaves. An address is unique among the students that are not deleted, whatever its
//! case, and so is a student number; both are free again after their student's deletion. Students come in bulk, and are
//! read much more often than they change: hot ones are kept in two levels, the second warmed by a worker.

mod commands;
mod error;
mod events;
mod import;
mod queries;
mod rules;
mod student;
mod warming;

pub use commands::{ChangeStudent, CreateStudent, UpdateStudent};
pub use error::StudentError;
pub use events::{CACHE_STREAM, STREAM, StudentEvent, StudentEventKind, event_schemas};
pub use import::{
    ExistingStudents, ImportMode, ImportOutcome, ImportRefusal, ImportStudents, ImportedStudent,
    MAX_IMPORT_ROWS,
};
pub use queries::{StudentFilter, StudentSort, StudentSortField};
pub use student::{Student, StudentStatus};
pub use warming::WarmingFollower;

use ::events::EventLog;

use crate::cache::{Cache, CacheConfig, CacheFigures};

/// The commands and queries of students.
#[derive(Clone)]
pub struct Students {
    log: EventLog,
    cache: Cache<Student>,
}

impl Students {
    pub(crate) fn new(log: EventLog, config: CacheConfig) -> Self {
        let cache = Cache::new(&log, config);
        Self { log, cache }
    }

    /// What the cache of hot students has done.
    pub fn cache_figures(&self) -> CacheFigures {
        self.cache.figures()
    }
}
