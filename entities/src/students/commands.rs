//! The commands: each changes the row and appends its event in one transaction, or does nothing. A row is locked before
//! it is changed, so of concurrent updates each sees the one before it; `expected_version` turns that into a conflict.
//! Many at once are in `import`.

use ::events::{StreamKey, Tx, now};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect};
use uuid::Uuid;

use super::{
    STREAM, Student, StudentError, StudentEventKind, StudentStatus, Students,
    events::{StudentData, new_event},
    rules,
    student::{ActiveModel, Entity},
};
use crate::{
    CommandContext,
    access::{Action, authorize},
    boxed, idempotency,
};

type Result<T, E = StudentError> = std::result::Result<T, E>;

/// Input of `create_student`, and a row of an import.
#[derive(Debug, Clone)]
pub struct CreateStudent {
    /// 1 to 200 characters.
    pub name: String,
    /// Unique among the students that are not deleted.
    pub email: String,
    /// Unique among the students that are not deleted; 1 to 32 characters.
    pub student_number: Option<String>,
    /// 1 to 120 characters.
    pub course: String,
    /// 1 to 20.
    pub year: i32,
    /// The first status.
    pub status: StudentStatus,
}

/// Input of `update_student`: what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateStudent {
    /// A new name.
    pub name: Option<String>,
    /// A new address.
    pub email: Option<String>,
    /// A new student number, or none.
    pub student_number: Option<Option<String>>,
    /// Another course.
    pub course: Option<String>,
    /// Another year.
    pub year: Option<i32>,
    /// A new status.
    pub status: Option<StudentStatus>,
}

/// Which student to change, and in which version the caller saw it.
#[derive(Debug, Clone, Copy)]
pub struct ChangeStudent {
    /// Its id.
    pub id: Uuid,
    /// Fails with a conflict when the student is at another version.
    pub expected_version: Option<i64>,
}

impl UpdateStudent {
    /// Sets what is given.
    pub(super) fn apply(self, student: &mut Student) {
        let Self {
            name,
            email,
            student_number,
            course,
            year,
            status,
        } = self;
        student.name = name.unwrap_or_else(|| student.name.clone());
        if let Some(email) = email.filter(|it| *it != student.email) {
            student.email = email;
            student.address_key = None;
        }
        student.student_number = student_number.unwrap_or_else(|| student.student_number.clone());
        student.course = course.unwrap_or_else(|| student.course.clone());
        student.year = year.unwrap_or(student.year);
        student.status = status.unwrap_or(student.status);
    }
}

impl CreateStudent {
    /// A student that does not exist yet.
    pub(super) fn into_student(self) -> Student {
        let at = now();
        let mut student = Student {
            id: Uuid::now_v7(),
            name: self.name,
            email: self.email,
            email_key: String::new(),
            address_key: None,
            student_number: self.student_number,
            number_key: None,
            course: self.course,
            course_key: String::new(),
            year: self.year,
            status: self.status,
            search_text: String::new(),
            version: 1,
            created_at: at,
            updated_at: at,
            deleted_at: None,
        };
        student.derive_keys();
        student
    }
}

impl Students {
    /// Creates a student.
    #[boxed]
    pub async fn create_student(
        &self,
        context: CommandContext,
        input: CreateStudent,
    ) -> Result<Student> {
        authorize(&context.viewer, Action::WriteStudents)?;
        let input = rules::check_new(input).map_err(StudentError::Invalid)?;
        self.log
            .write(move |tx| {
                let (context, input) = (context.clone(), input.clone());
                Box::pin(async move {
                    idempotency::once(tx, &context, create_in_tx(tx, &context, input)).await
                })
            })
            .await
    }

    /// Changes the given fields. An update that changes nothing succeeds and appends no event.
    #[boxed]
    pub async fn update_student(
        &self,
        context: CommandContext,
        target: ChangeStudent,
        input: UpdateStudent,
    ) -> Result<Student> {
        authorize(&context.viewer, Action::WriteStudents)?;
        let input = rules::check_update(input).map_err(StudentError::Invalid)?;
        self.change(context, target, StudentEventKind::Updated, move |student| {
            input.clone().apply(student);
        })
        .await
    }

    /// Deletes a student; its address and number are free.
    #[boxed]
    pub async fn delete_student(
        &self,
        context: CommandContext,
        target: ChangeStudent,
    ) -> Result<Student> {
        self.change(context, target, StudentEventKind::Deleted, |student| {
            student.deleted_at = Some(now());
        })
        .await
    }

    async fn change(
        &self,
        context: CommandContext,
        target: ChangeStudent,
        kind: StudentEventKind,
        edit: impl Fn(&mut Student) + Send + Sync + 'static,
    ) -> Result<Student> {
        authorize(&context.viewer, Action::WriteStudents)?;
        let edit = std::sync::Arc::new(edit);
        self.log
            .write(move |tx| {
                let (context, edit) = (context.clone(), edit.clone());
                Box::pin(async move {
                    let work = change_in_tx(tx, &context, target, kind, &*edit);
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }
}

async fn create_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    input: CreateStudent,
) -> Result<Student> {
    let student = input.into_student();
    let row: ActiveModel = student.clone().into_active_model();
    Entity::insert(row).exec_without_returning(&**tx).await?;
    append(tx, context, StudentEventKind::Created, student).await
}

async fn change_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    target: ChangeStudent,
    kind: StudentEventKind,
    edit: &(dyn Fn(&mut Student) + Send + Sync),
) -> Result<Student> {
    let before = Entity::find_by_id(target.id)
        .lock_exclusive()
        .one(&**tx)
        .await?
        .filter(|student| student.deleted_at.is_none())
        .ok_or(StudentError::NotFound)?;
    if target
        .expected_version
        .is_some_and(|expected| expected != before.version)
    {
        return Err(StudentError::VersionConflict {
            current: before.version,
        });
    }
    let mut student = before.clone();
    edit(&mut student);
    if student == before {
        return Ok(before);
    }
    store_next(tx, &mut student, &before).await?;
    append(tx, context, kind, student).await
}

/// Stores a changed student as the version after `before`.
pub(super) async fn store_next(tx: &Tx<'_>, student: &mut Student, before: &Student) -> Result<()> {
    student.derive_keys();
    student.version = before.version + 1;
    // Never backwards, whatever the clocks of the processes say.
    student.updated_at = now().max(before.updated_at);
    let row: ActiveModel = student.clone().into_active_model().reset_all();
    Entity::update(row).exec(&**tx).await?;
    Ok(())
}

async fn append(
    tx: &Tx<'_>,
    context: &CommandContext,
    kind: StudentEventKind,
    student: Student,
) -> Result<Student> {
    let stream = StreamKey {
        kind: STREAM,
        id: student.id,
    };
    let data = StudentData { student };
    let event = new_event(kind, &data, data.student.updated_at);
    let expected = data.student.version - 1;
    tx.append(stream, expected, event, &context.meta()).await?;
    Ok(data.student)
}
