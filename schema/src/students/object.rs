//! The student as clients see it.

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use entities::students;

use super::KIND;
use crate::{
    connection::checked,
    error::from_access,
    history, id,
    request::{entities, viewer},
};

/// Where a student stands.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "students::StudentStatus")]
pub(crate) enum StudentStatus {
    /// Has applied for a place.
    Applicant,
    /// Studies.
    Enrolled,
    /// Is away for a while.
    OnLeave,
    /// Has finished.
    Graduated,
    /// Has left without finishing.
    Withdrawn,
}

/// Somebody who applies, studies, or did.
pub(crate) struct Student(pub(super) students::Student);

#[Object]
impl Student {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        id::encode(KIND, self.0.id)
    }

    /// The name, 1 to 200 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The email address; unique among the students that are not deleted, whatever its case.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// What the school calls the student; unique among the students that are not deleted, whatever its case.
    async fn student_number(&self) -> Option<&str> {
        self.0.student_number.as_deref()
    }

    /// What is studied.
    async fn course(&self) -> &str {
        &self.0.course
    }

    /// Which year of it, from 1.
    async fn year(&self) -> i32 {
        self.0.year
    }

    /// Where the student stands.
    async fn status(&self) -> StudentStatus {
        self.0.status.into()
    }

    /// Grows by one with every change; `expectedVersion` of mutations refers to it.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When it was deleted; null unless it is.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }

    /// All that changed it, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.", default = 20)] first: i32,
        #[graphql(desc = "Events after this cursor of an edge.")] after: Option<String>,
    ) -> Result<Option<history::History>> {
        let limit = checked("first", first)?;
        let after_version = history::decode_after(after.as_deref())?;
        let entities = entities(ctx);
        let epoch = entities.log.tail().cursor().epoch;
        let page = entities
            .students
            .read_history(viewer(ctx)?, self.0.id, after_version, limit)
            .await
            .map_err(from_access)?;
        Ok(Some(history::connect(page, after_version, epoch)))
    }
}
