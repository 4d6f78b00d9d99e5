//! Damaged databases, logs and journals: nothing panics, no row is made up, and what is missing is said.
//!
//! **Invariant:** a damaged database that gives other rows than the whole one is short.

use std::collections::{BTreeSet, HashSet};

use extract::record::Unreadable;

use crate::made::{HOT, LOGGED, Made, WRITTEN_OVER};
use crate::mutation::Victim;
use crate::read::{agrees, split, split_file};

/// Mutants of each database.
const MUTANTS: u64 = 300;

#[test]
fn a_log_is_applied_up_to_its_last_commit() {
    let made = Made::with(&LOGGED);
    let (given, result) = split(&made.database, &made.beside());
    result.unwrap();
    assert_eq!(agrees(&made.file(), &given), 60 - 11 + 1);
    let text = given.text();
    assert!(text.contains("\"second-35\"") && text.contains("\"third\",\"size\":1e300") && text.contains("\"first-1"));
    assert!(!text.contains("uncommitted") && !text.contains("first-35") && !text.contains("\"id\":25,"));
    assert!(made.wal.as_ref().unwrap().windows(11).any(|window| window == b"uncommitted"), "the log holds it");
    let (alone, result) = split(&made.database, &[]);
    result.unwrap();
    assert_eq!(alone.lines.len(), 60);
    assert!(alone.text().contains("first-35"));
    // An empty log and one with a header and nothing else say nothing.
    for nothing in [&[][..], &made.wal.as_ref().unwrap()[..32]] {
        let (given, result) = split(&made.database, &[("-wal", nothing)]);
        result.unwrap();
        assert_eq!(given.lines, alone.lines);
    }
}

#[test]
fn a_hot_journal_is_rolled_back_and_one_that_is_not_hot_says_nothing() {
    let made = Made::with(&HOT);
    let journal = made.journal.as_deref().unwrap();
    assert_ne!(made.database, Made::of(HOT[0]).database, "the transaction had reached the database");
    let (given, result) = split(&made.database, &made.beside());
    result.unwrap();
    assert_eq!(agrees(&made.file(), &given), 200);
    assert!(given.text().contains("kept-99") && !given.text().contains("undone"));
    let whole = Made::of(HOT[0]);
    let mut ended = journal.to_vec();
    ended[..28].fill(0);
    for nothing in [&[][..], &ended] {
        let (given, result) = split(&whole.database, &[("-journal", nothing)]);
        result.unwrap();
        assert_eq!(given.lines.len(), 200);
    }
    // Damage in what the journal counts, a cut, another beginning, and the name of a further journal.
    let mut record = journal.to_vec();
    record[512 + 4 + 312] ^= 1;
    let mut begin = journal.to_vec();
    begin[3] ^= 1;
    let further = [journal, &b"/etc/passwd"[..], &[0, 0, 0, 11, 0, 0, 0, 0], &journal[..8]].concat();
    let half = &journal[..journal.len() / 2 + 200];
    for (damaged, what) in
        [(&record[..], "a record"), (half, "ends before"), (&begin, "the header"), (&further, "several databases")]
    {
        let (given, result) = split(&made.database, &[("-journal", damaged)]);
        let error = result.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        assert!(given.lines.is_empty());
        assert_eq!(given.unreadable, [(made.database.len() as u64, Unreadable::Cut)]);
    }
}

#[test]
fn a_log_that_does_not_belong_or_is_damaged_gives_no_rows() {
    let made = Made::with(&LOGGED);
    let wal = made.wal.as_deref().unwrap();
    let frame = 24 + 512;
    let flipped = |at: usize| {
        let mut bytes = wal.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let other_pages = Made::with(&[&LOGGED[0].replace("512", "1024"), LOGGED[1]]);
    let cases: [(&str, Vec<u8>); 7] = [
        ("a byte of the first frame", flipped(32 + 24 + 100)),
        ("the salt of a frame in the middle", flipped(32 + 2 * frame + 9)),
        ("its magic number", flipped(1)),
        ("its checksum", flipped(25)),
        ("its page size", flipped(9)),
        ("a log cut in its header", wal[..20].to_vec()),
        ("a log with other pages", other_pages.wal.clone().unwrap()),
    ];
    for (what, damaged) in cases {
        let (given, result) = split(&made.database, &[("-wal", &damaged)]);
        assert!(result.is_err() && given.lines.is_empty(), "{what}: {} rows", given.lines.len());
        assert_eq!(given.unreadable, [(made.database.len() as u64, Unreadable::Cut)], "{what}");
    }
    // Logs of other databases with pages of the same size, that do not hold the first page: right by themselves, they do not fit.
    let mut why = BTreeSet::new();
    for rows in (40..200).step_by(8) {
        let other = Made::with(&[
            &format!(
                "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE a (x);
                 WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {rows})
                   INSERT INTO a SELECT hex(zeroblob(30)) FROM n; PRAGMA wal_checkpoint(TRUNCATE);"
            ),
            "UPDATE a SET x = 'CANARY-other' WHERE rowid % 30 = 7;",
        ]);
        let foreign = other.wal.as_deref().unwrap();
        assert!(foreign.windows(12).any(|window| window == b"CANARY-other"));
        let (given, result) = split(&made.database, &[("-wal", foreign)]);
        why.insert(result.unwrap_err().to_string());
        assert!(given.lines.is_empty() && given.unreadable == [(made.database.len() as u64, Unreadable::Cut)]);
    }
    for what in ["structure", "SQLite holds for damaged", "pages which are nowhere"] {
        assert!(why.iter().any(|why| why.contains(what)), "{what}: {why:?}");
    }
}

