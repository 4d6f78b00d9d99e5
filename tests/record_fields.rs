//! What a record says: addresses, dates, Message-IDs, and every decoded form of its texts.

use extract::order::{Clock, Format, Role};
use extract::record::{RecordSink, Stop, Unreadable, format};
use extract::scope::{Fields, RawRecord, Reading, TimeField, Value};

const LOG: &str = "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5\n";

fn ask_everything(fields: &dyn Fields) {
    fields.parsed();
    for clock in Clock::ALL {
        fields.time(clock);
    }
    for role in Role::ALL {
        fields.values(role, &mut |_| {});
    }
    fields.message_id(&mut |_| {});
    fields.texts(&mut |_| {});
}

/// What one record says: everything of one role, and how it was read.
fn values(which: Format, text: &str, role: Role) -> (Vec<String>, Reading) {
    struct Ask(Role, Vec<String>, Option<Reading>);
    impl RecordSink for Ask {
        fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
            let seen = &mut self.1;
            self.2 = Some(record.fields.values(self.0, &mut |value| match value {
                Value::Address { local, domain } => {
                    seen.push(format!("{}@{}", String::from_utf8_lossy(local), String::from_utf8_lossy(domain)));
                }
                other => seen.push(format!("{other:?}")),
            }));
            Ok(())
        }
        fn separator(&mut self, _bytes: u64) {}
        fn unreadable(&mut self, _bytes: u64, _why: Unreadable) {}
    }
    let mut ask = Ask(role, Vec::new(), None);
    format(which).split(&mut text.as_bytes(), None, &mut ask).unwrap();
    (ask.1, ask.2.unwrap())
}

#[test]
fn every_occurrence_of_a_header_counts_and_a_doubtful_one_makes_the_role_partial() {
    let two = "To: a@x.org\nCc: b@x.org\nto: c@x.org\n\nTo: no@x.org\n";
    assert_eq!(values(Format::Eml, two, Role::To), (vec!["a@x.org".into(), "c@x.org".into()], Reading::Complete));
    assert_eq!(values(Format::Eml, two, Role::From), (vec![], Reading::Complete));
    let stray = "To: a@x.org\nstray\nTo: b@x.org\n\n";
    assert_eq!(values(Format::Eml, stray, Role::To), (vec!["a@x.org".into()], Reading::Partial));
    assert_eq!(values(Format::Eml, stray, Role::Cc), (vec![], Reading::Complete));
    let many: String = (0..40).map(|n| format!("To: a{n}@x.org\n")).collect();
    assert_eq!(values(Format::Eml, &many, Role::To).0.len(), 40);
    assert_eq!(values(Format::Eml, &many, Role::Client), (vec![], Reading::Partial));
    assert_eq!(values(Format::AccessLog, LOG, Role::From), (vec![], Reading::Partial));
    assert_eq!(values(Format::AccessLog, LOG, Role::User), (vec![], Reading::Complete));
    assert_eq!(values(Format::AccessLog, " \"agent\"\n", Role::Client), (vec![], Reading::Partial));
}

/// Asks one message.
fn of_message<T>(text: &[u8], ask: impl FnMut(&dyn Fields) -> T) -> T {
    struct Ask<T, F: FnMut(&dyn Fields) -> T>(F, Option<T>);
    impl<T, F: FnMut(&dyn Fields) -> T> RecordSink for Ask<T, F> {
        fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
            self.1 = Some((self.0)(record.fields));
            Ok(())
        }
        fn separator(&mut self, _bytes: u64) {}
        fn unreadable(&mut self, _bytes: u64, _why: Unreadable) {}
    }
    let mut ask = Ask(ask, None);
    format(Format::Maildir).split(&mut { text }, None, &mut ask).unwrap();
    ask.1.unwrap()
}

