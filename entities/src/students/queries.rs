//! The queries. Deleted students are left out. One student is read through the cache, lists from the table.

use ::events::{HistoryPage, StreamKey};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    STREAM, Student, StudentStatus, Students,
    student::{Column, Entity},
};
use crate::{
    Direction, Edge, Page, PageRequest, SortKey,
    access::{AccessError, Action, Viewer, authorize},
    boxed,
    cache::Cached,
    paging::Sorted,
    searching::contains,
    text::fold,
};

/// Which students a list has.
#[derive(Debug, Clone, Default)]
pub struct StudentFilter {
    /// Part of the name, the address, the number or the course, whatever its case.
    pub search: Option<String>,
    /// Any of these.
    pub status: Option<Vec<StudentStatus>>,
    /// Any of these, whatever their case.
    pub course: Option<Vec<String>>,
    /// Any of these.
    pub year: Option<Vec<i32>>,
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StudentSortField {
    /// When it was created.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// By name, by code point.
    Name,
    /// By address in lower case, by code point.
    Email,
    /// By course in lower case, by code point.
    Course,
    /// By year of study.
    Year,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudentSort {
    /// The first criterion; the second is the id.
    pub field: StudentSortField,
    /// Of both.
    pub direction: Direction,
}

impl StudentSortField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::CreatedAt,
            Self::UpdatedAt => Column::UpdatedAt,
            Self::Name => Column::Name,
            Self::Email => Column::EmailKey,
            Self::Course => Column::CourseKey,
            Self::Year => Column::Year,
        }
    }

    fn key(self, student: &Student) -> SortKey {
        match self {
            Self::CreatedAt => SortKey::Time(student.created_at),
            Self::UpdatedAt => SortKey::Time(student.updated_at),
            Self::Name => SortKey::Text(student.name.clone()),
            Self::Email => SortKey::Text(student.email_key.clone()),
            Self::Course => SortKey::Text(student.course_key.clone()),
            Self::Year => SortKey::Number(student.year.into()),
        }
    }

    /// Whether a key could have come from this column.
    pub fn accepts(self, key: &SortKey) -> bool {
        match self {
            Self::CreatedAt | Self::UpdatedAt => matches!(key, SortKey::Time(_)),
            Self::Name | Self::Email | Self::Course => matches!(key, SortKey::Text(_)),
            Self::Year => matches!(key, SortKey::Number(_)),
        }
    }
}

impl StudentFilter {
    fn condition(&self, backend: DbBackend) -> Condition {
        let mut condition = Condition::all().add(Column::DeletedAt.is_null());
        let search = self.search.as_deref();
        condition = condition.add(contains(backend, "student", search));
        if let Some(status) = &self.status {
            condition = condition.add(Column::Status.is_in(status.iter().copied()));
        }
        if let Some(courses) = &self.course {
            let courses = courses.iter().map(|course| fold(course.trim()));
            condition = condition.add(Column::CourseKey.is_in(courses));
        }
        if let Some(year) = &self.year {
            condition = condition.add(Column::Year.is_in(year.iter().copied()));
        }
        condition
    }
}

impl Students {
    /// The student, unless it is unknown or deleted.
    #[boxed]
    pub async fn find_student(
        &self,
        viewer: &Viewer,
        id: Uuid,
    ) -> Result<Cached<Option<Student>>, AccessError> {
        authorize(viewer, Action::ReadStudents)?;
        let reader = self.log.database().reader.clone();
        let load = async move {
            let found = Entity::find_by_id(id).one(&reader).await?;
            Ok(found.filter(|student| student.deleted_at.is_none()))
        };
        Ok(self.cache.get(id, load).await?)
    }

    /// A page of a sorted list.
    #[boxed]
    pub async fn list_students(
        &self,
        viewer: &Viewer,
        filter: &StudentFilter,
        sort: StudentSort,
        request: &PageRequest,
    ) -> Result<Page<Student>, AccessError> {
        authorize(viewer, Action::ReadStudents)?;
        let sorted = Sorted {
            column: sort.field.column(),
            id: Column::Id,
            direction: sort.direction,
        };
        let rows = Entity::find().filter(filter.condition(self.log.database().backend()));
        let rows = request
            .select(rows, &sorted)
            .all(&self.log.database().reader)
            .await?;
        Ok(request.page_of(rows, |row| Edge {
            key: sort.field.key(row),
            id: row.id,
        }))
    }

    /// How many students a list has in all.
    #[boxed]
    pub async fn count_students(
        &self,
        viewer: &Viewer,
        filter: &StudentFilter,
    ) -> Result<u64, AccessError> {
        authorize(viewer, Action::ReadStudents)?;
        Ok(Entity::find()
            .filter(filter.condition(self.log.database().backend()))
            .count(&self.log.database().reader)
            .await?)
    }

    /// What happened to one student, oldest first.
    #[boxed]
    pub async fn read_history(
        &self,
        viewer: &Viewer,
        id: Uuid,
        after_version: i64,
        limit: u64,
    ) -> Result<HistoryPage, AccessError> {
        authorize(viewer, Action::ReadStudents)?;
        let stream = StreamKey { kind: STREAM, id };
        Ok(self.log.read_stream(stream, after_version, limit).await?)
    }
}
