//! What a source may be called in a package: a folder, an image format, an archive.
//!
//! The names are those under which the readers go; a test holds the two against one another.
//!
//! **Invariant:** a closed list: a package that calls a source by another name was not made by this version.

/// Image formats.
pub const IMAGE_KINDS: [&str; 11] =
    ["raw", "qcow2", "qcow", "qed", "ewf", "vmdk", "vhd", "vhdx", "vdi", "parallels", "dmg"];
/// Archives as sources.
pub const ARCHIVE_KINDS: [&str; 6] = ["tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip"];
/// The trees in archives, by the name that a ledger line gives in the place of a file system.
pub const ARCHIVE_TREES: [&str; 2] = ["tar", "zip"];
/// The file systems of volumes, by the name that a ledger line gives.
pub const FILE_SYSTEMS: [&str; 12] =
    ["ext2", "ext3", "ext4", "xfs", "btrfs", "ntfs", "fat12", "fat16", "fat32", "exfat", "iso9660", "squashfs"];

/// What a source is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceKind {
    /// A folder of the machine on which the order was run: no digest, no volume.
    Folder,
    /// An image: digest and volumes.
    Image,
    /// An archive: a digest, no volume.
    Archive,
}

impl SourceKind {
    /// By its name in the package; none for a name that is none of ours.
    pub fn named(name: &str) -> Option<Self> {
        if name == "folder" {
            Some(Self::Folder)
        } else if IMAGE_KINDS.contains(&name) {
            Some(Self::Image)
        } else if ARCHIVE_KINDS.contains(&name) {
            Some(Self::Archive)
        } else {
            None
        }
    }
}

/// A ledger line's file system is the tree in an archive.
pub fn is_archive_tree(filesystem: Option<&str>) -> bool {
    filesystem.is_some_and(|name| ARCHIVE_TREES.contains(&name))
}
