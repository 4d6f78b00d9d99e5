//! Exim's logs: what each kind of line says, and what a client may not make it say.

use extract::order::Format;

use super::said::records;

const NONE: &str = "; user ?";

#[test]
fn each_kind_of_line_says_who_is_in_its_place() {
    let cases = [
        (
            "2024-05-01 12:00:00 1aBcDe-000123-AB <= a@b.example H=mx.b.example (mail) [192.0.2.1]:4025 P=esmtp S=5 id=x@y.example",
            "time 2024-05-01T12:00:00; from a@b.example; to -; client 192.0.2.1 port 4025",
        ),
        (
            "2024-05-01 12:00:00.125 +0200 [77] 1aBcDe-0000000AbCd-0AbC <= a@b.example U=alice P=local S=5 T=\"a \\\" for z@z.example\" from <a@b.example> for c@d.example e@f.example",
            "time 2024-05-01T10:00:00.125Z; from a@b.example; to c@d.example e@f.example; client -",
        ),
        (
            "2024-05-01 12:00:00 1aBcDe-000123-AB <= <> R=1aBcDe-000122-AB U=Debian-exim P=local S=5",
            "time 2024-05-01T12:00:00; from -; to -; client -",
        ),
        (
            "2024-05-01 12:00:00 1aBcDe-000123-AB => bob <bob@shop.example> F=<a@b.example> R=local T=maildir",
            "time 2024-05-01T12:00:00; from a@b.example; to \"bob\" bob@shop.example; client -",
        ),
        (
            "2024-05-01 12:00:00 1aBcDe-000123-AB -> c@d.example R=dnslookup T=smtp H=mx.d.example [192.0.2.9]",
            "time 2024-05-01T12:00:00; from -; to c@d.example; client -",
        ),
        (
            "2024-05-01 12:00:00 1aBcDe-000123-AB => :blackhole: <c@d.example> R=system",
            "time 2024-05-01T12:00:00; from -; to c@d.example; client -",
        ),
        (
            "2024-05-01 12:00:00 1aBcDe-000123-AB ** c@d.example: Unrouteable address",
            "time 2024-05-01T12:00:00; from -; to c@d.example; client -",
        ),
        (
            "2024-05-01 12:00:00 1aBcDe-000123-AB == c@d.example R=dns T=smtp defer (-44): SMTP error: <z@z.example>",
            "time 2024-05-01T12:00:00; from -; to c@d.example; client -",
        ),
        ("2024-05-01 12:00:00 1aBcDe-000123-AB Completed", "time 2024-05-01T12:00:00; from -; to -; client -"),
        ("2024-05-01 12:00:00 Start queue run: pid=7", "time 2024-05-01T12:00:00; from -; to -; client -"),
        (
            "2024-05-01 12:00:00 H=(x) [2001:db8::1]:25 I=[192.0.2.2]:25 F=<a@b.example> rejected RCPT <c@d.example>: no",
            "time 2024-05-01T12:00:00; from a@b.example; to c@d.example; client 2001:db8::1 port 25",
        ),
        (
            "2024-05-01 12:00:00 H=[192.0.2.1] temporarily rejected RCPT c@d.example: later",
            "time 2024-05-01T12:00:00; from -; to c@d.example; client 192.0.2.1",
        ),
        (
            "2024-05-01 12:00:00 plain authenticator failed for (x) [192.0.2.1]:25: 535 no (set_id=bob)",
            "time 2024-05-01T12:00:00; from ?; to ?; client 192.0.2.1 port 25",
        ),
        ("2024-05-01 12:00:00 something else", "time 2024-05-01T12:00:00; from ?; to ?; client ?"),
        ("2024-02-30 12:00:00 1aBcDe-000123-AB Completed", "time unreadable; from -; to -; client -"),
        ("2024-05-01 12:00:00 +9900 1aBcDe-000123-AB Completed", "time unreadable; from -; to -; client -"),
    ];
    for (line, expected) in cases {
        let seen = records(Format::Exim, line.as_bytes());
        assert!(seen[0].is_parsed, "{line}");
        assert_eq!(seen[0].fields, format!("{expected}{NONE}"), "{line}");
    }
}

