//! The account after each fault: every answered request is in the log, once; the log is dense; every subscriber has got its
//! events, once and in order; and log, read models and counters agree.

use super::{Rig, audit};
use crate::comparison::Findings;
use crate::waiting::SOON;

impl Rig {
    /// Returns the findings since the last account.
    pub async fn account(&mut self) -> Findings {
        let mut findings = Findings::default();
        if let Err(problem) = self.compare(&mut findings).await {
            findings.lost.push(problem);
        }
        let dead = self.load.dead_writers();
        if dead > 0 {
            findings.lost.push(format!("{dead} writers have failed"));
        }
        findings
    }

    async fn compare(&mut self, findings: &mut Findings) -> Result<(), String> {
        let answered = self.load.book.take_answered();
        let head = self.sight.head(SOON).await?;
        let known = self.load.log.end();
        let entries = self.sight.log_after(known).await?;
        self.load.log.extend(entries, findings);
        if self.load.log.end() < head.position {
            let (end, head) = (self.load.log.end(), head.position);
            findings
                .lost
                .push(format!("the log has {end} of {head} positions"));
        }
        self.load.book.enter(self.load.log.after(known));
        findings.absorb(self.load.book.verify(&answered));
        self.load.compare_subscribers(SOON, findings).await;
        let disagreements = self.sight.disagreements(&audit::checks()).await?;
        findings.lost.extend(disagreements);
        Ok(())
    }
}
