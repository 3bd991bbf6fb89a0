//! The queries, mutations and subscriptions of students.

use async_graphql::{Context, ID, Object, Subscription};
use futures::Stream;

use super::{
    import::{ImportStudentsInput, ImportStudentsPayload},
    inputs::{
        CreateStudentInput, CreateStudentsInput, DeleteStudentsInput, RestoreStudentsInput,
        StudentFilter, StudentSortField, UpdateStudentInput, UpdateStudentsInput,
    },
    object::{Student, StudentStatistics},
};
use crate::{
    error::Result,
    plain::Shown,
    record::{
        self, BulkPayload, ChangeType, Create, Delete, List, Payload, RecordChange, Restore,
        TargetInput, Update,
    },
    request::{command_context, entities},
    sort::SortInput,
    statistics,
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
        #[graphql(desc = "In which order.")] sort: Option<SortInput<StudentSortField>>,
    ) -> Result<Option<List<Student>>> {
        record::list(ctx, (first, after, last, before), filter, sort).await
    }

    /// Counts of students by status and by day. They follow changes within moments.
    async fn student_statistics(&self, ctx: &Context<'_>) -> Result<Option<StudentStatistics>> {
        statistics::read(ctx).await
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

    /// Deletes a student. It can be restored; its email address and number are free at once.
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

    /// Brings a deleted student back. CONFLICT when its email address or number was taken since.
    async fn restore_student(
        &self,
        ctx: &Context<'_>,
        input: TargetInput<Restore, Student>,
    ) -> Result<Option<Payload<Restore, Student>>> {
        record::restore(ctx, input).await
    }

    /// Creates up to 1,000 students at once: all or none, or each row for itself.
    async fn create_students(
        &self,
        ctx: &Context<'_>,
        input: CreateStudentsInput,
    ) -> Result<Option<BulkPayload<Create, Student>>> {
        record::bulk(ctx, input).await
    }

    /// Changes up to 1,000 students at once: all or none, or each row for itself.
    async fn update_students(
        &self,
        ctx: &Context<'_>,
        input: UpdateStudentsInput,
    ) -> Result<Option<BulkPayload<Update, Student>>> {
        record::bulk(ctx, input).await
    }

    /// Deletes up to 1,000 students at once: all or none, or each row for itself.
    async fn delete_students(
        &self,
        ctx: &Context<'_>,
        input: DeleteStudentsInput,
    ) -> Result<Option<BulkPayload<Delete, Student>>> {
        record::bulk(ctx, input).await
    }

    /// Brings up to 1,000 deleted students back at once: all or none, or each row for itself.
    async fn restore_students(
        &self,
        ctx: &Context<'_>,
        input: RestoreStudentsInput,
    ) -> Result<Option<BulkPayload<Restore, Student>>> {
        record::bulk(ctx, input).await
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

    /// The statistics now, and again whenever they have changed.
    async fn student_statistics(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<StudentStatistics>>> {
        statistics::follow(ctx).await
    }
}