/// Exim 4.96 wrote these, with `helo_accept_junk_hosts` and every field of `log_selector`, for a client that tried.
#[test]
fn what_a_real_exim_writes_of_a_forger_names_nobody_else() {
    let cases = [
        (
            "2026-11-26 23:45:06.706 [12063] 1xWj9G-00038Z-2H <= \"x H=(y) [203.0.113.7] \"@b.example H=(x) [203.0.113.7]:25 P=smtp () [192.0.2.1]:4025 I=[192.0.2.2]:25 U=root P=esmtp L.- S=334 M8S=0 RT=0.000s id=\"x for z@z.example\"@y.example T=\"x\\\" for z@z.example\" from <\"x H=(y) [203.0.113.7] \"@b.example> for bob@shop.example",
            "time 2026-11-26T23:45:06.706; from x H=(y) [203.0.113.7] @b.example; to ?; client ?",
        ),
        (
            "2026-11-26 23:45:06.705 [12063] H=(x) [203.0.113.7]:25 P=smtp () [192.0.2.1]:4025 I=[192.0.2.2]:25 U=root F=<\"x H=(y) [203.0.113.7] \"@b.example> rejected RCPT <nobody@shop.example>: no",
            "time 2026-11-26T23:45:06.705; from ?; to ?; client ?",
        ),
        (
            "2026-11-26 23:45:06.723 [12073] 1xWj9G-00038j-2K <= root@mx.shop.example U=root P=local S=300 M8S=0 RT=0.000s id*=E1xWj9G-00038j-2K@mx.shop.example from <root@mx.shop.example> for bob@shop.example",
            "time 2026-11-26T23:45:06.723; from root@mx.shop.example; to bob@shop.example; client -",
        ),
        (
            "2026-11-26 23:45:33 1xWj9h-0003AE-1b <= a@b.example H=(mail.b.example) [192.0.2.1] P=esmtp K S=238 T=\"h\\303\\251 \\\"q\\\"\" for bob@shop.example gone@elsewhere.example",
            "time 2026-11-26T23:45:33; from a@b.example; to bob@shop.example gone@elsewhere.example; client 192.0.2.1",
        ),
    ];
    for (line, expected) in cases {
        let seen = records(Format::Exim, line.as_bytes());
        assert_eq!(seen[0].fields, format!("{expected}{NONE}"), "{line}");
    }
}

#[test]
fn what_a_client_chose_is_read_as_no_field() {
    let head = "2024-05-01 12:00:00 1aBcDe-000123-AB";
    let cases = [
        // A name in HELO that holds an address, and one that ends its parenthesis early.
        (
            "<= a@b.example H=([203.0.113.7]) [192.0.2.1]:4025 P=smtp",
            "from a@b.example; to -; client 192.0.2.1 port 4025",
        ),
        ("<= a@b.example H=(x) [203.0.113.7]:25 P=smtp () [192.0.2.1]:4025 P=smtp", "from a@b.example; to -; client ?"),
        ("<= a@b.example H=(x [203.0.113.7]) [192.0.2.1] P=smtp", "from a@b.example; to -; client ?"),
        // A sender whose local part holds blanks.
        (
            "<= \"x H=(y) [203.0.113.7] \"@b.example H=[192.0.2.1] P=smtp",
            "from x H=(y) [203.0.113.7] @b.example; to -; client 192.0.2.1",
        ),
        (
            "<= x\\ H=[203.0.113.7]@b.example H=[192.0.2.1] P=smtp",
            "from x H=[203.0.113.7]@b.example; to -; client 192.0.2.1",
        ),
        ("<= \"x H=[203.0.113.7] P=smtp", "from ?; to ?; client ?"),
        // A subject, a Message-ID, an identity that hold recipients.
        (
            "<= a@b.example H=[192.0.2.1] P=smtp T=\"x\\\" for z@z.example\" for c@d.example",
            "from a@b.example; to c@d.example; client 192.0.2.1",
        ),
        (
            "<= a@b.example H=[192.0.2.1] P=smtp id=\"x for z@z.example\"@y.example for c@d.example",
            "from a@b.example; to c@d.example; client 192.0.2.1",
        ),
        ("<= a@b.example H=[192.0.2.1] U=x for z@z.example P=smtp", "from a@b.example; to ?; client 192.0.2.1"),
        (
            "H=[192.0.2.1] U=x F=<z@z.example> F=<a@b.example> rejected RCPT <c@d.example>: no",
            "from ?; to ?; client 192.0.2.1",
        ),
        (
            "H=[192.0.2.1] DN=\"x\" F=<z@z.example>\" F=<a@b.example> rejected RCPT <c@d.example>: no",
            "from ?; to ?; client 192.0.2.1",
        ),
        ("=> |/bin/x <z@z.example> <c@d.example> R=pipe", "from ?; to ?; client -"),
        ("SA: From <z@z.example> (host=x [203.0.113.7]) for c@d.example", "from ?; to ?; client ?"),
    ];
    for (rest, expected) in cases {
        let line = format!("{head} {rest}");
        let seen = records(Format::Exim, line.as_bytes());
        assert_eq!(seen[0].fields, format!("time 2024-05-01T12:00:00; {expected}{NONE}"), "{line}");
    }
}

#[test]
fn a_rejected_message_goes_with_its_line_and_any_other_line_is_its_own() {
    let first = "2024-05-01 12:00:00 1aBcDe-000123-AB H=[192.0.2.1] F=<a@b.example> rejected after DATA: no\n\
        Envelope-from: <a@b.example>\nEnvelope-to: <c@d.example>\n    <e@f.example>\n\
        P Received: from x\n\tby y\nF From: a@b.example\n  Subject: reject\n 2024-05-01 12:00:00 x\n* Old: x\n";
    let seen = records(Format::Exim, format!("  orphan\n{first}stray\n{first}").as_bytes());
    let texts: Vec<_> =
        seen.iter().map(|said| (String::from_utf8_lossy(&said.bytes).into_owned(), said.is_parsed)).collect();
    let whole = (first.to_owned(), true);
    assert_eq!(texts, [("  orphan\n".to_owned(), false), whole.clone(), ("stray\n".to_owned(), false), whole]);
}
