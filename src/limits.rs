//! Every bound on what evidence, an order or a package may make the program do, by name.
//!
//! **Invariant:** no reader allocates a length that its input states without holding it against one of these.

/// The longest line of a log that is read as a record; a longer one is unreadable and short.
pub const LINE_BYTES: usize = 16 * 1024 * 1024;
/// How much of a line is looked at to tell whether it begins a record of several lines.
pub const LINE_FRONT_BYTES: usize = 512;
/// Objects and lists within one another in a line of JSON; a line that is deeper is not parsed.
pub const JSON_DEPTH: usize = 128;
/// The longest message that is read as a record; a longer one is unreadable and short.
pub const MESSAGE_BYTES: usize = 64 * 1024 * 1024;
/// What stands around a message in a file of Dovecot's dbox, its headers and its metadata, is this short.
pub const DBOX_FRAME_BYTES: usize = 64 * 1024;
/// A From_ line in front of a message is this short; of a longer one no time is read.
pub const FROM_LINE_BYTES: usize = 1024;
/// What is read from a stream at once.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// How much of a stream a format's probe is shown.
pub const PROBE_BYTES: usize = 8 * 1024;
/// How deep the parts of a message are read for a text search; what is nested deeper is undecided.
pub const PART_DEPTH: usize = 24;
/// Parts of a message among which attachments are told from the rest; a message with more is undecided where they are left out.
pub const PARTS: usize = 100_000;
/// How many of those levels may be messages that are themselves encoded.
pub const ENCODED_MESSAGE_DEPTH: usize = 4;
/// Words and signs of one address of a mail header; one that has more is undecided.
pub const ADDRESS_TOKENS: usize = 4_096;
/// What one stream's admitted bytes may take of memory; what is over goes to an unlinked file beside the output.
pub const SPOOL_MEMORY_BYTES: usize = 8 * 1024 * 1024;
/// The positions of so many disclosed records stand in one line of the audit.
pub const POSITIONS_A_LINE: u64 = 4_096;
/// Positions wait in pieces of this size, in bytes, on their way to where many of them are kept.
pub const POSITIONS_WAITING_BYTES: usize = 16 * 1024;
/// The longest journal of systemd that is copied to be read, in bytes: twice what compact mode can address.
pub const JOURNAL_BYTES: u64 = 8 << 30;
/// Data of one entry of a journal (journald takes 1,024 fields).
pub const JOURNAL_ITEMS: u64 = 65_536;
/// What the data of a journal that is kept may take of memory, in bytes; it is exceeded by one.
pub const JOURNAL_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// The longest SQLite database, with all that its write-ahead log adds, that is copied to be read, in bytes.
pub const SQLITE_BYTES: u64 = 64 << 30;
/// The longest text that SQLite makes of a database at once, in bytes: a row over [`LINE_BYTES`] is not loaded.
pub const SQLITE_VALUE_BYTES: i32 = 64 * 1024 * 1024;
/// Tables and indexes of one SQLite database.
pub const SQLITE_SCHEMA: usize = 65_536;
/// What SQLite may keep of one database in memory, in KiB.
pub const SQLITE_CACHE_KIB: i64 = 8 * 1024;
/// The longest order or provider file.
pub const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
/// Words, signs and the spaces between them of one order (some 20,000 identifiers): what is read of it takes less than 80 MB.
pub const ORDER_WORDS: usize = 250_000;
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
/// Bytes that one archive may unpack to, and bytes of one that is kept to be looked into.
pub const ARCHIVE_BYTES: u64 = 1 << 40;
/// Unpacked bytes for each packed one, in archives; what unpacks to more is a bomb.
pub const UNPACKED_RATIO: u64 = 1_000;
/// So many bytes may unpack of however few.
pub const UNPACKED_FREELY_BYTES: u64 = 64 * 1024 * 1024;
/// Members of one archive, and folders that their names make.
pub const ARCHIVE_NODES: usize = 4_000_000;
/// What the names of the members of one archive may take of memory, in bytes.
pub const ARCHIVE_NAME_BYTES: usize = 512 * 1024 * 1024;
/// Pieces of the sparse files of one archive that are held in memory.
pub const ARCHIVE_RUNS: usize = 1024 * 1024;
/// What is read of a tar at once for its headers.
pub const TAR_WINDOW_BYTES: usize = 16 * 1024;
/// The largest extended header, or long name, of a tar.
pub const TAR_EXTENSION_BYTES: usize = 16 * 1024 * 1024;
/// The largest directory of a zip archive that is read, in bytes.
pub const ZIP_DIRECTORY_BYTES: u64 = 512 * 1024 * 1024;
/// The largest window of a frame of Zstandard that is unpacked: 128 MiB (what `zstd` takes unless told otherwise).
pub const ZSTANDARD_WINDOW_LOG: u32 = 27;
/// New years and other changes of the year that are kept apart in one log without years.
pub const YEAR_CHANGES: usize = 4096;
/// Transactions that all clauses with a `join` may ask for.
pub const JOIN_KEYS: usize = 1_000_000;
/// So far from a record that is asked for, in seconds, a record of the same queue id is of the same transaction: a server
/// tries for five days to deliver a message (Postfix, `maximal_queue_lifetime`), and then may use the id again.
pub const JOIN_SECONDS: i64 = 5 * 86_400;
/// Columns of a row of CSV or of a table of a dump; a row with more is unreadable.
pub const COLUMNS: usize = 65_536;
/// The longest name in a dump of a database (MySQL has 64 characters, PostgreSQL 63 bytes).
pub const SQL_NAME_BYTES: usize = 1_024;
/// The longest delimiter of the statements of a dump (the client of MySQL takes 15 bytes).
pub const SQL_DELIMITER_BYTES: usize = 16;
/// What the tables of a dump and their columns that are remembered may take of memory; the rows of one too many are
/// unreadable where they do not name their columns.
pub const SQL_CATALOG_BYTES: usize = 16 * 1024 * 1024;
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
/// Faults of a package's tar behind which `verify` reads no further: nothing of it is a package.
pub const TAR_FAULTS: u64 = 1_000;
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
/// How many of them are read at once where they are asked for in order.
pub const WINDOWS_AHEAD: usize = 4;
/// How many such windows are kept.
pub const WINDOWS: usize = 32;
/// The size of a sector in every image format that counts in sectors.
pub const SECTOR_BYTES: u64 = 512;
/// Segments, or extents, of one image.
pub const SEGMENTS: usize = 20_000;
/// Files beside the first segment of an image that are looked at by name.
pub const SEGMENT_NEIGHBOURS: usize = 1_000_000;
/// Images behind one another.
pub const BACKING_DEPTH: usize = 64;
/// The largest descriptor of a VMDK image, in bytes.
pub const VMDK_DESCRIPTOR_BYTES: usize = 1024 * 1024;
/// Sections of one segment of an E01 image.
pub const EWF_SECTIONS: usize = 4 * 1024 * 1024;
/// Chunks of an E01 image: 8 TiB in chunks of 32 KiB.
pub const EWF_CHUNKS: u64 = 1 << 28;
/// The largest chunk of an E01 image, in bytes.
pub const EWF_CHUNK_BYTES: u64 = 16 * 1024 * 1024;
/// Runs of sectors that could not be read when an E01 image was made.
pub const EWF_LOST_RUNS: u64 = 65_536;
/// Threads that unpack an E01 image when it is verified.
pub const EWF_VERIFY_THREADS: usize = 8;
/// Chunks of each that wait to be hashed.
pub const EWF_VERIFY_CHUNKS: usize = 16;
/// Connections to one `qemu-nbd`.
pub const NBD_CLIENTS: usize = 4;
/// Connections that one `qemu-nbd` may make to us.
pub const NBD_CONNECTIONS: usize = 1024;
/// How long a reply of `qemu-nbd` may take.
pub const NBD_PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
/// How long to wait before it is tried again whether `qemu-nbd` listens.
pub const NBD_PAUSE: std::time::Duration = std::time::Duration::from_millis(5);
/// How often that is tried.
pub const NBD_ATTEMPTS: usize = 6_000;
/// How often it is tried whether a `qemu-nbd` that does not answer has ended.
pub const NBD_END_ATTEMPTS: usize = 200;
/// What is asked of `qemu-nbd` at once.
pub const NBD_READ_BYTES: usize = 4 * 1024 * 1024;
/// What `qemu-nbd` may ask of us at once: what its own client asks at most.
pub const NBD_REQUEST_BYTES: usize = 32 * 1024 * 1024;
/// Options, or replies to one, in one handshake.
pub const NBD_OPTIONS: usize = 64;
/// The longest option or reply to one.
pub const NBD_OPTION_BYTES: usize = 64 * 1024;
/// The size of a stored file whose end `qemu-nbd` is not to see: the largest that it takes, in whole megabytes.
pub const NBD_ENDLESS_BYTES: u64 = (1 << 62) - (1 << 20);
/// The memory that a `qemu-nbd` may map.
pub const QEMU_MEMORY_BYTES: u64 = 4 << 30;
/// The longest file that a `qemu-nbd` may write: what it says.
pub const QEMU_FILE_BYTES: u64 = 1 << 20;
/// Files and sockets that a `qemu-nbd` may have open.
pub const QEMU_FILES: u64 = 2_048;
/// How much is read of what a `qemu-nbd` says.
pub const QEMU_WORDS_BYTES: u64 = 64 * 1024;
/// How much of a qcow2 image's first cluster is read for its header, in bytes.
pub const QCOW2_HEADER_BYTES: usize = 64 * 1024;
/// Extensions of a qcow2 header.
pub const QCOW2_EXTENSIONS: usize = 4_096;
/// What a qcow2 snapshot holds beside its name, in bytes (QEMU's own limit).
pub const QCOW2_SNAPSHOT_EXTRA_BYTES: usize = 1024;
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
/// The largest block of a btrfs tree, and the largest sector.
pub const BTRFS_NODE_BYTES: u32 = 64 * 1024;
/// Levels of a btrfs tree (`BTRFS_MAX_LEVEL`).
pub const BTRFS_LEVELS: u8 = 8;
/// Chunks of a btrfs file system (1 PiB in chunks of 1 GiB).
pub const BTRFS_CHUNKS: usize = 1024 * 1024;
/// What the tree blocks that are kept of a btrfs file system may take of memory.
pub const BTRFS_CACHE_BYTES: usize = 32 * 1024 * 1024;
/// The largest compressed extent of a btrfs file, packed and unpacked (`BTRFS_MAX_COMPRESSED`).
pub const BTRFS_PACKED_BYTES: usize = 128 * 1024;
/// What is read of a btrfs file at once.
pub const BTRFS_PIECE_BYTES: usize = 256 * 1024;
/// Items of a btrfs log, and what its replay changes.
pub const BTRFS_LOG_ITEMS: usize = 2_000_000;
/// Pieces of one file of FAT, exFAT or NTFS that are held in memory.
pub const FILE_EXTENTS: usize = 1024 * 1024;
/// The largest folder of FAT, in bytes: 65,536 entries.
pub const FAT_FOLDER_BYTES: u64 = 2 * 1024 * 1024;
/// The largest folder of exFAT, in bytes (its specification's own bound).
pub const EXFAT_FOLDER_BYTES: u64 = 256 * 1024 * 1024;
/// The largest cluster of NTFS, in bytes.
pub const NTFS_CLUSTER_BYTES: u64 = 2 * 1024 * 1024;
/// The largest record of the file table, and block of an index, of NTFS, in bytes.
pub const NTFS_RECORD_BYTES: u64 = 64 * 1024;
/// The largest list of the attributes of a file of NTFS, in bytes (Windows's own bound).
pub const NTFS_ATTRIBUTE_LIST_BYTES: u64 = 256 * 1024;
/// The largest unit of a compressed file of NTFS, in bytes.
pub const NTFS_UNIT_BYTES: u64 = 1024 * 1024;
/// The largest index of a folder of NTFS, in bytes.
pub const NTFS_FOLDER_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// The largest grain of a VMDK extent, in bytes.
pub const VMDK_GRAIN_BYTES: u64 = 64 * 1024 * 1024;
/// Entries of one table of a VMDK extent.
pub const VMDK_TABLE_ENTRIES: u64 = 64 * 1024;
/// Tables of one VMDK extent.
pub const VMDK_TABLES: u64 = 16 * 1024 * 1024;
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
/// Folders of one file system whose place is remembered, so that none is listed under two names.
pub const LINEAGE_FOLDERS: usize = 8_000_000;
/// Memory that a decoder of xz may take, in bytes: what `xz -9` asks for, and little more.
pub const XZ_MEMORY_BYTES: u64 = 80 * 1024 * 1024;
/// Unpacked blocks of metadata of a squashfs that are kept (8 KiB each).
pub const SQUASHFS_META_BLOCKS: usize = 128;
/// Unpacked blocks of fragments of a squashfs that are kept (1 MiB each at most).
pub const SQUASHFS_FRAGMENTS: usize = 8;
/// Volume descriptors of an ISO 9660 that are read.
pub const ISO_DESCRIPTORS: u64 = 64;
/// Continuation areas of one record of an ISO 9660.
pub const ISO_CONTINUATIONS: usize = 64;
/// The longest name of Rock Ridge, in bytes.
pub const ISO_NAME_BYTES: usize = 1_024;
/// Places behind an ISO 9660 at which a further session is looked for.
pub const ISO_SESSION_PLACES: usize = 1_024;
/// Signatures that lie beside one package.
pub const SIGNATURES: usize = 32;
/// The longest signature that is read, in bytes (one by an RSA key of 4,096 bits has some 2,000).
pub const SIGNATURE_BYTES: u64 = 64 * 1024;
/// The longest file of allowed signers, in bytes.
pub const ALLOWED_SIGNERS_BYTES: u64 = 4 * 1024 * 1024;
/// The longest file of a key that signs, in bytes.
pub const KEY_FILE_BYTES: u64 = 64 * 1024;
/// How often the passphrase of a key that signs is stretched (ssh-keygen makes 24 times).
pub const KEY_ROUNDS: u32 = 16_384;
/// The longest answer of ssh-agent, in bytes (its own bound).
pub const AGENT_MESSAGE_BYTES: usize = 256 * 1024;
/// How long an answer of ssh-agent may take: a person may have to touch a key in hardware.
pub const AGENT_PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
/// Time-stamps that lie beside one package, and requests for them.
pub const TIME_STAMPS: usize = 32;
/// The longest time-stamp that is read, in bytes (one with its certificates has some 7,000).
pub const TIME_STAMP_BYTES: u64 = 1024 * 1024;
/// The longest request for a time-stamp that is read, in bytes (one with SHA-512 has some 100).
pub const TIME_STAMP_REQUEST_BYTES: u64 = 4 * 1024;
/// Certificates in one time-stamp.
pub const TIME_STAMP_CERTIFICATES: usize = 32;
/// Attributes that the signer of one time-stamp signs, and certificates that these name.
pub const TIME_STAMP_ATTRIBUTES: usize = 32;
/// The longest serial number of a time-stamp, in bytes (RFC 3161 asks for 160 bits).
pub const TIME_STAMP_SERIAL_BYTES: usize = 64;
/// The longest file of certificates of authorities, in bytes.
pub const AUTHORITIES_BYTES: u64 = 4 * 1024 * 1024;
/// Certificates in that file.
pub const AUTHORITIES: usize = 2_000;
/// Extensions of one certificate.
pub const CERTIFICATE_EXTENSIONS: usize = 64;
/// Certificates from that of a time-stamp's signer to the authority's, both counted.
pub const CHAIN_DEPTH: usize = 8;
/// Signatures of certificates that are computed to find such a chain.
pub const CHAIN_SIGNATURES: usize = 64;
/// The smallest RSA key that a signature or a time-stamp may rest on, in bits.
pub const RSA_BITS_LEAST: usize = 2_048;
/// The largest, in bits.
pub const RSA_BITS_MOST: usize = 4_096;
/// Recipients that one package is encrypted to.
pub const RECIPIENTS: usize = 64;
/// The longest file of recipients, or of identities, in bytes.
pub const RECIPIENT_FILE_BYTES: u64 = 1024 * 1024;
/// Identities that are tried on one encrypted package.
pub const IDENTITIES: usize = 64;
/// The longest header of an encrypted package, in bytes (a recipient with an RSA key of 4,096 bits takes some 700).
pub const AGE_HEADER_BYTES: u64 = 64 * 1024;
/// The longest receipt that is read, in bytes.
pub const RECEIPT_BYTES: u64 = 64 * 1024;
/// The longest name of a recipient in a receipt, in bytes.
pub const RECEIPT_NAME_BYTES: usize = 256;
/// Checks that a receipt may list: a later version may make more than this one.
pub const RECEIPT_CHECKS: usize = 64;
/// Receipts that lie beside one package.
pub const RECEIPTS: usize = 32;
/// Stanzas in the header of an encrypted package: one a recipient, and some that mean nothing.
pub const AGE_STANZAS: usize = 128;
/// Leaks of one package that are listed: the first stops it.
pub const LEAKS: usize = 1_000;
/// The longest report that the leak check takes in, in bytes: [`REPORT_PATH_BYTES`] of which each may be shown by eight, and
/// what an order may say.
pub const REPORT_BYTES: u64 = 256 * 1024 * 1024;
