//! Students: who applies, studies and leaves. An address is unique among the students that are not deleted, whatever its
//! case, and so is a student number; both are free again after their student's deletion. Students come in bulk, and are
//! read much more often than they change: hot ones are kept in two levels, the second warmed by a worker.

mod record;
mod student;

pub use record::{
    CACHE_STREAM, CreateStudent, STREAM, StudentData, StudentFilter, StudentSortField,
    UpdateStudent,
};
pub use student::{Student, StudentId, StudentStatus};

/// The commands and queries of students.
pub type Students = crate::record::Records<Student>;