#[test]
fn two_dates_that_differ_are_no_date_and_none_is_a_missing_clock() {
    let time = |text: &str| of_message(text.as_bytes(), |fields| fields.time(Clock::DateHeader));
    let one = "Date: Mon, 1 Jan 2024 00:00:00 +0000\n";
    let same = "Date: Mon, 1 Jan 2024 01:00:00 +0100\n";
    let other = "Date: Mon, 1 Jan 2024 00:00:01 +0000\n";
    let at = time(one);
    assert!(matches!(at, TimeField::At(_)));
    assert_eq!(time(&format!("{one}{same}")), at);
    assert_eq!(time(&format!("{one}{other}")), TimeField::Unreadable);
    assert_eq!(time(&format!("{one}Date: nonsense\n")), TimeField::Unreadable);
    assert_eq!(time(&format!("{one}stray\n{one}")), TimeField::Unreadable);
    assert_eq!(time("Date:\n"), TimeField::Unreadable);
    assert_eq!(time("To: a\n\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"), TimeField::Lacks);
    for clock in [Clock::Record, Clock::Modified] {
        assert_eq!(of_message(one.as_bytes(), |fields| fields.time(clock)), TimeField::Lacks);
    }
}

#[test]
fn a_message_id_is_what_stands_between_its_angle_brackets() {
    let cases: [(&str, &[&str], Reading); 9] = [
        ("Message-ID: <a@b>\n", &["a@b"], Reading::Complete),
        ("Message-Id:\r\n <a@b> (comment)\r\n", &["a@b"], Reading::Complete),
        ("message-id: a@b\n", &["a@b"], Reading::Complete),
        ("Message-ID: <a>\nMessage-ID: <b>\n", &["a", "b"], Reading::Complete),
        ("Message-ID: <a> <b>\n", &["a"], Reading::Partial),
        ("Message-ID: <a\n", &[], Reading::Partial),
        ("Message-ID: a b\n", &[], Reading::Partial),
        ("Message-ID: \n", &[], Reading::Complete),
        ("To: a\n", &[], Reading::Complete),
    ];
    for (text, expected, reading) in cases {
        let mut seen = Vec::new();
        let read = of_message(text.as_bytes(), |fields| {
            fields.message_id(&mut |id| seen.push(String::from_utf8_lossy(id).into_owned()))
        });
        assert_eq!(
            (seen.iter().map(String::as_str).collect::<Vec<_>>(), read),
            (expected.to_vec(), reading),
            "{text:?}"
        );
    }
}

/// The texts of a message, joined by line ends.
fn texts(text: &[u8]) -> (String, Reading) {
    let mut seen = Vec::new();
    let reading = of_message(text, |fields| {
        fields.texts(&mut |text| {
            seen.extend_from_slice(text);
            seen.push(b'\n');
        })
    });
    (String::from_utf8_lossy(&seen).into_owned(), reading)
}

