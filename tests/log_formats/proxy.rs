//! Logs of proxies and FTP servers: who came from where, and what a client may not make them say.

use extract::order::Format;

use super::said::{records, texts};

/// Each line is parsed, and says that.
fn assert_says(which: Format, cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        let seen = records(which, line.as_bytes());
        assert!(seen[0].is_parsed, "{line}");
        let (time, roles) = expected.split_once("; ").unwrap();
        assert_eq!(seen[0].fields, format!("time {time}; from ?; to ?; {roles}"), "{line}");
    }
}

fn assert_shapeless(which: Format, lines: &[&str]) {
    for line in lines {
        let seen = records(which, line.as_bytes());
        assert!(!seen[0].is_parsed, "{line}");
        assert_eq!(seen[0].fields, "time unreadable; from ?; to ?; client ?; user ?", "{line}");
    }
}

#[test]
fn haproxy_names_its_client_first() {
    let http = "fe~ be/srv 0/0/0/72/72 200 7456 - - ---- 5/4/0/1/0 0/0 {203.0.113.7:1} \"GET /203.0.113.7 HTTP/1.1\"";
    let line = |client: &str, rest: &str| format!("{client} [25/Sep/2018:06:05:27.584] {rest}");
    let cases = [
        (line("192.0.2.1:4025", http), "2018-09-25T06:05:27.584; client 192.0.2.1 port 4025; user ?"),
        (line("2001:db8::1:4025", http), "2018-09-25T06:05:27.584; client 2001:db8::1 port 4025; user ?"),
        (line("[2001:db8::1]:4025", http), "2018-09-25T06:05:27.584; client 2001:db8::1 port 4025; user ?"),
        (line("::ffff:192.0.2.1:4025", http), "2018-09-25T06:05:27.584; client 192.0.2.1 port 4025; user ?"),
        (line("unix:1", http), "2018-09-25T06:05:27.584; client -; user ?"),
        (line("192.0.2.1:99999", http), "2018-09-25T06:05:27.584; client ?; user ?"),
        (line("192.0.2.256:25", http), "2018-09-25T06:05:27.584; client ?; user ?"),
        (
            line("Sep 25 06:05:27 lb1 haproxy[77]: 192.0.2.1:25", "fe be/srv 0/0/72 7456 -- 5/4/0/1/0 0/0"),
            "2018-09-25T06:05:27.584; client 192.0.2.1 port 25; user ?",
        ),
        (
            line("2018-09-25T06:05:27.584123+02:00 lb1 haproxy[77]: 192.0.2.1:25", "fe/1: SSL handshake failure"),
            "2018-09-25T06:05:27.584; client 192.0.2.1 port 25; user ?",
        ),
        (
            "192.0.2.1:25 [31/Feb/2018:06:05:27.584] fe be/srv".to_owned(),
            "unreadable; client 192.0.2.1 port 25; user ?",
        ),
    ];
    let cases: Vec<_> = cases.iter().map(|(line, expected)| (line.as_str(), *expected)).collect();
    assert_says(Format::Haproxy, &cases);
    assert_shapeless(
        Format::Haproxy,
        &[
            "Sep 25 06:05:27 lb1 haproxy[77]: Proxy fe started.",
            "192.0.2.1 - - [25/Sep/2018:06:05:27 +0000] \"GET / HTTP/1.1\" 200 5",
            "192.0.2.1 [25/Sep/2018:06:05:27.584] fe be/srv",
            "192.0.2.1:25 [25/Sep/2018:06:05:27.584]",
            "192.0.2.1:25 [25/Sep/2018:06:05:27.584] \"GET /\"",
            "192.0.2.1:25 [25/Sep/2018:06:05:27 +0000] fe be/srv",
            "192.0.2.1:25 [25/Sep/2018:06:05:27.584] fe be/srv\r192.0.2.2:25 [25/Sep/2018:06:05:27.584] fe be/srv\r",
            "lb1 haproxy[77]: 192.0.2.1:25 [25/Sep/2018:06:05:27.584] fe be/srv",
            "x",
        ],
    );
}

#[test]
fn squid_names_its_client_third_and_its_user_before_the_peer() {
    let line = |rest: &str| format!("1066036250.129    456 {rest}");
    let cases = [
        (
            "192.0.2.1 TCP_MISS/200 7456 GET http://a.example/ - HIER_DIRECT/203.0.113.1 text/html",
            "client 192.0.2.1; user -",
        ),
        (
            "2001:db8::1 TCP_TUNNEL/200 7456 CONNECT a.example:443 bob HIER_DIRECT/203.0.113.1 -",
            "client 2001:db8::1; user \"bob\"",
        ),
        ("host.example NONE/000 0 NONE error:x j%20d HIER_NONE/- -", "client \"host.example\"; user \"j d\""),
        ("192.0.2.256 NONE/000 0 NONE error:x - HIER_NONE/- -", "client ?; user -"),
        // An address with blanks in it, as Squid 5.7 writes it with `uri_whitespace allow`.
        (
            "127.0.0.1 TCP_MISS/503 1640 GET http://127.0.0.1:1/a eve HIER_DIRECT/203.0.113.7 x - HIER_DIRECT/127.0.0.1 text/html",
            "client 127.0.0.1; user ?",
        ),
        ("127.0.0.1 NONE_NONE/503 0 CONNECT 127.0.0.1:1 - HIER_DIRECT/127.0.0.1 -", "client 127.0.0.1; user -"),
        (
            "192.0.2.1 TCP_MISS/200 7 GET http://a.example/ eve HIER_DIRECT/203.0.113.1 text/html bob HIER_DIRECT/203.0.113.1 text/html",
            "client 192.0.2.1; user ?",
        ),
        ("192.0.2.1 TCP_MISS/200 7 GET http://a.example/ bob", "client 192.0.2.1; user ?"),
    ];
    for (rest, expected) in cases {
        assert_says(Format::Squid, &[(line(rest).as_str(), format!("2003-10-13T09:10:50.129Z; {expected}").as_str())]);
    }
    assert_shapeless(
        Format::Squid,
        &[
            "1066036250.12 456 192.0.2.1 TCP_MISS/200 7 GET http://a.example/ - HIER_NONE/- -",
            "1066036250.129 x 192.0.2.1 TCP_MISS/200 7 GET http://a.example/ - HIER_NONE/- -",
            "1066036250.129 456 192.0.2.1 TCP_MISS 7 GET http://a.example/ - HIER_NONE/- -",
            "1066036250.129 456 192.0.2.1 TCP_MISS/200 x GET http://a.example/ - HIER_NONE/- -",
            ".129 456 192.0.2.1 TCP_MISS/200 7 GET http://a.example/ - HIER_NONE/- -",
            "1066036250.129 456 192.0.2.1 TCP_MISS/200 7 GET",
            "1066036250.129 456 192.0.2.1 TCP_MISS/200 7 GET x\r - HIER_NONE/- -",
            "x",
        ],
    );
}

