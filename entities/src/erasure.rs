//! Erases the personal data of a deactivated user in all domains: each domain declares which data in its events is personal
//! (`PERSONAL_DATA`), and changes its own tables (`erase_rows`). The erasure is requested here, and a worker does it step by
//! step; the argument that nothing comes back is in `events/src/retention/erase.rs`. A new place for personal data has to be
//! added to `AllDomains`; a test writes it everywhere and looks for it everywhere afterwards.

mod answers;

use std::sync::{Arc, LazyLock};

use events::{
    DatabaseTransaction, Eraser, ErasureStatus, EventLog, PersonalData, REDACTED, ReadModel,
    Subject, read_erasures,
};
use futures::future::BoxFuture;
use uuid::Uuid;

use crate::{
    CommandContext,
    access::{AccessError, Action, UserId, Viewer, authorize},
    boxed, chats,
    event_kinds::EventContract,
    posts,
    users::{self, UserError, Users},
};

/// How many completed erasures are listed.
const LISTED: u64 = 100;

static PERSONAL_DATA: LazyLock<Vec<PersonalData>> = LazyLock::new(|| {
    let mut all = vec![users::PERSONAL_DATA, chats::PERSONAL_DATA];
    all.extend(posts::PERSONAL_DATA);
    all
});

/// The commands and queries of erasures.
#[derive(Clone)]
pub struct Erasures {
    log: EventLog,
    users: Users,
}

impl Erasures {
    pub(crate) fn new(log: EventLog, users: Users) -> Self {
        Self { log, users }
    }

    /// Requests the erasure of a user's personal data; the user must be deactivated. One that goes on is returned as it is, and one that
    /// has ended begins again.
    ///
    /// # Errors
    /// `NotFound` and `NotDeactivated`.
    #[boxed]
    pub async fn erase_user(
        &self,
        context: CommandContext,
        id: UserId,
    ) -> Result<ErasureStatus, UserError> {
        self.users.erase_user(context, id).await?;
        let erasures = read_erasures(self.log.database(), Some(id.uuid()), 1).await?;
        erasures
            .into_iter()
            .next()
            .ok_or(UserError::NotFound(users::STREAM))
    }

    /// Returns the progress of the erasure of a user's data, if there is one.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be read.
    #[boxed]
    pub async fn find_erasure(
        &self,
        viewer: &Viewer,
        id: UserId,
    ) -> Result<Option<ErasureStatus>, AccessError> {
        authorize(viewer, Action::EraseUsers)?;
        let erasures = read_erasures(self.log.database(), Some(id.uuid()), 1).await?;
        Ok(erasures.into_iter().next())
    }

    /// Returns the erasures that have not completed, and the last that have.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be read.
    #[boxed]
    pub async fn list_erasures(&self, viewer: &Viewer) -> Result<Vec<ErasureStatus>, AccessError> {
        authorize(viewer, Action::EraseUsers)?;
        Ok(read_erasures(self.log.database(), None, LISTED).await?)
    }
}

/// The personal data of all domains.
pub struct AllDomains;

impl Eraser for AllDomains {
    fn subject(&self, id: Uuid) -> Subject {
        Subject {
            id,
            actor: UserId::from_uuid(id).to_string(),
        }
    }

    fn personal_data(&self) -> &'static [PersonalData] {
        &PERSONAL_DATA
    }

    fn followers(&self) -> Vec<&'static str> {
        vec![posts::POSTS_FOLLOWER]
    }

    fn read_models(&self) -> Vec<Arc<dyn ReadModel>> {
        vec![Arc::new(posts::PostsModel)]
    }

    fn erase_rows<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        subject: &'a Subject,
    ) -> BoxFuture<'a, events::Result<u64>> {
        Box::pin(async move {
            let mut changed = chats::erase_rows(tx, subject).await?;
            changed += posts::erase_rows(tx, subject).await?;
            changed += answers::erase(tx, subject).await?;
            Ok(changed)
        })
    }
}

/// Returns the contract of the event of an erasure: it says that the log was redacted, and nothing more.
pub(crate) fn event_contract() -> EventContract {
    EventContract {
        event_type: REDACTED,
        version: 1,
        stream: events::ERASURE_STREAM,
        meaning: "Personal data was redacted in the log.".to_owned(),
        schema: serde_json::json!({ "type": "object", "properties": {} }),
    }
}