#[test]
fn every_decoded_form_of_a_message_is_among_its_texts() {
    let utf16: Vec<u8> = "secret@example.org".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"To: a\n\n\xff\xfe".as_slice(), &utf16].concat();
    let named = [b"Content-Type: text/plain; charset=UTF-16LE\n\n".as_slice(), &utf16].concat();
    let nested = "Content-Type: multipart/mixed; boundary=\"b 1\"\n\npreamble\n--b 1\n\
        Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/alternative;\n boundary=c\n\n\
        --c\nContent-Transfer-Encoding: base64\n\nc2VjcmV0QGV4YW1wbGUub3Jn\n--c--\n--b 1--\n";
    let encoded_message = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n\
        Q29udGVudC1UcmFuc2Zlci1FbmNvZGluZzogcXVvdGVkLXByaW50YWJsZQoKc2VjcmV0PTQwZXhhbXBsZS5vcmcK\n";
    let cases: [(&str, &[u8]); 17] = [
        ("raw", b"To: a\n\nsecret@example.org"),
        ("an address with a comment", b"To: secret (x) @ example.org\n\n"),
        ("a quoted local part", b"Cc: \"secret\"@example.org\n\n"),
        ("an encoded word", b"Subject: =?utf-8?B?c2VjcmV0QGV4YW1wbGUub3Jn?=\n\n"),
        ("two encoded words", b"X: =?utf-8?Q?secret=40ex?=\n =?utf-8?Q?ample.org?=\n\n"),
        ("a percent escape in a file name", b"Content-Disposition: a; filename*=utf-8''secret%40example.org\n\n"),
        ("quoted-printable", b"Content-Transfer-Encoding: Quoted-Printable\n\nsec=\nret=40example.org\n"),
        ("base64", b"Content-Transfer-Encoding: base64\n\nc2VjcmV0QGV4\r\nYW1wbGUub3Jn\r\n"),
        ("base64 of UTF-16", b"Content-Type: text/plain; charset=utf-16be\nContent-Transfer-Encoding: base64\n\nAHMAZQBjAHIAZQB0AEAAZQB4AGEAbQBwAGwAZQAuAG8AcgBn\n"),
        ("UTF-16 with a mark", &marked),
        ("UTF-16 by its name", &named),
        ("UTF-7", b"Content-Type: text/plain; charset=utf-7\n\nsecret+AEA-example.org"),
        ("parts within parts", nested.as_bytes()),
        ("a percent escape in a link", b"Content-Type: text/html\n\n<a href=\"mailto:secret%40example.org\">"),
        ("a character reference", b"Content-Type: text/html\n\nsecret&#64;example.org"),
        ("an encoded message", encoded_message.as_bytes()),
        ("a digest", b"Content-Type: multipart/digest; boundary=d\n\n--d\n\nContent-Transfer-Encoding: base64\n\nc2VjcmV0QGV4YW1wbGUub3Jn\n--d--\n"),
    ];
    for (name, text) in cases {
        let (seen, reading) = texts(text);
        assert!(seen.contains("secret@example.org"), "{name}: {seen}");
        assert_eq!(reading == Reading::Complete, name != "UTF-7", "{name}");
    }
}

