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
/// How deep volumes may be put in one another: tables, arrays, groups, encryption.
pub const VOLUME_DEPTH: usize = 12;
/// Volumes of one source, and volumes of one group.
pub const VOLUMES: usize = 16_384;
/// Partitions of one table, and tables of one chain of logical partitions.
pub const PARTITIONS: usize = 256;
/// What the entries of a GPT may take, in bytes.
pub const GPT_BYTES: usize = 1024 * 1024;
/// Members that an MD RAID's superblock may list (the kernel's limit is below).
pub const MD_MEMBERS: usize = 1_920;
/// Sectors of a bad block log of an MD RAID (mdadm makes eight).
pub const MD_BAD_BLOCK_SECTORS: u16 = 128;
/// The longest text of an LVM volume group, in bytes.
pub const LVM_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Values in the text of an LVM volume group.
pub const LVM_NODES: usize = 262_144;
/// How deep sections of that text may be nested.
pub const LVM_DEPTH: usize = 12;
/// The largest header of a LUKS2 volume, in bytes (the format's own limit).
pub const LUKS_HEADER_BYTES: usize = 4 * 1024 * 1024;
/// The longest key of a LUKS volume, in bytes.
pub const LUKS_KEY_BYTES: usize = 128;
/// Stripes of a LUKS key slot (cryptsetup makes 4,000).
pub const LUKS_STRIPES: usize = 4_000;
/// Key slots of one LUKS volume (cryptsetup makes 32 at most).
pub const LUKS_SLOTS: usize = 32;
/// Rounds of PBKDF2 that all keys and slots of one LUKS volume may cost together (a slot has some million).
pub const LUKS_ROUNDS: u64 = 400_000_000;
/// Memory of one Argon2 derivation, in KiB (what cryptsetup takes by default at most).
pub const LUKS_ARGON2_MEMORY_KIB: u32 = 1024 * 1024;
/// Lanes of one Argon2 derivation (cryptsetup takes four at most).
pub const LUKS_ARGON2_LANES: u32 = 16;
/// Memory times passes, in KiB, that all keys and slots of one LUKS volume may cost together.
pub const LUKS_ARGON2_WORK_KIB: u64 = 128 * 1024 * 1024;
/// Places between its beginning and its end where a volume without a mark is looked at for something else than zeros.
pub const ZERO_SAMPLES: u64 = 512;
