//! Access logs of a form of the site's own, by orders that write the form down.

mod case;
#[path = "fixture/resealed.rs"]
mod resealed;

use case::{Case, records};
use resealed::resealed;

const LOG: [&str; 6] = [
    r#"www.shop.example:443 192.0.2.7 - alice [25/Mar/2024:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "agent""#,
    r#"www.shop.example:443 192.0.2.8 - - [25/Mar/2024:10:05:04 +0000] "GET /192.0.2.7 HTTP/1.1" 200 5 "-" "agent""#,
    r#"www.shop.example:443 192.0.2.7 - - [26/Mar/2024:10:05:05 +0000] "GET / HTTP/1.1" 200 5 "-" "agent""#,
    r#"www.shop.example:443 192.0.2.7 - john doe [25/Mar/2024:10:05:06 +0000] "GET / HTTP/1.1" 200 5 "-" "agent""#,
    r#"prose of another program"#,
    r#"www.shop.example:80 192.0.2.7 - - [25/Mar/2024:10:05:07 +0000] "GET /\"x\" HTTP/1.1" 200 5 "-" "\"agent\"""#,
];

const VHOST: &str = r#"log-format = '%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"'"#;
const DAY: &str = "window = { from = 2024-03-25, through = 2024-03-25, clock = \"record\" }";
const IP: &str = "identifiers = [{ ip = \"192.0.2.7\" }]";

fn case() -> Case {
    let case = Case::new();
    case.file("/access.log", LOG.iter().map(|line| format!("{line}\n")).collect::<String>());
    case
}

#[test]
fn a_log_with_a_virtual_host_in_front_is_read_by_its_servers_own_format_string() {
    let case = case();
    case.order("", &records("\"/access.log\"", &format!("as = \"access-log\"\n{VHOST}\n{IP}\n{DAY}")));
    case.run().ends_with(3);
    let package = case.package();
    let expected = format!("{}\n{}\n", LOG[0], LOG[5]);
    assert_eq!(String::from_utf8_lossy(&package.disclosed()[0].1), expected);
    // The line whose user has a blank in it.
    assert_eq!(package.disclosure()["totals"]["undecided"], 1);
    let good = std::fs::read(case.path("out.tar")).unwrap();
    for (old, new, words) in [
        (":443 192.0.2.7", ":443 192.0.2.9", "none of the clause"),
        ("25/Mar/2024:10:05:03", "27/Mar/2024:10:05:03", "outside the window"),
    ] {
        let changed = resealed(&good, "data/000001.log", |_, data| {
            assert_eq!(data.matches(old).count(), 1, "{old}");
            data.replace(old, new)
        });
        std::fs::write(case.path("changed.tar"), changed).unwrap();
        let said = case.extract(&["verify", "changed.tar"]);
        said.ends_with(1);
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(all.contains(words), "{all}");
    }
}

#[test]
fn without_the_format_string_nothing_is_told_of_such_a_line() {
    let case = case();
    case.order("", &records("\"/access.log\"", &format!("as = \"access-log\"\n{IP}\n{DAY}")));
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.shortfalls(), case::short("not-the-format", 1));
    assert!(package.exhibits().is_empty());
}

#[test]
fn a_stream_is_read_in_one_form_and_a_clause_with_another_is_short() {
    let case = case();
    let first = records("\"/access.log\"", &format!("as = \"access-log\"\n{VHOST}\n{IP}\n{DAY}"));
    let other = "log-format = '%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{X}i\" %D'";
    let second = first.replace("id = \"1\"", "id = \"2\"").replace(VHOST, other);
    // A form that does not fit, and one that does in other words: two forms all the same.
    case.order("", &format!("{first}\n{second}"));
    case.run().ends_with(3);
    let short = |kind: &str| vec![("2".to_owned(), kind.to_owned(), 1)];
    assert_eq!(case.package().shortfalls(), short("not-the-format"));
    let fitting = "log-format = '$host:$server_port $remote_addr - $remote_user [$time_local] \"$request\" $status $bytes_sent \"$a\" \"$b\"'";
    let second = first.replace("id = \"1\"", "id = \"2\"").replace(VHOST, fitting);
    case.again().order("", &format!("{first}\n{second}"));
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), short("ambiguous-format"));
}