#[test]
fn a_log_whose_end_was_being_written_gives_the_commit_before_it_and_says_so() {
    let made = Made::with(&[
        LOGGED[0],
        "UPDATE item SET word = 'second' WHERE id = 1;",
        "UPDATE item SET word = 'third' WHERE id = 1;",
    ]);
    let wal = made.wal.as_deref().unwrap();
    let (given, result) = split(&made.database, &made.beside());
    result.unwrap();
    assert!(given.text().contains("\"third\""));
    let mut torn = wal.to_vec();
    *torn.last_mut().unwrap() ^= 1;
    for end in [&torn[..], &wal[..wal.len() - 100], &wal[..wal.len() - 520]] {
        let (given, result) = split(&made.database, &[("-wal", end)]);
        assert!(result.unwrap_err().to_string().contains("the end of a write-ahead log"));
        assert_eq!(given.lines.len(), 60);
        assert!(given.text().contains("\"second\"") && !given.text().contains("\"third\""));
    }
    // A transaction that is not committed may leave frames that are not right.
    let over = Made::with(&[LOGGED[0], "UPDATE item SET word = 'second' WHERE id = 1;", WRITTEN_OVER]);
    let (given, result) = split(&over.database, &over.beside());
    assert!(result.unwrap_err().to_string().contains("the end of a write-ahead log"));
    assert_eq!(agrees(&over.file(), &given), 60);
    // What is left of an older log behind it, with another salt, is none of it.
    let again = Made::with(&[
        LOGGED[0],
        LOGGED[1],
        "ROLLBACK; PRAGMA wal_checkpoint(RESTART); INSERT INTO item VALUES (200, 'new', 0);",
    ]);
    assert!(again.wal.as_ref().unwrap().len() > 32 + 4 * 536);
    let (given, result) = split(&again.database, &again.beside());
    result.unwrap();
    assert_eq!(agrees(&again.file(), &given), 51);
}

/// Each mutant gives rows of the whole database alone, all of them or it is short.
#[test]
fn a_damaged_database_gives_no_row_that_it_did_not_hold() {
    let plain = Made::of(
        "PRAGMA page_size = 512;
         CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT);
         CREATE TABLE pair (a TEXT, b TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 120)
           INSERT INTO item SELECT x, 'CANARY-' || x || hex(zeroblob(x * 3)) FROM n;
         INSERT INTO pair SELECT word, id FROM item WHERE id % 2;
         DELETE FROM item WHERE id % 4 = 0; DELETE FROM pair WHERE b > 50;",
    );
    let logged = Made::with(&LOGGED);
    let (mut same, mut short, mut empty) = (0_u64, 0_u64, 0_u64);
    let hot = Made::with(&HOT);
    for made in [&plain, &logged, &hot] {
        let whole: BTreeSet<Vec<u8>> = split(&made.database, &made.beside()).0.lines.into_iter().collect();
        // A log that ends early shows the database as it was at a commit before: these are right too, and said.
        let mut before = whole.clone();
        for frames in 0..made.wal.as_ref().map_or(0, |wal| wal.len() / 536) {
            let log = &made.wal.as_ref().unwrap()[..32 + frames * 536];
            before.extend(split(&made.database, &[("-wal", log)]).0.lines);
        }
        let folder = made.apart();
        let victim = Victim::new(folder.path(), &HashSet::new());
        for seed in 0..MUTANTS {
            let damage = victim.harm(folder.path(), seed);
            let (given, result) = split_file(&folder.path().join("copy.db"));
            victim.heal(folder.path(), &damage);
            let is_short = result.is_err() || !given.unreadable.is_empty();
            let lines: BTreeSet<Vec<u8>> = given.lines.iter().cloned().collect();
            if !is_short && lines == whole {
                same += 1;
            } else if is_short {
                short += 1;
                empty += u64::from(lines.is_empty());
            }
            // A bit within a value is another value: no checksum of SQLite's covers it. Whole rows never come or go.
            let is_value = !is_short && given.lines.len() == whole.len();
            assert!(
                is_short || is_value,
                "seed {seed}, {}: {} of {} rows, and nothing said",
                damage.what,
                given.lines.len(),
                whole.len()
            );
            if !is_value {
                assert!(lines.is_subset(&before), "seed {seed}, {}: rows that were never committed", damage.what);
            }
        }
    }
    println!("{} mutants: {same} the same, {short} short, {empty} of them without a row", 3 * MUTANTS);
    assert!(same > 0 && short > MUTANTS / 2 && empty > MUTANTS / 4);
}
