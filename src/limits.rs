//! Every bound on what evidence, an order or a package may make the program do, by name.
//!
//! **Invariant:** no reader allocates a length that its input states without holding it against one of these.

/// The longest line of a log that is read as a record; a longer one is unreadable and short.
pub const LINE_BYTES: usize = 16 * 1024 * 1024;
/// The longest message that is read as a record; a longer one is unreadable and short.
pub const MESSAGE_BYTES: usize = 64 * 1024 * 1024;
/// What is read from a stream at once.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// How much of a stream a format's probe is shown.
pub const PROBE_BYTES: usize = 8 * 1024;
/// How deep the parts of a message are read for a text search; what is nested deeper is undecided.
pub const PART_DEPTH: usize = 24;
/// How many of those levels may be messages that are themselves encoded.
pub const ENCODED_MESSAGE_DEPTH: usize = 4;
/// Words and signs of one address of a mail header; one that has more is undecided.
pub const ADDRESS_TOKENS: usize = 4_096;
/// What one stream's admitted bytes may take of memory; what is over goes to an unlinked file beside the output.
pub const SPOOL_MEMORY_BYTES: usize = 8 * 1024 * 1024;
/// The longest order or provider file.
pub const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
/// A manifest up to this size, in bytes, shows all its syntax errors; a larger one its first.
pub const MANIFEST_RECOVERED_BYTES: usize = 256 * 1024;
/// Clauses in one order.
pub const CLAUSES: usize = 256;
/// Sources in one order.
pub const SOURCES: usize = 256;
/// Exhibits in one package: their numbers have six digits.
pub const EXHIBITS: u32 = 999_999;
/// Entries of one folder of a source.
pub const FOLDER_ENTRIES: usize = 8_000_000;
/// How deep folders of a source may be nested.
pub const FOLDER_DEPTH: usize = 512;
/// The longest path of an order or a provider file, in bytes.
pub const PATH_BYTES: usize = 64 * 1024;
/// How deep archives are opened within one another.
pub const ARCHIVE_DEPTH: usize = 4;
/// Archives of one source that are open at once.
pub const ARCHIVES: usize = 4_096;
/// The longest key file (that of `cryptsetup`).
pub const KEY_BYTES: u64 = 8 * 1024 * 1024;
/// The largest table of mounts that is read for a proposal.
pub const MOUNT_TABLE_BYTES: u64 = 1024 * 1024;
/// Unpacked bytes of one compressed stream.
pub const UNPACKED_BYTES: u64 = 1 << 40;
/// The longest line of a package's own JSON that `verify` reads.
pub const PACKAGE_LINE_BYTES: usize = 4 * 1024 * 1024;
/// Findings that `verify` lists; it counts the rest.
pub const FINDINGS: usize = 1_000;
/// Rows of a table in `report.html`; the rest are in `exhibits.jsonl`.
pub const REPORT_ROWS: usize = 2_000;
/// What the paths of the exhibits that a report lists may take of memory, in bytes.
pub const REPORT_PATH_BYTES: usize = 8 * 1024 * 1024;
/// Different days, then months, that a timeline keeps apart: a century of days.
pub const TIMELINE_BUCKETS: usize = 36_600;
/// Findings about one manifest that are shown; the rest are counted.
pub const DIAGNOSTICS: usize = 500;
/// Values of one list in a manifest: identifiers, paths, roles.
pub const LIST_ITEMS: usize = 100_000;
/// What is read from an image at once for its file system.
pub const WINDOW_BYTES: usize = 256 * 1024;
/// How many such windows are kept.
pub const WINDOWS: usize = 32;
/// The largest level 1 table of a qcow2 image, in entries (QEMU's own limit).
pub const QCOW2_L1_ENTRIES: u64 = 4 * 1024 * 1024;
/// Level 2 tables of a qcow2 image that lie outside the stored file and are remembered; one with more is refused.
pub const QCOW2_LOST_TABLES: usize = 65_536;
/// The largest block of an ext file system.
pub const EXT_BLOCK_BYTES: u64 = 64 * 1024;
/// The largest inode of an ext file system.
pub const EXT_INODE_BYTES: u64 = 4 * 1024;
/// Block groups of an ext file system (64 TiB in groups of 128 MiB).
pub const EXT_GROUPS: u64 = 524_288;
/// Runs of blocks of one file of an ext file system that are held in memory.
pub const EXT_RUNS: usize = 1024 * 1024;
/// Nodes of one file's block map or extent tree that are read.
pub const EXT_NODES: u64 = 4 * 1024 * 1024;
/// The largest folder of an ext file system, in bytes.
pub const EXT_FOLDER_BYTES: u64 = 1024 * 1024 * 1024;
/// Blocks of an ext journal that are examined (the kernel makes none over 1 GiB of 1 KiB blocks).
pub const EXT_JOURNAL_BLOCKS: u64 = 16 * 1024 * 1024;
/// The largest block of an XFS file system, and of its folders.
pub const XFS_BLOCK_BYTES: u64 = 64 * 1024;
/// The largest inode of an XFS file system.
pub const XFS_INODE_BYTES: u64 = 2 * 1024;
/// Runs of blocks of one file of an XFS file system that are held in memory.
pub const XFS_RUNS: usize = 4 * 1024 * 1024;
/// Nodes of one inode's tree of extents that are read.
pub const XFS_NODES: u64 = 4 * 1024 * 1024;
/// The largest folder of an XFS file system, in bytes.
pub const XFS_FOLDER_BYTES: u64 = 1024 * 1024 * 1024;
/// The largest log of an XFS file system (`XFS_MAX_LOG_BYTES`).
pub const XFS_LOG_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Sectors of 512 bytes that an XFS log may replace in memory: 512 MiB.
pub const XFS_REPLAYED_SECTORS: usize = 1024 * 1024;
/// Bytes of unfinished transactions of an XFS log that are held in memory.
pub const XFS_TRANSACTION_BYTES: usize = 512 * 1024 * 1024;
/// The largest buffer that an item of an XFS log may name: a folder's block or a cluster of inodes, twice over.
pub const XFS_BUFFER_BYTES: usize = 128 * 1024;
