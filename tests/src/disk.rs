//! A disk of a few megabytes that tests can fill: a file system in memory, where mounting is allowed. It is unmounted when
//! dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct SmallDisk {
    pub path: PathBuf,
}

impl SmallDisk {
    /// Mounts the disk at a new directory `path`; returns `None` where that is not allowed.
    pub fn mount(path: PathBuf, megabytes: u32) -> Option<Self> {
        fs::create_dir(&path).expect("a directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(&path)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { path }),
            refused => {
                println!("no file system can be mounted here: {refused:?}");
                None
            }
        }
    }

    /// Fills the disk.
    pub fn fill(&self) {
        let mut file = fs::File::create(self.filling()).expect("a file");
        for size in [1 << 20, 4 << 10] {
            let bytes = vec![0; size];
            while std::io::Write::write_all(&mut file, &bytes).is_ok() {}
        }
    }

    /// Frees the space again.
    pub fn free(&self) {
        fs::remove_file(self.filling()).expect("it was filled");
    }

    fn filling(&self) -> PathBuf {
        self.path.join("filling")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("-l")
            .arg::<&Path>(&self.path)
            .status();
    }
}
