//! The operating system's account that the server runs as. It is our own, unless we are root, because PostgreSQL
//! refuses root.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
};

use crate::PostgresError;

/// An unprivileged account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// The account to become. `None` if we are unprivileged already.
    pub fn to_become() -> Result<Option<Self>, PostgresError> {
        // SAFETY: geteuid always succeeds and touches no memory.
        if unsafe { libc::geteuid() } != 0 {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self::parse(&passwd).map(Some).ok_or(PostgresError::NoAccount)
    }

    /// Parses the entry `postgres`, else `nobody`, of a passwd(5) file.
    fn parse(passwd: &str) -> Option<Self> {
        ["postgres", "nobody"].iter().find_map(|name| {
            let mut fields =
                passwd.lines().map(|l| l.split(':')).find_map(|mut f| (f.next() == Some(name)).then_some(f))?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(Self { name: (*name).to_owned(), uid, gid })
        })
    }

    /// Makes the account the owner of the folder or file.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }

    /// Checks that the account may enter every folder above `path`.
    pub fn can_reach(&self, path: &Path) -> Result<(), PostgresError> {
        for folder in path.ancestors().skip(1) {
            let Ok(meta) = fs::metadata(folder) else { continue };
            let mode = meta.permissions().mode();
            let open = mode & 0o001 != 0
                || (meta.uid() == self.uid && mode & 0o100 != 0)
                || (meta.gid() == self.gid && mode & 0o010 != 0);
            if !open {
                return Err(PostgresError::Unreachable { account: self.name.clone(), folder: folder.to_owned() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n";

    #[test]
    fn postgres_is_preferred_to_nobody() {
        let both = format!("{PASSWD}postgres:x:105:113:PostgreSQL:/var/lib/postgresql:/bin/bash\n");
        assert_eq!(Account::parse(&both), Some(Account { name: "postgres".into(), uid: 105, gid: 113 }));
        assert_eq!(Account::parse(PASSWD).unwrap().name, "nobody");
        assert_eq!(Account::parse("root:x:0:0:root:/root:/bin/bash"), None);
    }

    #[test]
    fn a_closed_folder_on_the_way_is_named() {
        let closed = tempfile::tempdir().unwrap();
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account { name: "stranger".into(), uid: 4_000_001, gid: 4_000_001 };
        let error = stranger.can_reach(&closed.path().join("data")).unwrap_err().to_string();
        assert!(error.contains(closed.path().to_str().unwrap()) && error.contains("stranger"), "{error}");
    }
}
