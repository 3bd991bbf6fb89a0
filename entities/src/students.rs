//! Students: people who apply, study and leave. An address is unique among the students that are not deleted, whatever its
//! case, and so is a student number. Both are free again after their student is deleted; a restore fails if another student has taken
//! one since. Students are imported in bulk, and are read much more often than they change: hot ones are cached in two levels, of which a worker warms the second.

mod names;
mod record;
mod student;

pub use names::StudentName;
pub use record::{
    CACHE_STREAM, CreateStudent, STREAM, StudentData, StudentField, StudentSortField, UpdateStudent,
};
pub use student::{Student, StudentId, StudentStatus};

/// The commands and queries of students.
pub type Students = crate::record::Records<Student>;