#[test]
fn an_ftp_server_names_a_client_and_the_user_that_it_knows() {
    let own = |rest: &str| format!("Fri Jan 19 12:20:33 2007 [pid 27202] {rest}");
    let cases = [
        ("CONNECT: Client \"192.0.2.1\"", "client 192.0.2.1; user -"),
        ("[bob] OK LOGIN: Client \"::ffff:192.0.2.1\"", "client 192.0.2.1; user \"bob\""),
        ("[bob] OK UPLOAD: Client \"192.0.2.1\", \"/a b\", 5 bytes, 1.00Kbyte/sec", "client 192.0.2.1; user \"bob\""),
        ("[bob x] FAIL LOGIN: Client \"192.0.2.1\", \"no.\"", "client 192.0.2.1; user \"bob x\""),
        ("[nobody] OK LOGIN: Client \"192.0.2.1\", anon password \"x_y\"", "client 192.0.2.1; user \"nobody\""),
        // A name or a file that looks like what stands around it.
        ("[eve] OK LOGIN: Client \"203.0.113.7\"] FAIL LOGIN: Client \"192.0.2.1\"", "client ?; user ?"),
        ("[eve] OK LOGIN] FAIL LOGIN: Client \"192.0.2.1\"", "client 192.0.2.1; user \"eve] OK LOGIN\""),
        ("[bob] OK MKDIR: Client \"192.0.2.1\", \"/x: Client \"203.0.113.7\"", "client ?; user ?"),
        ("[bob] DEBUG x", "client ?; user ?"),
    ];
    for (rest, expected) in cases {
        assert_says(Format::Vsftpd, &[(own(rest).as_str(), format!("2007-01-19T12:20:33; {expected}").as_str())]);
    }
    let transfer = |rest: &str| format!("Thu Mar  4 08:12:30 2010 {rest}");
    let cases = [
        ("1 192.0.2.1 1234 /home/bob/a_b b _ o r bob ftp 0 * c", "client 192.0.2.1; user \"bob\""),
        ("1 host.example 1234 /a b _ i a x@y.example ftp 0 * c", "client \"host.example\"; user -"),
        ("1 192.0.2.1 1234 /a b _ o r eve ftp 0 * c b _ o r bob ftp 0 * c", "client 192.0.2.1; user ?"),
    ];
    for (rest, expected) in cases {
        assert_says(Format::Vsftpd, &[(transfer(rest).as_str(), format!("2010-03-04T08:12:30; {expected}").as_str())]);
    }
    assert_says(
        Format::Vsftpd,
        &[("Thu Jan 19 12:20:33 2007 [pid 7] CONNECT: Client \"192.0.2.1\"", "unreadable; client 192.0.2.1; user -")],
    );
    assert_shapeless(
        Format::Vsftpd,
        &[
            "Oct 11 01:06:47 host vsftpd: (pam_unix) authentication failure; rhost=192.0.2.1",
            "Fri Jan 19 12:20:33 2007 [pid x] CONNECT: Client \"192.0.2.1\"",
            "Fri Jan 19 12:20:33 2007 CONNECT: Client \"192.0.2.1\"",
            "Fri Jan 19 12:20:33 2007 [pid 7] CONNECT: Client \"192.0.2.1",
            "Thu Mar  4 08:12:30 2010 1 192.0.2.1 1234 /a b _ x r bob ftp 0 * c",
            "Thu Mar  4 08:12:30 2010 1 192.0.2.1 x /a b _ o r bob ftp 0 * c",
            "Thu Mar  4 08:12:30 2010 1 192.0.2.1 5 o r c",
            "x",
        ],
    );
}

#[test]
fn what_haproxy_escapes_and_an_address_with_its_port_are_found() {
    let line = "[25/Sep/2018:06:05:27.584] fe be/srv 0/0/0/72/72 200 7 - - ---- 5/4/0/1/0 0/0 \"GET /?x=#22bob%40a.example#22 HTTP/1.1\"";
    let (seen, _) = texts(Format::Haproxy, &format!("2001:db8::1:4025 {line}"));
    assert!(seen.contains("x=\"bob@a.example\""), "{seen}");
    assert!(seen.ends_with("\n[2001:db8::1]:4025\n"), "{seen}");
}

#[test]
fn what_exim_escapes_in_octal_is_found() {
    let (seen, _) = texts(Format::Exim, "2024-05-01 12:00:00 1aBcDe-000123-AB => m\\303\\274@a.example R=x");
    assert!(seen.contains("m\u{fc}@a.example"), "{seen}");
}
