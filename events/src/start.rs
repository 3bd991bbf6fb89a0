//! Starts the log of a process: the head is read, and the tasks begin that number events, relay them to Redis, receive those of
//! other processes, and watch whether all of it is current. Without Redis the log itself is the bus.

use tokio::sync::mpsc;

use crate::{
    Database, EventLog, LogConfig, Result, boxed, bus, carrier, pump, read, readiness, relay,
    whispers::QUEUED_MESSAGES,
};

impl EventLog {
    /// Reads the head, and takes no part: nothing is numbered, relayed or received. For those who look at a log and leave it as it is.
    #[boxed]
    pub async fn look(database: Database, config: LogConfig) -> Result<Self> {
        let head = read::read_head(&database.reader).await?;
        // Nobody whispers.
        let (to_others, _) = mpsc::channel(1);
        Self::at(&head, database, config, to_others)
    }

    /// Reads the head and starts the background tasks, which run until the process ends.
    #[boxed]
    pub async fn start(database: Database, config: LogConfig) -> Result<Self> {
        let head = read::sequence(&database.background, 0).await?.head;
        let (to_others, queue) = mpsc::channel(QUEUED_MESSAGES);
        let log = Self::at(&head, database, config, to_others)?;
        tokio::spawn(pump::run(log.clone()));
        tokio::spawn(readiness::watch(log.clone()));
        if let Some(redis) = log.shared.redis.clone() {
            tokio::spawn(relay::run(log.clone(), redis.clone()));
            tokio::spawn(bus::run(log.clone(), redis.clone()));
            tokio::spawn(carrier::send(log.clone(), redis.clone(), queue));
            tokio::spawn(carrier::hear(log.clone(), redis.clone()));
            tokio::spawn(redis.keep_looking());
        }
        Ok(log)
    }
}
