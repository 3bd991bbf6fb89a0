//! Where a connection leads: to the primary for which its pool was opened. Asked by pools before they hand a connection out, and by
//! `lease` for as long as it holds one.

use std::io;

use sea_orm::{
    SqlxError,
    sqlx::{self, PgConnection},
};

use super::{PostgresHosts, Primary, Standing, describe, standing};

/// A primary among its hosts; cheap to clone.
#[derive(Clone)]
pub(in crate::database) struct Place {
    pub(in crate::database) hosts: PostgresHosts,
    pub(in crate::database) primary: Primary,
}

impl Place {
    /// Checks that a new connection leads there.
    pub(in crate::database) async fn admit(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<()> {
        let standing = standing(connection).await?;
        if let Standing::Primary(identity) = standing
            && self.primary.identity.is_that_of(identity)
        {
            return Ok(());
        }
        self.hosts.suspect();
        let before = Some(self.primary);
        let (host, says) = (
            self.hosts.name(self.primary),
            describe(Some(&Ok(standing)), before),
        );
        Err(io::Error::other(format!("{host} {says}")).into())
    }

    /// Returns whether it is time to prove that the server is a primary.
    pub(in crate::database) fn is_proof_due(&self) -> bool {
        self.hosts.take_proof_turn()
    }

    /// Returns whether the server of an old connection is still a primary. It is no other server: timelines do not change under
    /// connections.
    pub(in crate::database) async fn is_proved_by(&self, connection: &mut PgConnection) -> bool {
        let is_proved = matches!(standing(connection).await, Ok(Standing::Primary(_)));
        if !is_proved {
            self.hosts.suspect();
        }
        is_proved
    }

    pub(in crate::database) fn suspect(&self) {
        self.hosts.suspect();
    }

    /// Returns whether another primary was chosen since.
    pub(in crate::database) fn is_left(&self) -> bool {
        self.hosts.chosen() != Some(self.primary)
    }

    pub(in crate::database) fn left(&self) -> SqlxError {
        let host = self.hosts.name(self.primary);
        io::Error::new(
            io::ErrorKind::NotConnected,
            format!("{host} is no longer the primary"),
        )
        .into()
    }

    /// Waits for an answer, until another primary is chosen.
    pub(in crate::database) async fn unless_left<T>(
        place: Option<&Self>,
        answer: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        let Some(place) = place else {
            return answer.await;
        };
        let mut chosen = place.hosts.watch();
        tokio::select! {
            biased;
            answer = answer => answer,
            _ = chosen.wait_for(|chosen| *chosen != Some(place.primary)) => Err(place.left()),
        }
    }
}
