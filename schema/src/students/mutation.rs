//! The mutations of students.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::{
    import::{ImportStudentsInput, ImportStudentsPayload},
    inputs::{CreateStudentInput, DeleteStudentInput, UpdateStudentInput, target},
    object::Student,
};
use crate::{
    error::from_students,
    request::{command_context, entities},
};

/// What `createStudent` answers.
#[derive(SimpleObject)]
pub(crate) struct CreateStudentPayload {
    /// The new student.
    student: Student,
}

/// What `updateStudent` answers.
#[derive(SimpleObject)]
pub(crate) struct UpdateStudentPayload {
    /// The student with its changes.
    student: Student,
}

/// What `deleteStudent` answers.
#[derive(SimpleObject)]
pub(crate) struct DeleteStudentPayload {
    /// The student that was deleted.
    student: Student,
}

#[derive(Default)]
pub(crate) struct StudentsMutation;

#[Object]
impl StudentsMutation {
    /// Creates a student. CONFLICT when another one has the email address or the student number.
    async fn create_student(
        &self,
        ctx: &Context<'_>,
        input: CreateStudentInput,
    ) -> Result<Option<CreateStudentPayload>> {
        let students = &entities(ctx).students;
        let student = students
            .create_student(command_context(ctx)?, input.into())
            .await
            .map_err(from_students)?;
        Ok(Some(CreateStudentPayload {
            student: Student(student),
        }))
    }

    /// Changes the given fields of a student. An update that changes nothing succeeds without an event.
    async fn update_student(
        &self,
        ctx: &Context<'_>,
        input: UpdateStudentInput,
    ) -> Result<Option<UpdateStudentPayload>> {
        let (target, update) = input.into_change()?;
        let students = &entities(ctx).students;
        let student = students
            .update_student(command_context(ctx)?, target, update)
            .await
            .map_err(from_students)?;
        Ok(Some(UpdateStudentPayload {
            student: Student(student),
        }))
    }

    /// Deletes a student. Its email address and student number are free at once.
    async fn delete_student(
        &self,
        ctx: &Context<'_>,
        input: DeleteStudentInput,
    ) -> Result<Option<DeleteStudentPayload>> {
        let target = target(&input.id, input.expected_version)?;
        let students = &entities(ctx).students;
        let student = students
            .delete_student(command_context(ctx)?, target)
            .await
            .map_err(from_students)?;
        Ok(Some(DeleteStudentPayload {
            student: Student(student),
        }))
    }

    /// Imports up to 1,000 students at once: all or nothing, or each row for itself. For larger files there is
    /// `millrace import students`.
    async fn import_students(
        &self,
        ctx: &Context<'_>,
        input: ImportStudentsInput,
    ) -> Result<Option<ImportStudentsPayload>> {
        let students = &entities(ctx).students;
        let imported = students
            .import_students(command_context(ctx)?, input.into())
            .await
            .map_err(from_students)?;
        Ok(Some(imported.into()))
    }
}
