//! Why a process does not start, in words for its operator.

use std::io;

use entities::users::UserError;
use gateway::{
    import::ImportError,
    seed::{SeedFileError, SeedPostsError},
};
use migration::SchemaError;
use workers::{operating::OperatingError, rebuilding::RebuildFailure, retention::RetentionError};

/// Why the process cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("the database cannot be used: {0}")]
    Log(#[from] events::Error),
    #[error("{0}")]
    NotSole(#[from] events::NotSole),
    #[error("there is no database {0}; name one with --database-url (DATABASE_URL)")]
    NoDatabase(String),
    #[error("{0}; run `millrace migrate`, or start with --migrate")]
    NotMigrated(SchemaError),
    #[error("the database cannot be used: {0}")]
    Schema(SchemaError),
    #[error("the database cannot be brought up to date: {0}")]
    Migration(SchemaError),
    #[error("--production and --demo-data exclude each other")]
    DemoInProduction,
    #[error("the folder {0} cannot be created: {1}")]
    Folder(String, io::Error),
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, io::Error),
    #[error("probes cannot be answered at {0}: {1}")]
    HealthListen(std::net::SocketAddr, io::Error),
    #[error("the admin listener cannot listen on {0}: {1}")]
    AdminListen(std::net::SocketAddr, io::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Import(#[from] ImportError),
    #[error("seeding failed: {0}")]
    Seed(#[from] entities::CommandError),
    #[error("seeding failed: {0}")]
    Demo(Box<dyn std::error::Error + Send + Sync>),
    #[error("seeding failed: {0}")]
    SeedPosts(#[from] SeedPostsError),
    #[error(transparent)]
    SeedFile(#[from] SeedFileError),
    #[error("{0}")]
    Rebuild(#[from] RebuildFailure),
    #[error("{0}")]
    Retention(#[from] RetentionError),
    #[error("{0}")]
    Operating(#[from] OperatingError),
    #[error("{0}")]
    Keys(String),
    #[error("{0}")]
    Settings(String),
    #[error("{}", describe(.0))]
    Users(#[from] UserError),
}

impl From<SchemaError> for StartError {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::NotMigrated(_) => Self::NotMigrated(error),
            error => Self::Schema(error),
        }
    }
}

/// Describes an error with its violations, which tell what to do.
fn describe(error: &UserError) -> String {
    match error {
        UserError::Invalid(violations) => {
            let violations = violations.0.iter();
            let texts =
                violations.map(|violation| format!("{} {}", violation.field, violation.message));
            texts.collect::<Vec<_>>().join("; ")
        }
        error => error.to_string(),
    }
}
