//! The queries, mutations and subscriptions of students.

use async_graphql::{Context, ID, Object, Subscription};
use futures::Stream;

use super::{
    import::{ImportStudentsInput, ImportStudentsPayload},
    inputs::{CreateStudentInput, StudentFilter, UpdateStudentInput},
    object::Student,
};
use crate::{
    error::Result,
    plain::Shown,
    record::{
        self, ChangeType, Create, Delete, List, Payload, RecordChange, SortInput, TargetInput,
        Update,
    },
    request::{command_context, entities},
};

#[derive(Default)]
pub(crate) struct StudentsQuery;

#[Object]
impl StudentsQuery {
    /// One student; null when there is none with this id, or it is deleted.
    async fn student(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The student's global id.")] id: ID,
    ) -> Result<Option<Shown<Student>>> {
        let student = record::look_up(ctx, &id).await?;
        Ok(student.map(Shown))
    }

    /// Students, a page at a time, newest first unless sorted otherwise. Give `first` with `after`, or `last` with
    /// `before`; without both, the first 20.
    #[expect(clippy::too_many_arguments, reason = "as of a connection")]
    async fn students(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Students after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Students before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which students.")] filter: Option<StudentFilter>,
        #[graphql(desc = "In which order.")] sort: Option<SortInput<Student>>,
    ) -> Result<Option<List<Student>>> {
        let filter = filter.unwrap_or_default().into();
        record::list(ctx, (first, after, last, before), filter, sort).await
    }
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
    ) -> Result<Option<Payload<Create, Student>>> {
        record::create(ctx, input).await
    }

    /// Changes the given fields of a student. An update that changes nothing succeeds without an event.
    async fn update_student(
        &self,
        ctx: &Context<'_>,
        input: UpdateStudentInput,
    ) -> Result<Option<Payload<Update, Student>>> {
        record::update(ctx, input).await
    }

    /// Deletes a student. Its email address and number are free at once.
    async fn delete_student(
        &self,
        ctx: &Context<'_>,
        input: TargetInput<Delete, Student>,
    ) -> Result<Option<Payload<Delete, Student>>> {
        record::delete(ctx, input).await
    }

    /// Imports up to 1,000 students at once: all or nothing, or each row for itself. For larger files there is
    /// `millrace import students`.
    async fn import_students(
        &self,
        ctx: &Context<'_>,
        input: ImportStudentsInput,
    ) -> Result<Option<ImportStudentsPayload>> {
        let students = &entities(ctx).students;
        let imported = students.import(command_context(ctx)?, input.into()).await;
        Ok(Some(imported?.into()))
    }
}

#[derive(Default)]
pub(crate) struct StudentsSubscription;

#[Subscription]
impl StudentsSubscription {
    /// What happens to one student, or to all. With `after` it begins with everything that happened since that cursor,
    /// which may be `extensions.cursor` of any response; everything comes once, in order.
    async fn student_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what happens to this student.")] id: Option<ID>,
        #[graphql(desc = "Only this.", default_with = "ChangeType::changing()")] types: Vec<
            ChangeType<Student>,
        >,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<RecordChange<Student>>>> {
        record::follow(ctx, Some(types), id).await
    }
}
