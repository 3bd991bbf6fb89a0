//! One client of a live query: the newest answer of its group, when it is another than the one told last, is not older, and is one that the
//! client may see. It is polled only while its client has room, and holds nothing meanwhile but the ends of channels.

use std::sync::Arc;

use async_graphql::ServerError;
use bytes::Bytes;
use entities::grants::Grant;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::{oneshot, watch};

use super::answer::{Answer, WHOLE};
use super::execution::Query;
use super::group::{Group, Need, State};
use crate::live::{
    Shared, caller::refused, holding::Holding, own::broken_off, request::GroupKey, scope::Scope,
};
use crate::metrics::METRICS;
use crate::operation::Payload;

pub(super) struct Watcher {
    shared: Arc<Shared>,
    key: GroupKey,
    query: Query,
    /// The client's rights, for as long as it watches.
    grant: Grant,
    holding: Arc<Holding>,
    group: Arc<Group>,
    state: watch::Receiver<State>,
    /// What the next answer must be.
    need: Need,
    /// The digest of what the client has.
    digest: Option<String>,
    /// The number of the content told last, among those of this group.
    told: Option<u64>,
    /// The revision of what the client has; 0 before the first.
    revision: u64,
}

enum Look {
    /// There is nothing to tell.
    Nothing,
    Tell(Arc<Answer>),
    Rejoin,
    End(Vec<ServerError>),
}

impl Watcher {
    /// Joins the group of the query. `digest` is that of an answer which the client has.
    pub(super) fn new(
        shared: Arc<Shared>,
        mut key: GroupKey,
        query: Query,
        (grant, holding): (Grant, Holding),
        need: Need,
        digest: Option<String>,
    ) -> Self {
        key.settle_scope(&query.context.viewer, &shared.personal);
        let holding = Arc::new(holding);
        let (group, state) = Group::join(&shared, &key, &query, &holding);
        let mut watcher = Self {
            shared,
            key,
            query,
            grant,
            holding,
            group,
            state,
            need,
            digest,
            told: None,
            revision: 0,
        };
        watcher.need_current_rights();
        watcher
    }

    pub(super) fn into_stream(self) -> BoxStream<'static, Payload> {
        futures::stream::unfold(self, Self::step).boxed()
    }

    async fn step(mut self) -> Option<(Payload, Self)> {
        loop {
            let look = self.look();
            // A mark that is set before this line concerns the answer; one that is set later comes after its delivery.
            if self.grant.is_stale() {
                match Box::pin(self.recheck()).await {
                    Ok(()) => continue,
                    Err(error) => return Some((Payload::Error(vec![error]), self)),
                }
            }
            match look {
                Look::Tell(answer) => {
                    let frame = self.tell(&answer);
                    return Some((Payload::Next(frame), self));
                }
                Look::Rejoin => self.rejoin(),
                Look::End(errors) => return Some((Payload::Error(errors), self)),
                Look::Nothing => {
                    let grant = self.grant.clone();
                    tokio::select! {
                        biased;
                        () = grant.stale() => {}
                        // The group's sender lives as long as this handle on it.
                        _ = self.state.changed() => {}
                    }
                }
            }
        }
    }

    fn look(&mut self) -> Look {
        let state = self.state.borrow_and_update();
        let answer = match &*state {
            State::Pending => return Look::Nothing,
            State::Personal => return Look::Rejoin,
            State::Error(errors) => return Look::End(errors.clone()),
            State::Answer(answer) => answer,
        };
        if !self.need.is_met_by(answer) {
            self.group.ask(self.need);
            return Look::Nothing;
        }
        let is_told = self.revision > 0 && self.digest.as_ref() == Some(&answer.content.digest);
        if is_told {
            // What it has is right up to here. If another group said so, its number here is known now.
            self.need.seen = answer.cursor.position;
            self.told = Some(answer.content.number);
            return Look::Nothing;
        }
        Look::Tell(answer.clone())
    }

    fn tell(&mut self, answer: &Answer) -> Bytes {
        let content = &answer.content;
        let is_next = self.told.is_some_and(|told| told + 1 == content.number);
        let patched = is_next.then(|| answer.patched(self.revision + 1));
        let frame = match patched.flatten() {
            Some(patch) => {
                self.revision += 1;
                patch
            }
            None if self.digest.as_ref() == Some(&content.digest) => {
                self.revision = WHOLE;
                answer.unchanged()
            }
            None => {
                self.revision = WHOLE;
                answer.whole()
            }
        };
        let saved = content.length().saturating_sub(frame.len());
        METRICS.live_saved_bytes.inc_by(saved as u64);
        METRICS.live_deliveries.inc();
        self.need.seen = answer.cursor.position;
        self.told = Some(content.number);
        self.digest = Some(content.digest.clone());
        frame
    }

    /// Looks the client's rights up. They were changed before, so an answer counts if its execution begins from here on.
    async fn recheck(&mut self) -> Result<(), ServerError> {
        let (grant, (tell, checked)) = (self.grant.clone(), oneshot::channel());
        tokio::spawn(async move {
            // Nobody may be waiting any more.
            let _ = tell.send(grant.recheck().await.map_err(refused));
        });
        let viewer = checked.await.map_err(|_| broken_off())??;
        let differs = viewer.role() != self.query.context.viewer.role();
        self.query.context.viewer = viewer;
        match differs {
            true => self.rejoin(),
            false => self.need_current_rights(),
        }
        Ok(())
    }

    /// Joins the group of the query in its current state.
    fn rejoin(&mut self) {
        let viewer = &self.query.context.viewer;
        self.key.settle_scope(viewer, &self.shared.personal);
        (self.group, self.state) = Group::join(&self.shared, &self.key, &self.query, &self.holding);
        self.told = None;
        // Executions are counted by each group for itself.
        self.need.number = 0;
        self.need_current_rights();
    }

    /// What all callers of a role may see depends on nothing but the role. Anything else must be computed from now on.
    fn need_current_rights(&mut self) {
        if matches!(self.key.scope(), Scope::User(..)) {
            self.need.number = self.group.next_number();
        }
    }
}
