//! Removes a user's personal data from an archive: files that contain some are rewritten, under other names. If it is killed on
//! the way, the manifest has some of the new files, and the rest follows the next time.

use std::{fs, io};

use uuid::Uuid;

use super::{
    Archive, ArchiveFile, Result, files::Lines, files::read_lines, files::replace, name_of,
    revision_of,
};
use crate::{Error, Event, retention::personal::Redactor};

impl Archive {
    /// Returns those of the subjects whose personal data is still in the archive.
    pub(in crate::retention) fn not_erased(&self, subjects: &[Uuid]) -> Vec<Uuid> {
        let erased = &self.manifest.erased;
        let is_left = |id: &&Uuid| !erased.contains(id);
        subjects.iter().filter(is_left).copied().collect()
    }

    /// Rewrites the files with events that `redactor` changes; returns their number. Blocks.
    pub(in crate::retention) fn erase(&mut self, redactor: &Redactor) -> Result<u64> {
        let mut rewritten = 0;
        for number in 0..self.manifest.files.len() {
            let old = self.manifest.files[number].clone();
            if !self.concerns(&old, redactor)? {
                continue;
            }
            let new = self.rewrite(&old, redactor)?;
            let mut manifest = self.manifest.clone();
            manifest.files[number] = new;
            self.store(manifest)?;
            fs::remove_file(self.directory.join(&old.name)).map_err(|error| self.io(error))?;
            rewritten += 1;
        }
        let mut manifest = self.manifest.clone();
        if !manifest.erased.contains(&redactor.subject().id) {
            manifest.erased.push(redactor.subject().id);
        }
        self.store(manifest)?;
        Ok(rewritten)
    }

    fn events(
        &self,
        file: &ArchiveFile,
    ) -> Result<impl Iterator<Item = io::Result<Event>> + use<>> {
        read_lines(&self.directory.join(&file.name)).map_err(|error| self.io(error))
    }

    fn concerns(&self, file: &ArchiveFile, redactor: &Redactor) -> Result<bool> {
        for event in self.events(file)? {
            let event = event.map_err(|error| self.io(error))?;
            if redactor.redact(&event)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rewrite(&self, old: &ArchiveFile, redactor: &Redactor) -> Result<ArchiveFile> {
        let revision = revision_of(&old.name) + 1;
        let name = name_of(old.first, old.last, revision);
        let events = self.events(old)?;
        let written = replace(&self.directory, &name, |file| {
            let mut lines = Lines::new(file);
            for event in events {
                let event = event?;
                let redacted = redactor.redact(&event).map_err(other)?;
                lines.write(redacted.as_ref().unwrap_or(&event))?;
            }
            lines.finish()
        });
        let digest = written.map_err(|error| self.io(error))?;
        Ok(ArchiveFile {
            name,
            bytes: digest.bytes,
            sha256: digest.sha256,
            ..old.clone()
        })
    }
}

fn other(error: Error) -> io::Error {
    io::Error::other(error)
}
