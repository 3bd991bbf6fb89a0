//! The queries of students.

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, Edge},
};
use entities::students;
use uuid::Uuid;

use super::{
    KIND,
    inputs::{StudentFilter, StudentSort},
    object::Student,
};
use crate::{
    connection::{ListCursor, PageArguments},
    error::from_access,
    id,
    price::{COUNT, cost},
    request::{entities, viewer, with_staleness},
};

#[derive(Default)]
pub(crate) struct StudentsQuery;

/// What a list of students has besides its page.
pub(crate) struct StudentTotals(students::StudentFilter);

#[Object]
impl StudentTotals {
    /// How many students match the filter. Counting reads all of them; ask for it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        entities(ctx)
            .students
            .count_students(viewer(ctx)?, &self.0)
            .await
            .map_err(from_access)
    }
}

/// The student with this uuid, for `student` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: Uuid) -> Result<Option<Student>> {
    let found = entities(ctx).students.find_student(viewer(ctx)?, id).await;
    let found = with_staleness(ctx, found.map_err(from_access)?)?;
    Ok(found.map(Student))
}

#[Object]
impl StudentsQuery {
    /// One student; null when there is none with this id, or it is deleted.
    async fn student(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The student's global id.")] id: ID,
    ) -> Result<Option<Student>> {
        find(ctx, id::decode_as(KIND, "id", &id)?).await
    }

    /// Students, a page at a time, newest first unless sorted otherwise. Give `first` with `after`, or `last` with
    /// `before`; without both, the first 20.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a connection are the field's"
    )]
    async fn students(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Students after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Students before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which students.")] filter: Option<StudentFilter>,
        #[graphql(desc = "In which order.")] sort: Option<StudentSort>,
    ) -> Result<Option<Connection<ListCursor<students::StudentSort>, Student, StudentTotals>>> {
        let sort: students::StudentSort = sort.unwrap_or_default().into();
        let filter: students::StudentFilter = filter.unwrap_or_default().into();
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let request = arguments.request(|cursor: &ListCursor<students::StudentSort>| {
            cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
        })?;
        let page = entities(ctx)
            .students
            .list_students(viewer(ctx)?, &filter, sort, &request)
            .await
            .map_err(from_access)?;
        let totals = StudentTotals(filter);
        let mut connection =
            Connection::with_additional_fields(page.has_previous, page.has_next, totals);
        connection.edges = page
            .items
            .into_iter()
            .map(|(edge, student)| Edge::new(ListCursor { sort, edge }, Student(student)))
            .collect();
        Ok(Some(connection))
    }
}
