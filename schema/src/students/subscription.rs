//! The subscription of students.

use async_graphql::{Context, Enum, ID, Object, Result, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    access::{Action, Grant, Requirement},
    students::{self, StudentEvent, StudentEventKind},
};
use events::{Cursor, EventSource, Topic};
use futures::{Stream, StreamExt};

use super::{KIND, object::Student};
use crate::{
    error::{from_access, from_event, from_feed},
    id,
};

/// What can happen to a student.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "students::StudentEventKind")]
pub(crate) enum StudentChangeType {
    /// It was created.
    Created,
    /// Some of its fields changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// A worker put it into the cache that all processes share. That changes nothing of the student.
    Cached,
}

/// Something that happened to a student.
pub(crate) struct StudentChange {
    cursor: Cursor,
    actor: String,
    occurred_at: DateTime<Utc>,
    event: StudentEvent,
}

#[Object]
impl StudentChange {
    /// The change's place in the log: subscribe with `after` this to get what follows.
    async fn cursor(&self) -> String {
        self.cursor.to_string()
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn change_type(&self) -> StudentChangeType {
        self.event.kind.into()
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.actor
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// The student's version after the change; when it was cached, the version that was.
    async fn version(&self) -> i64 {
        self.event.student.version
    }

    /// The student after the change; when it was cached, as it was.
    async fn student(&self) -> Student {
        Student(self.event.student.clone())
    }
}

#[derive(Default)]
pub(crate) struct StudentsSubscription;

#[Subscription]
impl StudentsSubscription {
    /// What happens to one student, or to all. With `after` it begins with everything that happened since that cursor;
    /// everything comes once, in order.
    async fn student_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what happens to this student.")] id: Option<ID>,
        #[graphql(
            desc = "Only this.",
            default_with = "vec![StudentChangeType::Created, StudentChangeType::Updated, StudentChangeType::Deleted]"
        )]
        kinds: Vec<StudentChangeType>,
        #[graphql(
            name = "after",
            desc = "Changes after this cursor: of a change, or `extensions.cursor` of any response."
        )]
        _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<StudentChange>>> {
        let id = id.map(|id| id::decode_as(KIND, "id", &id)).transpose()?;
        let requirement = Requirement::Action(Action::ReadStudents);
        let granted = ctx.data::<Grant>()?.require(requirement).await;
        granted.map_err(from_access)?;
        let kinds: Vec<StudentEventKind> = kinds.into_iter().map(Into::into).collect();
        let topics: Vec<_> = kinds
            .iter()
            .map(|kind| Topic {
                kind: kind.stream(),
                id,
            })
            .collect();
        let source = ctx.data::<EventSource>()?.clone();
        let changes = source.follow(topics);
        Ok(changes.filter_map(move |event| {
            let change = match event {
                Ok(event) => decode(&event, source.cursor_behind(&event)).map(|change| {
                    let is_wanted = kinds.contains(&change.event.kind);
                    is_wanted.then_some(change)
                }),
                Err(cause) => Err(from_feed(cause)),
            };
            std::future::ready(change.transpose())
        }))
    }
}

fn decode(event: &events::Event, cursor: Cursor) -> Result<StudentChange> {
    Ok(StudentChange {
        cursor,
        actor: event.meta.actor.clone(),
        occurred_at: event.occurred_at,
        event: StudentEvent::decode(event).map_err(|cause| from_event(&cause))?,
    })
}
