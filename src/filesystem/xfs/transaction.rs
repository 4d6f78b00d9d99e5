//! Transactions: the operations of the log's records, put together again.
//!
//! A record holds operations of several transactions, and a long region of bytes goes on in the next record. What is
//! handed on are committed transactions alone, in the order of their commits, each as a list of regions.
//!
//! **Invariant:** a transaction that was not committed in front of the head, or that began in front of the tail, has no
//! effect; what is held in memory stays below [`limits::XFS_TRANSACTION_BYTES`].

use std::collections::HashMap;

use super::log::{Log, Record};
use super::superblock::be32;
use crate::limits;
use crate::read_error::ReadError;

const HEAD_BYTES: usize = 12;
const OF_A_TRANSACTION: u8 = 0x69;

const START: u8 = 0x1;
const COMMIT: u8 = 0x2;
const CONTINUES: u8 = 0x4;
const CONTINUED: u8 = 0x8;
const END: u8 = 0x10;
const UNMOUNTED: u8 = 0x20;

/// What a transaction's first region begins with ("TRAN", in the byte order of the machine).
const MAGIC: [u8; 4] = 0x5452_414e_u32.to_le_bytes();

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// A committed transaction.
#[derive(Default)]
pub(super) struct Transaction {
    /// The record in which it began: what it is ordered by against what stands on the disk.
    pub(super) sequence: u64,
    regions: Vec<Vec<u8>>,
}

/// One change of a transaction: what it is of, and its regions, of which the first describes it.
pub(super) struct Item<'t> {
    pub(super) kind: u16,
    pub(super) format: &'t [u8],
    pub(super) regions: &'t [Vec<u8>],
}

impl Transaction {
    /// Its changes, in their order in the log.
    pub(super) fn items(&self) -> Result<Vec<Item<'_>>, ReadError> {
        let Some((head, mut rest)) = self.regions.split_first() else { return Ok(Vec::new()) };
        if !head.starts_with(&MAGIC) {
            return Err(corrupt("a transaction of the log"));
        }
        let mut items = Vec::new();
        while let Some(format) = rest.first() {
            let (kind, count) = (le16(format, 0), usize::from(le16(format, 2)));
            let regions = rest.get(1..count).ok_or(corrupt("a change in the log"))?;
            items.push(Item { kind, format, regions });
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(items)
    }
}

/// Shows each committed transaction of the records from `tail` to `head`.
pub(super) fn each(
    log: &Log,
    tail: u64,
    head: u64,
    visit: &mut dyn FnMut(&Transaction) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut open = Open::default();
    let mut at = tail;
    while at != head {
        let record = log.record(at, head)?;
        open.take(&record, visit)?;
        at = record.next;
    }
    Ok(())
}

/// Transactions under way.
#[derive(Default)]
struct Open {
    transactions: HashMap<u32, Transaction>,
    bytes: usize,
}

impl Open {
    fn take(
        &mut self,
        record: &Record,
        visit: &mut dyn FnMut(&Transaction) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut rest = record.content.as_slice();
        for _ in 0..record.operations {
            if rest.is_empty() {
                break;
            }
            let (head, behind) = rest.split_at_checked(HEAD_BYTES).ok_or(corrupt("an operation in the log"))?;
            let length = usize::try_from(be32(head, 4)).unwrap_or(usize::MAX);
            let (content, behind) = behind.split_at_checked(length).ok_or(corrupt("an operation in the log"))?;
            rest = behind;
            let (Some(client), Some(flags)) = (head.get(8), head.get(9)) else { continue };
            if *client != OF_A_TRANSACTION || flags & UNMOUNTED != 0 {
                continue;
            }
            let (number, flags) = (be32(head, 0), flags & !END);
            if flags & COMMIT != 0 {
                if let Some(transaction) = self.transactions.remove(&number) {
                    let bytes: usize = transaction.regions.iter().map(Vec::len).sum();
                    self.bytes = self.bytes.saturating_sub(bytes);
                    visit(&transaction)?;
                }
            } else if flags & START != 0 {
                let transaction = Transaction { sequence: record.sequence, regions: Vec::new() };
                if self.transactions.insert(number, transaction).is_some() {
                    return Err(corrupt("a transaction of the log begins twice"));
                }
            } else if flags & !(CONTINUES | CONTINUED) != 0 {
                return Err(corrupt("an operation in the log"));
            } else {
                self.add(number, flags, content)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, number: u32, flags: u8, content: &[u8]) -> Result<(), ReadError> {
        // One that began in front of the tail stands on the disk already.
        let Some(transaction) = self.transactions.get_mut(&number) else { return Ok(()) };
        if content.is_empty() {
            return Ok(());
        }
        self.bytes += content.len();
        if self.bytes > limits::XFS_TRANSACTION_BYTES {
            return Err(ReadError::Limit { offset: 0, what: "bytes of unfinished transactions of a log" });
        }
        if flags & CONTINUED != 0 {
            let last = transaction.regions.last_mut().ok_or(corrupt("an operation in the log"))?;
            last.extend_from_slice(content);
        } else {
            transaction.regions.push(content.to_vec());
        }
        Ok(())
    }
}

/// A field in the byte order of the machine that wrote the log, which is little-endian.
pub(super) fn le16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|field| field.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// See [`le16`].
pub(super) fn le64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
}
