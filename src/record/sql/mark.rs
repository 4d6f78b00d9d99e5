//! The comments in which a dump says that it begins and that it is complete.
//!
//! mysqldump, mariadb-dump, pg_dump and pg_dumpall write both or neither. One that was cut between two statements shows it
//! by nothing else.
//!
//! **Invariant:** a dump that says that it begins, and not that it is complete, is not taken for a whole one.

/// What begins, and what completes it.
const MARKS: [(&[&str], &str); 3] = [
    (&["-- MySQL dump ", "-- MariaDB dump "], "-- Dump completed"),
    (&["-- PostgreSQL database dump"], "-- PostgreSQL database dump complete"),
    (&["-- PostgreSQL database cluster dump"], "-- PostgreSQL database cluster dump complete"),
];

/// Which of them are open.
#[derive(Default)]
pub(super) struct Marks {
    /// Bytes of the lines that began them.
    open: [u64; MARKS.len()],
    /// Of those that another one began within.
    lost: u64,
}

impl Marks {
    /// A comment of one line, which takes that many bytes.
    pub(super) fn see(&mut self, line: &[u8], bytes: u64) {
        let line = line.trim_ascii_end();
        for (open, (begins, end)) in self.open.iter_mut().zip(MARKS) {
            if line.starts_with(end.as_bytes()) {
                *open = 0;
            } else if begins.iter().any(|begin| is_begin(line, begin)) {
                self.lost = self.lost.saturating_add(*open);
                *open = bytes;
            }
        }
    }

    /// Bytes of the lines that began what was not completed.
    pub(super) fn unfinished(&self) -> u64 {
        self.open.iter().fold(self.lost, |sum, open| sum.saturating_add(*open))
    }
}

/// Those of MySQL go on with a version.
fn is_begin(line: &[u8], begin: &str) -> bool {
    if begin.ends_with(' ') { line.starts_with(begin.as_bytes()) } else { line == begin.as_bytes() }
}

/// The stream begins as one of those programs, or phpMyAdmin, begins a dump of MySQL.
pub(super) fn is_mysql(head: &[u8]) -> bool {
    const FRONTS: [&str; 6] = [
        "-- MySQL dump ",
        "-- MariaDB dump ",
        "-- phpMyAdmin SQL Dump",
        "/*M!999999\\- enable the sandbox mode */",
        "/*!40101 SET",
        "/*!40103 SET",
    ];
    let head = text(head);
    FRONTS.iter().any(|front| head.starts_with(front.as_bytes()))
}

/// The first line of the stream that says anything is the one with which `pg_dump` or `pg_dumpall` begins.
pub(super) fn is_postgresql(head: &[u8]) -> bool {
    let mut lines = text(head).split_inclusive(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    lines.find(|line| !line.is_empty() && *line != b"--").is_some_and(|line| {
        [MARKS[1].0, MARKS[2].0].iter().any(|begins| begins.iter().any(|begin| line == begin.as_bytes()))
    })
}

fn text(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start()
}
