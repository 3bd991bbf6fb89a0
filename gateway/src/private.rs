//! Files are private to the user that the process runs as, whatever the umask is: the database with SQLite's files beside it, locks, keys
//! and archives hold data that nobody else on the machine should read. Called first by `main`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::{fs::Mode, process::umask};

/// The suffixes of files that SQLite and this product keep beside a database.
const BESIDE: [&str; 6] = ["", "-wal", "-shm", "-journal", ".lock", ".token-keys"];
const OTHERS: u32 = 0o077;

/// Makes all files private that the process creates from here on.
pub fn keep_files_private() {
    umask(Mode::from_raw_mode(OTHERS));
}

/// Makes existing files of the database in `file` private.
pub fn take_back(file: &Path) {
    for end in BESIDE {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        let path = PathBuf::from(name);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o7777;
        if !metadata.is_file() || mode & OTHERS == 0 {
            continue;
        }
        if let Err(error) = fs::set_permissions(&path, Permissions::from_mode(mode & !OTHERS)) {
            let path = path.display();
            tracing::warn!(%error, "{path} can be read by others, and that could not be changed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_could_read_is_taken_back() {
        let folder = std::env::temp_dir().join(format!("private-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("millrace.db");
        let files = ["millrace.db", "millrace.db-wal", "millrace.db.token-keys"];
        let mode = |name| {
            let metadata = fs::metadata(folder.join(name)).expect("a file");
            metadata.permissions().mode() & 0o777
        };
        for name in files {
            fs::write(folder.join(name), name).expect("a file");
            let open = Permissions::from_mode(0o664);
            fs::set_permissions(folder.join(name), open).expect("its mode");
        }
        take_back(&file);
        assert_eq!(files.map(mode), [0o600; 3]);
        fs::remove_dir_all(&folder).expect("it is removed");
    }
}
