//! Statements as servers and their tools write them, each with the rows that it holds.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use extract::limits::{CHUNK_BYTES, LINE_BYTES};
use extract::order::Format::{self, MysqlDump, PostgresqlDump};
use extract::record::{Probe, SplitError, Unreadable, probe_format};

use crate::chunked::Pieces;
use crate::{read, seen};

/// A dump, its rows (table, and the members of the row as JSON), and how many pieces of it are lost.
type Case = (&'static str, &'static [(&'static str, &'static str)], usize);

fn check(which: Format, cases: &[Case]) {
    for (dump, rows, lost) in cases {
        let seen = seen(which, dump);
        let expected: Vec<String> = rows
            .iter()
            .map(|(table, row)| format!("{{\"table\":{},\"row\":{{{row}}}}}", serde_json::to_string(table).unwrap()))
            .collect();
        assert_eq!(seen.rows, expected, "{dump}");
        assert_eq!(seen.lost.len(), *lost, "{dump}\n{:?}", seen.lost);
    }
}

#[test]
fn rows_of_mysql_are_what_its_literals_say() {
    check(
        MysqlDump,
        &[
            (
                "INSERT INTO `t` (`a`,`b`) VALUES (1,'x'),(2,'y');\n",
                &[("t", r#""a":1,"b":"x""#), ("t", r#""a":2,"b":"y""#)],
                0,
            ),
            ("insert ignore into t(a) values(1);INSERT t (a) VALUE (2);", &[("t", r#""a":1"#), ("t", r#""a":2"#)], 0),
            ("REPLACE INTO t (a) VALUES (NULL) , ( null );", &[("t", r#""a":null"#), ("t", r#""a":null"#)], 0),
            (
                "INSERT INTO t (a) VALUES (-1.5e3),(.5),(+2),(007);",
                &[("t", r#""a":-1.5e3"#), ("t", r#""a":".5""#), ("t", r#""a":"+2""#), ("t", r#""a":"007""#)],
                0,
            ),
            (r"INSERT INTO t (a) VALUES ('it\'s \\ \n\0\Z\%\q');", &[("t", r#""a":"it's \\ \n\u0000\u001a\\%q""#)], 0),
            (
                r#"INSERT INTO t (a) VALUES ('it''s'),("say ""so"" 'x'"),("\"");"#,
                &[("t", r#""a":"it's""#), ("t", r#""a":"say \"so\" 'x'""#), ("t", r#""a":"\"""#)],
                0,
            ),
            (
                "INSERT INTO t (a) VALUES (0x41FF),(X'42'),(_binary 'a\\0'),(_binary'b'),(_binary 0x43);",
                &[
                    ("t", r#""a":{"base64":"Qf8="}"#),
                    ("t", r#""a":{"base64":"Qg=="}"#),
                    ("t", r#""a":{"base64":"YQA="}"#),
                    ("t", r#""a":{"base64":"Yg=="}"#),
                    ("t", r#""a":{"base64":"Qw=="}"#),
                ],
                0,
            ),
            (
                "INSERT INTO t (a) VALUES (b'101'),(0b1),(N'\u{e9}'),(_utf8mb4'\u{e9}');",
                &[
                    ("t", r#""a":{"base64":"BQ=="}"#),
                    ("t", r#""a":{"base64":"AQ=="}"#),
                    ("t", "\"a\":\"\u{e9}\""),
                    ("t", "\"a\":\"\u{e9}\""),
                ],
                0,
            ),
            // A name says its database; quotes are doubled in it.
            ("INSERT INTO `my``shop`.`t.1` (`a\"b`) VALUES (1);", &[("my`shop.\"t.1\"", r#""a\"b":1"#)], 0),
            (
                "USE `shop`;\nINSERT INTO t (a) VALUES (1);INSERT INTO other.t (a) VALUES (2);",
                &[("shop.t", r#""a":1"#), ("other.t", r#""a":2"#)],
                0,
            ),
            ("use shop\nINSERT INTO t (a) VALUES (1);", &[("shop.t", r#""a":1"#)], 0),
            // What is not said is not read: calls, defaults, sums, other character sets, words, two strings.
            (
                "INSERT INTO t (a) VALUES (NOW()),(DEFAULT),(1+1),(_latin1'x'),(TRUE),('a' 'b'),(),(1,2),(@x),(0xZ),(-'1'),('x');",
                &[("t", r#""a":"x""#)],
                11,
            ),
            ("INSERT INTO t (a) VALUES (CONCAT('a),(', '(b')),(1);", &[("t", r#""a":1"#)], 1),
            ("INSERT INTO t (a) SELECT a FROM u;INSERT INTO t SET a = 1;INSERT INTO t (a) VALUES ROW(1);", &[], 3),
            (
                "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2;INSERT INTO t (a) VALUES (2);",
                &[("t", r#""a":1"#), ("t", r#""a":2"#)],
                0,
            ),
            (
                "INSERT INTO t (a) VALUES (1) (2);INSERT INTO t (a) VALUES (3;INSERT INTO t (a) VALUES (4);",
                &[("t", r#""a":1"#), ("t", r#""a":4"#)],
                2,
            ),
            // Not UTF-8.
            ("INSERT INTO t PARTITION (p0) (a) VALUES (1);", &[("t", r#""a":1"#)], 0),
        ],
    );
    // What only looks like UTF-8 is no text where the dump is in another character set.
    let latin = "SET NAMES latin1;INSERT INTO t (a) VALUES ('\u{e9}'),(_utf8'\u{e9}'),('e');\
        SET @saved = @@character_set_client;SET character_set_client = utf8mb4;SET character_set_client = @saved;\
        INSERT INTO t (a) VALUES ('\u{e9}');SET NAMES utf8mb4;INSERT INTO t (a) VALUES ('\u{e9}');";
    let cells = ["{\"base64\":\"w6k=\"}", "\"\u{e9}\"", "\"e\"", "{\"base64\":\"w6k=\"}", "\"\u{e9}\""];
    assert_eq!(seen(MysqlDump, latin).rows, cells.map(|cell| format!("{{\"table\":\"t\",\"row\":{{\"a\":{cell}}}}}")));
    let latin = seen(MysqlDump, b"INSERT INTO t (a) VALUES ('alice\xE9');");
    assert_eq!(latin.rows, [r#"{"table":"t","row":{"a":{"base64":"YWxpY2Xp"}}}"#]);
}

#[test]
fn columns_come_from_the_table_as_it_was_made_last() {
    check(
        MysqlDump,
        &[
            (
                "CREATE TABLE IF NOT EXISTS `t` (\n  `a` int(11) NOT NULL AUTO_INCREMENT COMMENT 'x, (y',\n  b decimal(10,2) DEFAULT (1),\n  `c` enum('p','q'),\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `k` (`b`),\n  KEY (`b`),\n  CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `u` (`a`)\n) ENGINE=InnoDB /*!50100 PARTITION BY HASH (a) */;\nINSERT INTO `t` VALUES (1,2.50,'p');",
                &[("t", r#""a":1,"b":2.50,"c":"p""#)],
                0,
            ),
            ("INSERT INTO t VALUES (1);", &[], 1),
            ("CREATE TABLE t (a int);INSERT INTO t VALUES (1,2),(3);", &[("t", r#""a":3"#)], 1),
            ("CREATE TABLE t LIKE u;INSERT INTO t VALUES (1);", &[], 1),
            ("CREATE TABLE t (a int);CREATE TABLE t LIKE u;INSERT INTO t VALUES (1);", &[], 1),
            ("CREATE TABLE t (a int) SELECT 1 AS a;", &[], 1),
            ("CREATE TABLE t AS SELECT 1 AS a;", &[], 1),
            ("CREATE TABLE t (a int);USE b;INSERT INTO t VALUES (1);", &[], 1),
            ("CREATE TABLE t (a int);ALTER TABLE t ADD COLUMN b int FIRST;INSERT INTO t VALUES (1);", &[], 1),
            ("CREATE TABLE t (a int);ALTER TABLE `t` ADD b int;INSERT INTO t VALUES (1);", &[], 1),
            ("CREATE TABLE t (a int);RENAME TABLE u TO t;INSERT INTO t VALUES (1);", &[], 1),
            (
                "CREATE TABLE t (a int);ALTER TABLE t ADD PRIMARY KEY (a), DROP INDEX b, MODIFY a int NOT NULL;/*!40000 ALTER TABLE `t` DISABLE KEYS */;INSERT INTO t VALUES (1);",
                &[("t", r#""a":1"#)],
                0,
            ),
            (
                "CREATE TABLE t (a int, PERIOD FOR SYSTEM_TIME (b, c), period int);INSERT INTO t VALUES (1,2);",
                &[("t", r#""a":1,"period":2"#)],
                0,
            ),
        ],
    );
    check(
        PostgresqlDump,
        &[
            (
                "CREATE TABLE public.t (\n    a integer NOT NULL,\n    key text,\n    exclude text,\n    \"B\" text DEFAULT 'x'::text,\n    CONSTRAINT c CHECK ((a > 0)),\n    EXCLUDE USING gist (a WITH =)\n);\nALTER TABLE ONLY public.t ALTER COLUMN a SET DEFAULT nextval('s'::regclass);\nALTER TABLE public.t OWNER TO postgres;\nINSERT INTO public.t VALUES (1, 'k', 'e', 'b');",
                &[("public.t", r#""a":1,"key":"k","exclude":"e","B":"b""#)],
                0,
            ),
            (
                "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (((a * 2) + 1)) STORED, c int GENERATED ALWAYS AS IDENTITY);INSERT INTO t VALUES (1, DEFAULT, 3),(1, 2, DEFAULT);INSERT INTO t (b) VALUES (DEFAULT);",
                &[("t", r#""a":1,"c":3"#)],
                2,
            ),
            ("CREATE TABLE t (a int) INHERITS (p);INSERT INTO t VALUES (1);", &[], 1),
            ("CREATE TABLE t (a int, LIKE u);INSERT INTO t VALUES (1);", &[], 1),
            ("CREATE TABLE t PARTITION OF p FOR VALUES IN (1);COPY t FROM stdin;\n1\n\\.\n", &[], 1),
        ],
    );
}

/// mysqldump writes TIMESTAMP in UTC, whatever the zone of its server, and DATETIME as it was stored.
#[test]
fn an_instant_says_the_offset_that_the_dump_sets() {
    const TABLE: &str = "CREATE TABLE t (a timestamp(3) NULL DEFAULT CURRENT_TIMESTAMP, b datetime, c timestamp);\n";
    const VALUES: &str = "('2024-03-25 10:00:00.500','2024-03-25 10:00:00','0000-00-00 00:00:00'),(NULL,NULL,'soon');";
    let rows = |offset: &str| {
        [
            format!(
                "{{\"table\":\"t\",\"row\":{{\"a\":\"2024-03-25 10:00:00.500{offset}\",\"b\":\"2024-03-25 10:00:00\",\"c\":\"0000-00-00 00:00:00\"}}}}"
            ),
            "{\"table\":\"t\",\"row\":{\"a\":null,\"b\":null,\"c\":\"soon\"}}".to_owned(),
        ]
    };
    for (set, offset) in [
        ("/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;\n/*!40103 SET TIME_ZONE='+00:00' */;", "+00:00"),
        ("SET time_zone = '-05:30';", "-05:30"),
        ("", ""),
        ("SET TIME_ZONE='+00:00';SET TIME_ZONE=@OLD_TIME_ZONE;", ""),
        ("SET TIME_ZONE='SYSTEM';", ""),
    ] {
        for list in ["", " (a,b,c)"] {
            let seen = seen(MysqlDump, format!("{set}{TABLE}INSERT INTO t{list} VALUES {VALUES}"));
            assert_eq!((seen.rows, seen.lost), (rows(offset).to_vec(), vec![]), "{set}");
        }
    }
    let unknown = seen(MysqlDump, "SET TIME_ZONE='+00:00';INSERT INTO t (a) VALUES ('2024-03-25 10:00:00');");
    assert_eq!(unknown.rows, ["{\"table\":\"t\",\"row\":{\"a\":\"2024-03-25 10:00:00\"}}"]);
}

#[test]
fn rows_of_postgresql_are_what_its_literals_say() {
    check(
        PostgresqlDump,
        &[
            ("INSERT INTO Public.\"T\" (A, \"B\") VALUES (1, 'x''\\n');", &[("public.T", r#""a":1,"B":"x'\\n""#)], 0),
            (
                r"INSERT INTO t (a) VALUES (E'a\'b\\\n\x41\101\u00e9'),(E'\v'),(E'\ud800'),(E'\0'),(e'\t');",
                &[("t", "\"a\":\"a'b\\\\\\nAA\u{e9}\""), ("t", r#""a":"\t""#)],
                3,
            ),
            (
                "INSERT INTO t (a) VALUES ($$it's$$),($q$a$$b$q$),('\\x4142'),(true),(FALSE),(B'101'),(NULL);",
                &[
                    ("t", r#""a":"it's""#),
                    ("t", r#""a":"a$$b""#),
                    ("t", r#""a":"\\x4142""#),
                    ("t", r#""a":"true""#),
                    ("t", r#""a":"false""#),
                    ("t", r#""a":"101""#),
                    ("t", r#""a":null"#),
                ],
                0,
            ),
            (
                "INSERT INTO t (a) VALUES (U&'d\\0061t'),('2021-01-01'::date),(now()),(DATE '2021-01-01'),(ARRAY[1,2]),(X'1F'),(`a`),(0x1F),('{1,2}');",
                &[("t", r#""a":"{1,2}""#)],
                8,
            ),
            (
                "INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES (1) ON CONFLICT DO NOTHING;INSERT INTO t DEFAULT VALUES;",
                &[("t", r#""a":1"#)],
                1,
            ),
            (
                "SET standard_conforming_strings = off;INSERT INTO t (a) VALUES ('a\\'b');SET standard_conforming_strings = on;INSERT INTO t (a) VALUES ('\\');",
                &[("t", r#""a":"a'b""#), ("t", r#""a":"\\""#)],
                0,
            ),
            // Where names are.
            (
                "SET search_path = tenant1, pg_catalog;INSERT INTO t (a) VALUES (1);SELECT pg_catalog.set_config('search_path', '', false);INSERT INTO t (a) VALUES (2);",
                &[("tenant1.t", r#""a":1"#), ("t", r#""a":2"#)],
                0,
            ),
            (
                "\\restrict x\n\\connect shop\nINSERT INTO public.t (a) VALUES (1);\n\\c other;\nINSERT INTO t (a) VALUES (2);\n\\unrestrict x\n",
                &[("shop.public.t", r#""a":1"#), ("other.t", r#""a":2"#)],
                0,
            ),
            // COPY.
            (
                "COPY public.t (a, b) FROM stdin;\n1\tx\\ty\\\\\\n\\N\n\\N\t\\\\N\n\t\n\\.\nINSERT INTO t (a) VALUES (1);",
                &[
                    ("public.t", r#""a":"1","b":"x\ty\\\nN""#),
                    ("public.t", r#""a":null,"b":"\\N""#),
                    ("public.t", r#""a":"","b":"""#),
                    ("t", r#""a":1"#),
                ],
                0,
            ),
            ("COPY t (a) FROM stdin;\r\nx\r\n\r\n\\.\r\n", &[("t", r#""a":"x""#), ("t", r#""a":"""#)], 0),
            (
                "COPY t (a) FROM stdin;\na\\\nb\nc\td\nx\ry\n\\x41\\101\n\\.\n",
                &[("t", r#""a":"a\nb""#), ("t", r#""a":"AA""#)],
                2,
            ),
            (
                "CREATE TABLE t (a int);COPY t FROM stdin;\n1\n\\.\nCOPY t (a) FROM stdin WITH (FORMAT csv);\n1\n2\n\\.\n",
                &[("t", r#""a":"1""#)],
                2,
            ),
            (
                "COPY t (a) FROM stdin; INSERT INTO t (a) VALUES (1);\n1\n\\.\nINSERT INTO t (a) VALUES (2);",
                &[("t", r#""a":"1""#), ("t", r#""a":2"#)],
                1,
            ),
            ("COPY t (a) FROM '/x';COPY t (a) TO stdout;\\.\n\\copy t from x\n\\i x.sql\n", &[], 5),
            // A comment in a comment, a body with semicolons, rules in parentheses.
            (
                "/* a /* INSERT INTO t (a) VALUES (1); */ INSERT INTO t (a) VALUES (2); */INSERT INTO t (a) VALUES (3);",
                &[("t", r#""a":3"#)],
                0,
            ),
            (
                "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $_$ BEGIN INSERT INTO t (a) VALUES (1); END; $_$;INSERT INTO t (a) VALUES (2);",
                &[("t", r#""a":2"#)],
                0,
            ),
            (
                "CREATE OR REPLACE FUNCTION f() RETURNS int\n BEGIN ATOMIC\n  INSERT INTO t (a) VALUES (CASE WHEN true THEN 1 END);\n SELECT 1;\n END;\nINSERT INTO t (a) VALUES (2);",
                &[("t", r#""a":2"#)],
                0,
            ),
            (
                "CREATE RULE r AS ON INSERT TO t DO (INSERT INTO u (a) VALUES (1); DELETE FROM u);INSERT INTO t (a) VALUES (2);",
                &[("t", r#""a":2"#)],
                0,
            ),
            ("INSERT INTO t (a) VALUES (1#2),(3)--x\n;", &[("t", r#""a":3"#)], 1),
        ],
    );
}

#[test]
fn what_is_no_row_stands_between_rows_and_what_is_not_known_is_lost() {
    let mysqldump = "/*M!999999\\- enable the sandbox mode */ \n-- MySQL dump 10.13  Distrib 8.0.36\n# x; y\n/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n\
        /*!40101 SET NAMES utf8mb4 */;\nDROP TABLE IF EXISTS `t`;\n/*!50503 SET character_set_client = utf8mb4 */;\nCREATE TABLE `t` (\n  `a` int\n);\n\
        LOCK TABLES `t` WRITE;\n/*!40000 ALTER TABLE `t` DISABLE KEYS */;\nINSERT INTO `t` VALUES (1),\n(2);\nUNLOCK TABLES;\nDELIMITER ;;\n\
        /*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER r AFTER INSERT ON t FOR EACH ROW BEGIN\n INSERT INTO log (a) VALUES (1); -- ;;\n SET @x = ';;'; END */;;\n\
        DELIMITER $$\nCREATE PROCEDURE p() BEGIN INSERT INTO log (a) VALUES (2); END$$\nDELIMITER ;\n/*!50003 INSERT INTO t VALUES (3) */;\n\
        /* INSERT INTO t VALUES (4); */\n-- INSERT INTO t VALUES (5);\n/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n";
    let rows = |numbers: &[u32]| -> Vec<String> {
        numbers.iter().map(|number| format!(r#"{{"table":"t","row":{{"a":{number}}}}}"#)).collect()
    };
    let whole = seen(MysqlDump, format!("\u{FEFF}{mysqldump}-- Dump completed on 2024-05-20\n"));
    assert_eq!((whole.rows, whole.lost), (rows(&[1, 2, 3]), vec![]));
    // One that never says that it is complete is not.
    let cut = seen(MysqlDump, mysqldump);
    assert_eq!((cut.rows, cut.lost.len()), (rows(&[1, 2, 3]), 1));
    let postgresql =
        "--\n-- PostgreSQL database dump\n--\nSET statement_timeout = 0;\nCOPY t (a) FROM stdin;\n1\n\\.\n";
    assert_eq!(seen(PostgresqlDump, postgresql).lost.len(), 1);
    assert_eq!(seen(PostgresqlDump, format!("{postgresql}--\n-- PostgreSQL database dump complete\n--\n")).lost, []);
    for (dump, lost) in [
        ("UPDATE t SET a = 2;", 1),
        ("DELETE FROM t;", 1),
        ("LOAD DATA INFILE 'x' INTO TABLE t;", 1),
        ("CALL fill();", 1),
        ("hello world", 1),
        ("\0\0\0\0INSERT INTO t (a) VALUES (1);", 1),
        ("SET NAMES gbk;INSERT INTO t (a) VALUES (1);", 1),
        ("DELIMITER \n", 1),
        ("DELIMITER 01234567890123456789\n", 1),
        (";;;\n-- x", 0),
        ("", 0),
        ("\u{FEFF}", 0),
    ] {
        let seen = seen(MysqlDump, dump);
        assert_eq!((seen.rows.len(), seen.lost.len()), (0, lost), "{dump:?}");
    }
    for wide in [b"\xFF\xFEI\0N\0".as_slice(), b"\xFE\xFF\0I\0N"] {
        assert_eq!(seen(MysqlDump, wide).lost, [(6, Unreadable::NotTheFormat)]);
        assert_eq!(seen(PostgresqlDump, wide).lost, [(6, Unreadable::NotTheFormat)]);
    }
    let modes = "SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES';INSERT INTO \"t\" (\"a\") VALUES ('\\'),(\"a\");";
    let modes = seen(MysqlDump, modes);
    assert_eq!((modes.rows, modes.lost.len()), (vec![r#"{"table":"t","row":{"a":"\\"}}"#.to_owned()], 1));
}

/// Wherever a dump ends, every row of what is left of it is one of the whole, and the end is told.
#[test]
fn a_dump_that_is_cut_anywhere_is_never_taken_for_a_whole_one() {
    let dumps = [
        (
            MysqlDump,
            "CREATE TABLE t (a int, b text);\n/* x */INSERT INTO t VALUES (1,'a;b'),(2,0x41);/*!1 INSERT INTO t VALUES (3,\"c\")*/;",
        ),
        (
            PostgresqlDump,
            "INSERT INTO t (a) VALUES (1), ($x$2$x$);COPY t (a) FROM stdin;\n3\n4\n\\.\nINSERT INTO t (a) VALUES (E'\\'5');",
        ),
    ];
    for (which, dump) in dumps {
        let whole = seen(which, dump);
        assert_eq!(whole.lost, []);
        for end in 0..dump.len() {
            let cut = seen(which, &dump[..end]);
            assert!(whole.rows.starts_with(&cut.rows), "{}", &dump[..end]);
            let is_between = dump[..end].is_empty()
                || dump[..end].ends_with([';', '\n'])
                || dump[..end].ends_with("\\.")
                || dump[..end].ends_with("*/");
            assert!(cut.lost.len() == 1 || is_between, "{:?} of {}", cut.lost, &dump[..end]);
            let mut stream = Pieces::new(&dump.as_bytes()[..end], &[1]);
            stream.error = true;
            let (failed, result) = read(which, &mut stream);
            assert!(matches!(result, Err(SplitError::Read(_))), "{}", &dump[..end]);
            assert_eq!(failed.rows, cut.rows);
            assert!(failed.lost.iter().all(|(_, why)| *why == Unreadable::Cut), "{:?}", failed.lost);
        }
    }
}

#[test]
fn a_dump_is_told_by_its_front() {
    for (head, expected) in [
        ("-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n", Some(MysqlDump)),
        ("\u{FEFF}-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n", Some(MysqlDump)),
        ("/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n", Some(MysqlDump)),
        ("/*!40101 SET NAMES utf8 */;\n", Some(MysqlDump)),
        ("-- phpMyAdmin SQL Dump\n-- version 5.2.1\n", Some(MysqlDump)),
        ("--\n-- PostgreSQL database dump\n--\n\n", Some(PostgresqlDump)),
        ("--\r\n-- PostgreSQL database cluster dump\r\n--\r\n", Some(PostgresqlDump)),
        ("-- a note\n-- PostgreSQL database dump\n", None),
        ("INSERT INTO t VALUES (1);\n", None),
    ] {
        let seen = match probe_format(head.as_bytes(), true) {
            Probe::One(row) => Some(row.format()),
            Probe::None => None,
            Probe::Several => panic!("several claim {head:?}"),
        };
        assert_eq!(seen, expected, "{head:?}");
    }
}

/// The same text over and over, so many bytes: never in memory.
struct Repeat(&'static [u8], u64);

impl Read for Repeat {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.0.len() as u64;
        let at = usize::try_from((length - self.1 % length) % length).unwrap();
        let rest = &self.0[at..];
        let count = rest.len().min(room.len()).min(usize::try_from(self.1).unwrap());
        room[..count].copy_from_slice(&rest[..count]);
        self.1 -= count as u64;
        Ok(count)
    }
}

/// What takes much memory runs alone, so that it can be measured.
static LARGE: Mutex<()> = Mutex::new(());

#[test]
fn one_statement_of_two_hundred_megabytes_is_streamed() {
    const ROW: &[u8] = b"(4711,'alice@shop.example','2024-03-25 10:00:00',NULL,'a text that is of a usual length, with \\'quotes\\' in it; and more of it, so that a row has some two hundred bytes and a statement of a million has many'),";
    let _alone = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
    let count = 200_000_000 / ROW.len() as u64;
    let front = b"INSERT INTO `customer` (`id`,`email`,`at`,`note`,`text`) VALUES ".as_slice();
    let mut stream = front.chain(Repeat(ROW, count * ROW.len() as u64)).chain(b"(1,'b','c','d','e');".as_slice());
    let mut seen = crate::Seen { is_lean: true, ..crate::Seen::default() };
    let before = peak_kibibytes();
    extract::record::format(MysqlDump).split(&mut stream, None, &mut seen).unwrap();
    assert_eq!((seen.count, seen.lost), (count + 1, vec![]));
    let grown = peak_kibibytes().zip(before).map(|(after, before)| after.saturating_sub(before));
    println!("{count} rows, grown by {grown:?} KiB");
    assert!(grown.is_none_or(|grown| grown < 64 * 1024), "grown by {grown:?} KiB");
}

fn peak_kibibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches("kB").trim().parse().ok()
}

#[test]
fn a_row_over_the_bound_is_too_long_and_the_next_one_is_read() {
    let _alone = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
    let long = LINE_BYTES as u64;
    for (which, front, end) in [
        (MysqlDump, "INSERT INTO t (a) VALUES ('", "'),(1);"),
        (MysqlDump, "INSERT INTO t (a) VALUES (0x", "),(1);"),
        (PostgresqlDump, "INSERT INTO t (a) VALUES ($$", "$$),(1);"),
        (PostgresqlDump, "COPY t (a) FROM stdin;\n", "\n1\n\\.\n"),
    ] {
        let mut stream = front.as_bytes().chain(io::repeat(b'4').take(long + 1)).chain(end.as_bytes());
        let (seen, result) = read(which, &mut stream);
        result.unwrap();
        assert_eq!(seen.rows.len(), 1, "{front}");
        assert!(
            matches!(seen.lost.as_slice(), [(bytes, Unreadable::TooLong)] if *bytes > long),
            "{front}: {:?}",
            seen.lost
        );
    }
    // A name, a comment and a statement that never end are passed in the same memory.
    for front in ["INSERT INTO `", "/* ", "SELECT '", "CREATE TABLE t (", "DELIMITER ", "INSERT INTO t (a) VALUES (f("]
    {
        let mut stream = front.as_bytes().chain(io::repeat(b'a').take(3 * long + CHUNK_BYTES as u64));
        let (seen, result) = read(MysqlDump, &mut stream);
        result.unwrap();
        assert_eq!((seen.rows.len(), seen.lost.len()), (0, 1), "{front}");
    }
}