#[test]
fn an_identifier_that_markup_or_comments_or_pieces_part_is_found_whole() {
    let utf16: Vec<u8> = "secret@example.org".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let unnamed = [b"To: a\n\n".as_slice(), &utf16].concat();
    let attached = b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n\
        VG86IGFAYi5vcmcKQ29udGVudC1UcmFuc2Zlci1FbmNvZGluZzogYmFzZTY0CgpjMlZqY21WMFFHVjRZVzF3YkdVdWIzSm4K\n";
    let cases: [(&str, &[u8]); 13] = [
        ("a comment before a dot", b"To: secret@example(x).org\n\n"),
        ("blanks around a dot", b"Cc: secret@example . org\n\n"),
        ("a folded dot", b"Cc: secret@example\n .org\n\n"),
        ("a comment in another address field", b"Delivered-To: secret@example(x).org\n\n"),
        ("pieces of a parameter", b"Content-Disposition: a; filename*0*=utf-8''secret%40exam; filename*1=\"ple.org\"\n\n"),
        ("a reference without its end", b"Content-Type: text/html\n\nsecret&#64example.org"),
        ("a reference with many zeros", b"Content-Type: text/html\n\nsecret&#x00000000000040;example.org"),
        ("a percent escape behind a reference", b"Content-Type: text/html\n\nsecret&#37;40example.org"),
        ("tags within", b"Content-Type: text/html\n\nsecret@<b>exam</b>ple.org"),
        ("UTF-16 without a mark", &unnamed),
        ("a message attached as a file", attached),
        ("a comment in a type", b"Content-Type: multipart (x) /mixed (;boundary=y); boundary=x\n\n--x\nContent-Transfer-Encoding: base64\n\nc2VjcmV0QGV4YW1wbGUub3Jn\n--x--\n"),
        ("a part behind the last", b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--\n--x\nContent-Transfer-Encoding: base64\n\nc2VjcmV0QGV4YW1wbGUub3Jn\n"),
    ];
    for (name, text) in cases {
        let (seen, reading) = texts(text);
        assert!(seen.contains("secret@example.org"), "{name}: {seen}");
        assert_eq!(reading, Reading::Complete, "{name}");
    }
}

#[test]
fn a_message_that_readers_take_apart_differently_is_partial() {
    let base64 = "Content-Transfer-Encoding: base64";
    let part = format!("--x\n{base64}\n\nYWJj\n--x--\n");
    let cases: [(&str, String, Reading); 8] = [
        ("no boundary", format!("Content-Type: multipart/mixed\n\n{part}"), Reading::Partial),
        ("a boundary in pieces", format!("Content-Type: multipart/mixed; boundary*0=x\n\n{part}"), Reading::Partial),
        (
            "two types",
            format!("Content-Type: multipart/mixed; boundary=x\nContent-Type: text/plain\n\n{part}"),
            Reading::Partial,
        ),
        ("two encodings", format!("{base64}\nContent-Transfer-Encoding: 7bit\n\nYWJj\n"), Reading::Partial),
        ("an encoding said twice", format!("{base64}\n{base64}\n\nYWJj\n"), Reading::Complete),
        (
            "lines that end in CR",
            format!("Content-Type: multipart/mixed; boundary=x\n\n{}", part.replace('\n', "\r")),
            Reading::Partial,
        ),
        ("fields that end in CR", format!("To: a@b.org\r{base64}\r\rYWJj"), Reading::Partial),
        ("fields that end in CR CR LF", "To: a@b.org\r\r\nCc: c@b.org\r\r\n".to_owned(), Reading::Complete),
    ];
    for (name, text, expected) in cases {
        assert_eq!(texts(text.as_bytes()).1, expected, "{name}");
    }
}

#[test]
fn what_could_not_be_decoded_makes_the_texts_partial() {
    let deep: String = (0..100).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    let cases: [(&str, &str, Reading); 6] = [
        ("a broken base64 line", "Content-Transfer-Encoding: base64\n\nYWJj\n!!!!\nYWJj\n", Reading::Partial),
        ("an encoding unknown", "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n", Reading::Partial),
        ("parts nested too deep", &deep, Reading::Partial),
        ("a character set that hides ASCII", "Content-Type: text/plain; charset=utf-32\n\nx\n", Reading::Partial),
        (
            "a list's footer behind base64",
            "Content-Transfer-Encoding: base64\n\nYQ==\n____\nlist: x\n",
            Reading::Complete,
        ),
        ("a boundary that never comes", "Content-Type: multipart/mixed; boundary=x\n\nbody\n", Reading::Complete),
    ];
    for (name, text, expected) in cases {
        assert_eq!(texts(text.as_bytes()).1, expected, "{name}");
    }
}

#[test]
fn hostile_messages_are_read_in_linear_time() {
    let repeated = |unit: &str| unit.repeat((8 << 20) / unit.len()).into_bytes();
    let cases = [
        repeated("Content-Type: message/rfc822\n\n"),
        repeated("Content-Type: multipart/mixed; boundary=b\n\n--b\n"),
        [
            b"Content-Type: multipart/mixed; boundary=\"".to_vec(),
            vec![b'-'; 4 << 20],
            b"\"\n\n".to_vec(),
            vec![b'-'; 4 << 20],
        ]
        .concat(),
        repeated("To: ((((\n"),
        [b"To: ".to_vec(), repeated("<a@b,")].concat(),
        [b"To: ".to_vec(), repeated("a@")].concat(),
        [b"Subject: ".to_vec(), repeated("=?utf-8?Q?")].concat(),
        [b"Subject: ".to_vec(), repeated("=?")].concat(),
        [b"Subject: ".to_vec(), repeated("=?a?Q?x "), b"?=".to_vec()].concat(),
        [b"Subject: ".to_vec(), repeated("=?a?x?x "), b"?=".to_vec()].concat(),
        [b"Subject: ".to_vec(), repeated("=?x "), b"?=".to_vec()].concat(),
        [b"\n".to_vec(), repeated("&#64")].concat(),
        repeated("--"),
        [b"Content-Type: x; ".to_vec(), repeated("boundary=;")].concat(),
        repeated("a\n"),
    ];
    for message in cases {
        let start = std::time::Instant::now();
        of_message(&message, |fields| ask_everything(fields));
        let head = String::from_utf8_lossy(&message[..60.min(message.len())]).into_owned();
        assert!(start.elapsed().as_secs() < 20, "{:?} for {head:?}", start.elapsed());
    }
}
