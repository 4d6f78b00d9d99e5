//! The log of the Linux audit daemon: its shape, and what it writes in hexadecimal digits.

use extract::order::Format;
use extract::scope::Reading;

use super::said::{records, texts};

#[test]
fn a_line_has_a_type_a_time_and_a_serial() {
    let cases = [
        ("type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e", Some("2013-03-28T14:36:03.243Z")),
        ("node=host1 type=UNKNOWN[1323] msg=audit(1364481363.243:24287):", Some("2013-03-28T14:36:03.243Z")),
        ("type=X msg=audit(999999999999.000:1): x", Some("unreadable")),
        ("type=X msg=audit(1364481363.2:24287): x", None),
        ("type=X msg=audit(1364481363:24287): x", None),
        ("type=X msg=audit(1364481363.243:): x", None),
        ("type=X msg=audit(1364481363.243:1) x", None),
        ("type=X msg=audit(): x", None),
        ("type= msg=audit(1364481363.243:1): x", None),
        ("msg=audit(1364481363.243:1): x", None),
    ];
    for (line, expected) in cases {
        let seen = records(Format::Auditd, line.as_bytes());
        assert_eq!(seen[0].is_parsed, expected.is_some(), "{line}");
        let time = expected.unwrap_or("unreadable");
        assert_eq!(seen[0].fields, format!("time {time}; from ?; to ?; client ?; user ?"), "{line}");
    }
}

#[test]
fn what_is_written_in_digits_is_found_and_a_number_is_no_string() {
    let secret: String = "secret@x.example".bytes().map(|byte| format!("{byte:02X}")).collect();
    let cases = [
        (format!("type=PROCTITLE msg=audit(1.000:1): proctitle=6D61696C00{secret}"), true, Reading::Complete),
        (format!("type=EXECVE msg=audit(1.000:1): argc=2 a0=\"mail\" a1={secret}"), true, Reading::Complete),
        (format!("type=SYSCALL msg=audit(1.000:1): a0={secret} ppid={secret} id={secret}"), false, Reading::Complete),
        (
            format!("type=USER_CMD msg=audit(1.000:1): pid=5 msg='cwd=\"/\" cmd={secret} res=success'"),
            true,
            Reading::Complete,
        ),
        (
            format!("type=USER_LOGIN msg=audit(1.000:1): msg='op=login acct={secret}'\u{1d}UID=\"root\""),
            true,
            Reading::Complete,
        ),
        (format!("type=TTY msg=audit(1.000:1): data={secret}0D"), true, Reading::Complete),
        (
            format!("type=TTY msg=audit(1.000:1): data={}", secret.to_lowercase().replace('a', "A")),
            false,
            Reading::Complete,
        ),
        (format!("type=TTY msg=audit(1.000:1): data={secret}0"), false, Reading::Complete),
        (
            format!("type=EXECVE msg=audit(1.000:1): a1_len=32 a1[0]={} a1[1]={}", &secret[..8], &secret[8..]),
            false,
            Reading::Partial,
        ),
    ];
    for (line, is_found, reading) in cases {
        let (text, seen) = texts(Format::Auditd, &line);
        assert_eq!((text.contains("secret@x.example"), seen), (is_found, reading), "{line}: {text}");
    }
}

#[test]
fn the_address_of_a_socket_is_found() {
    let v6 = "20010DB8000000000000000000000001";
    let cases = [
        ("02000050C00002010000000000000000".to_owned(), "192.0.2.1:80\n", Reading::Complete),
        (format!("0A0001BB00000000{v6}00000000"), "[2001:db8::1]:443\n", Reading::Complete),
        ("00020050C0000201".to_owned(), "192.0.2.1:80\n", Reading::Complete),
        ("01002F72756E".to_owned(), "/run\n", Reading::Complete),
        ("02000050C000".to_owned(), "02000050C000\n", Reading::Partial),
        (format!("0A0001BB00000000{}", &v6[..30]), "\n", Reading::Partial),
        ("02".to_owned(), "\n", Reading::Partial),
    ];
    for (saddr, expected, reading) in cases {
        let (text, seen) = texts(Format::Auditd, &format!("type=SOCKADDR msg=audit(1.000:1): saddr={saddr}"));
        assert_eq!((text.ends_with(expected), seen), (true, reading), "{saddr}: {text}");
    }
}
