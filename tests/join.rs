//! `join`: the other records of a transaction, bounded by time, window and withholds, each with `because`.

#[path = "fixture/resealed.rs"]
mod resealed;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;

use resealed::resealed;
use serde_json::Value as Json;

const FIRST: &str = "\
2024-03-30T23:00:00Z mx postfix/smtpd[1]: connect from h.example[192.0.2.7]
2024-03-30T23:00:01Z mx postfix/smtpd[1]: 4F2A11C3: client=h.example[192.0.2.7]
2024-03-30T23:00:02Z mx postfix/cleanup[2]: 4F2A11C3: message-id=<m1@x.example>
2024-03-31T10:00:00Z mx postfix/qmgr[3]: 4F2A11C3: from=<alice@x.example>, size=10, nrcpt=1 (queue active)
2024-03-31T10:00:01Z mx postfix/qmgr[3]: 5B00AAAA: from=<bob@y.example>, size=10, nrcpt=1 (queue active)
2024-03-31T10:00:02Z mx postfix/smtp[4]: 5B00AAAA: to=<carol@z.example>, relay=mx[192.0.2.9]:25, status=sent (ok)
";
const SECOND: &str = "\
2024-03-31T11:00:00Z mx postfix/smtp[4]: 4F2A11C3: to=<carol@z.example>, relay=mx[192.0.2.9]:25, status=sent (ok)
2024-03-31T11:00:01Z mx postfix/qmgr[3]: 4F2A11C3: removed
2024-03-31T11:00:02Z mx postfix/smtp[4]: 4F2A11C3: to=<counsel@lawfirm.example>, relay=mx[192.0.2.9]:25, status=sent (ok)
2024-04-30T11:00:00Z mx postfix/qmgr[3]: 4F2A11C3: from=<bob@y.example>, size=10, nrcpt=1 (queue active)
2024-03-31T11:00:03Z mx postfix/smtpd[9]: NOQUEUE: reject: RCPT from h[192.0.2.7]: 554 x; from=<bob@y> to=<a@b> proto=ESMTP
";

struct Run {
    code: i32,
    members: BTreeMap<String, Vec<u8>>,
    verify: String,
    verified: bool,
}

/// Runs an order with these keys over both files; then `tamper`s with the text of `records/`, makes every sum anew, and
/// verifies.
fn run(keys: &str, withhold: &str, tamper: impl Fn(&str, String) -> String) -> Run {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().join("server");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("mail.log.1"), FIRST).unwrap();
    fs::write(folder.join("mail.log"), SECOND).unwrap();
    let order = format!(
        "schema = \"order/1\"\n\n[order]\nid = \"j\"\nlegal_basis = \"pace-sch1\"\nauthority = \"A\"\nreference = \"R\"\n\
         made = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"UTC\"\n\n[[source]]\nname = \"s\"\n\n\
         [[clause]]\nid = \"1\"\ntext = \"all of alice@x.example\"\nsource = \"s\"\ncategory = \"traffic\"\n\
         paths = [\"/mail.log*\"]\ntake = \"records\"\nas = \"postfix\"\n{keys}\n"
    );
    let provider = format!(
        "schema = \"provider/1\"\nsalt = \"{}\"\ncustodian = \"c\"\n\n[[source]]\nname = \"s\"\npath = \"server\"\n{withhold}",
        "5a".repeat(16)
    );
    fs::write(work.path().join("j.toml"), order).unwrap();
    fs::write(work.path().join("j.provider.toml"), provider).unwrap();
    let extract = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("extract").unwrap();
        command.current_dir(work.path()).args(arguments).output().unwrap()
    };
    let output = extract(&["--order", "j.toml", "--output", "j.tar", "--quiet"]);
    let package = work.path().join("j.tar");
    let mut members = BTreeMap::new();
    let tar = fs::File::open(&package).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    for member in tar::Archive::new(tar).entries().unwrap() {
        let mut member = member.unwrap();
        let name = String::from_utf8(member.path_bytes().into_owned()).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        members.insert(name.strip_prefix("j/").unwrap().to_owned(), bytes);
    }
    if members.keys().any(|name| name.starts_with("records/")) {
        fs::write(&package, resealed(&fs::read(&package).unwrap(), "records/", tamper)).unwrap();
    }
    let verify = extract(&["verify", "j.tar"]);
    Run {
        code: output.status.code().unwrap(),
        members,
        verify: String::from_utf8_lossy(&verify.stdout).into_owned() + &String::from_utf8_lossy(&verify.stderr),
        verified: verify.status.success(),
    }
}

fn lines(run: &Run) -> Vec<String> {
    let data = run.members.iter().filter(|(name, _)| name.starts_with("data/") && name.ends_with(".log"));
    let text: String = data.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    text.lines().map(|line| line.split(": ").skip(1).collect::<Vec<_>>().join(": ")).collect()
}

fn untouched(_: &str, text: String) -> String {
    text
}

const ALICE: &str = "identifiers = [{ email = \"alice@x.example\", role = [\"from\", \"to\"] }]";

#[test]
fn without_a_join_a_line_of_another_fact_is_outside_and_the_report_says_so() {
    let run = run(ALICE, "", untouched);
    assert_eq!((run.code, lines(&run).len()), (0, 1));
    let report = String::from_utf8_lossy(&run.members["report.html"]).into_owned();
    assert!(report.contains("The other lines of the same transactions are not included"), "{report}");
}

#[test]
fn a_join_takes_the_transaction_in_whichever_file_it_stands_until_the_id_may_be_anothers() {
    let run = run(&format!("join = \"queue-id\"\n{ALICE}"), "", untouched);
    assert_eq!(run.code, 0, "{}", run.verify);
    let found = lines(&run);
    let expected: Vec<&str> = SECOND
        .lines()
        .take(3)
        .chain(FIRST.lines().skip(1).take(3))
        .map(|line| line.split_once(": ").unwrap().1)
        .collect();
    assert_eq!(found, expected);
    let because = |member: &str| -> Vec<Json> {
        let text = String::from_utf8_lossy(&run.members[member]).into_owned();
        text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["because"].clone()).collect()
    };
    let joined = serde_json::json!(["1"]);
    assert_eq!(because("records/000001.jsonl"), [joined.clone(), joined.clone(), joined.clone()]);
    assert_eq!(because("records/000002.jsonl"), [joined.clone(), joined, Json::Null]);
    assert!(run.verified, "{}", run.verify);
    let report = String::from_utf8_lossy(&run.members["report.html"]).into_owned();
    assert!(!report.contains("are not included"));
}

/// Which lines of a text a clause takes, and how many it cannot decide.
fn numbered(format: &str, text: &str, keys: &str) -> (Vec<usize>, u64) {
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join("log"), text).unwrap();
    let order = format!(
        "schema = \"order/1\"\n\n[order]\nid = \"j\"\nlegal_basis = \"pace-sch1\"\nauthority = \"A\"\nreference = \"R\"\n\
         made = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"UTC\"\n\n[[source]]\nname = \"s\"\nzone = \"UTC\"\n\n\
         [[clause]]\nid = \"1\"\ntext = \"all of alice@x.example\"\nsource = \"s\"\ncategory = \"traffic\"\n\
         paths = [\"/log\"]\ntake = \"records\"\nas = \"{format}\"\n{keys}\n"
    );
    let provider = format!(
        "schema = \"provider/1\"\nsalt = \"{}\"\ncustodian = \"c\"\n\n[[source]]\nname = \"s\"\npath = \".\"\n\
         [[withhold]]\nclass = \"privileged\"\nidentifiers = [{{ domain = \"lawfirm.example\" }}]\n",
        "5a".repeat(16)
    );
    let orders = tempfile::tempdir().unwrap();
    let provider = provider.replace("path = \".\"", &format!("path = {:?}", work.path()));
    fs::write(orders.path().join("j.toml"), order).unwrap();
    fs::write(orders.path().join("j.provider.toml"), provider).unwrap();
    let extract = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("extract").unwrap();
        command.current_dir(orders.path()).args(arguments).output().unwrap()
    };
    let output = extract(&["--order", "j.toml", "--output", "j.tar", "--quiet"]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
    let verified = extract(&["verify", "j.tar"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let (mut found, mut undecided) = (Vec::new(), 0);
    for member in tar::Archive::new(fs::File::open(orders.path().join("j.tar")).unwrap()).entries().unwrap() {
        let mut member = member.unwrap();
        let name = String::from_utf8(member.path_bytes().into_owned()).unwrap();
        let mut content = String::new();
        if name.starts_with("j/data/") {
            member.read_to_string(&mut content).unwrap();
            found.extend(content.lines().map(|line| text.lines().position(|known| known == line).unwrap()));
        } else if name == "j/disclosure.json" {
            member.read_to_string(&mut content).unwrap();
            undecided = serde_json::from_str::<Json>(&content).unwrap()["totals"]["undecided"].as_u64().unwrap();
        }
    }
    (found, undecided)
}

#[test]
fn a_message_id_leads_from_one_queue_id_to_the_others_of_the_same_message() {
    // A content filter takes A1 and hands it back as B2; C3 is another message, D4 one that goes by the same Message-ID
    // much later, and E5 is withheld: its line leads nowhere.
    let log = "\
2024-03-30T10:00:01Z mx postfix/smtpd[1]: A1A1A1: client=h.example[192.0.2.7]
2024-03-30T10:00:02Z mx postfix/cleanup[2]: A1A1A1: message-id=<m1@x.example>
2024-03-30T10:00:03Z mx postfix/qmgr[3]: A1A1A1: from=<alice@x.example>, size=10, nrcpt=1 (queue active)
2024-03-30T10:00:04Z mx postfix/smtpd[1]: C3C3C3: client=h.example[192.0.2.7]
2024-03-30T10:00:05Z mx postfix/cleanup[2]: C3C3C3: message-id=<m3@x.example>
2024-03-30T10:00:06Z mx postfix/smtpd[9]: B2B2B2: client=localhost[127.0.0.1]
2024-03-30T10:00:07Z mx postfix/cleanup[9]: B2B2B2: message-id=<m1@x.example>
2024-03-30T10:00:08Z mx postfix/smtp[4]: B2B2B2: to=<carol@z.example>, relay=mx[192.0.2.9]:25, status=sent (ok)
2024-03-30T10:00:09Z mx postfix/cleanup[9]: E5E5E5: message-id=<m1@lawfirm.example>
2024-03-30T10:00:09Z mx postfix/qmgr[9]: E5E5E5: from=<alice@x.example>, size=1, nrcpt=1 (queue active)
2024-03-30T10:00:09Z mx postfix/cleanup[9]: F6F6F6: message-id=<m1@lawfirm.example>
2024-03-30T10:00:09Z mx postfix/smtp[4]: F6F6F6: to=<carol@z.example>, relay=mx[192.0.2.9]:25, status=sent (ok)
2024-04-30T10:00:07Z mx postfix/cleanup[9]: D4D4D4: message-id=<m1@x.example>
2024-04-30T10:00:08Z mx postfix/smtp[4]: D4D4D4: to=<carol@z.example>, relay=mx[192.0.2.9]:25, status=sent (ok)
";
    assert_eq!(numbered("postfix", log, &format!("join = \"queue-id\"\n{ALICE}")), (vec![0, 1, 2, 9], 0));
    assert_eq!(numbered("postfix", log, &format!("join = \"message-id\"\n{ALICE}")), (vec![0, 1, 2, 5, 6, 7, 9], 0));
    let exim = "\
2024-03-31 10:00:00 1rqrUg-0004Xy-2A <= alice@x.example H=h.example [192.0.2.7] P=esmtp S=10 id=m1@x.example
2024-03-31 10:00:01 1rqrUg-0004Xz-7B <= filter@y.example U=bob P=local S=10 id=m1@x.example
2024-03-31 10:00:02 1rqrUg-0004Xz-7B => carol@z.example R=dnslookup T=remote_smtp H=mx [192.0.2.9]
2024-03-31 10:00:02 1rqrUg-0004X0-7C <= bob@y.example U=bob P=local S=10 id=m2@x.example
";
    assert_eq!(numbered("exim", exim, &format!("join = \"queue-id\"\n{ALICE}")), (vec![0], 0));
    assert_eq!(numbered("exim", exim, &format!("join = \"message-id\"\n{ALICE}")), (vec![0, 1, 2], 0));
}

#[test]
fn a_session_is_what_was_done_between_log_in_and_log_out() {
    let log = "\
Mar 30 10:00:00 mx dovecot: imap-login: Login: user=<alice>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.1, mpid=1, TLS, session=<s1>
Mar 30 10:00:01 mx dovecot: imap-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.8, lip=192.0.2.1, mpid=2, TLS, session=<s2>
Mar 30 10:00:02 mx dovecot: imap(alice)<1><s1>: delete: box=INBOX, uid=7
Mar 30 10:00:03 mx dovecot: imap(bob)<2><s2>: Logged out in=1 out=2
Mar 30 10:00:04 mx dovecot: imap(alice)<1><s1>: Logged out in=1 out=2
Mar 30 10:00:05 mx dovecot: lmtp(bob)<3><s3>: msgid=<m1@x.example>: saved mail to INBOX
Mar 30 10:00:06 mx dovecot: lmtp(carol)<3><s4>: msgid=<m1@x.example>: saved mail to INBOX
Apr 30 10:00:04 mx dovecot: imap(alice)<1><s1>: Logged out in=1 out=2
";
    let from = "identifiers = [{ ip = \"192.0.2.7\", role = [\"client\"] }]\nyear = 2024";
    assert_eq!(numbered("dovecot", log, from), (vec![0], 0));
    assert_eq!(numbered("dovecot", log, &format!("join = \"session\"\n{from}")), (vec![0, 2, 4], 0));
    let bob = "identifiers = [{ account = \"bob\", role = [\"user\"] }]\nyear = 2024";
    assert_eq!(numbered("dovecot", log, &format!("join = \"message-id\"\n{bob}")), (vec![1, 3, 5, 6], 0));
}

#[test]
fn exims_lines_of_one_message_are_joined_too() {
    let log = "2024-03-31 10:00:00 1rqrUg-0004Xy-2A <= alice@x.example H=h.example [192.0.2.7] P=esmtp S=10 id=m1@x.example\n\
               2024-03-31 10:00:01 1rqrUg-0004Xz-7B <= bob@y.example U=bob P=local S=10\n\
               2024-03-31 10:00:02 1rqrUg-0004Xy-2A => carol@z.example R=dnslookup T=remote_smtp H=mx [192.0.2.9]\n\
               2024-03-31 10:00:02 1rqrUg-0004Xy-2A Completed\n";
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join("mainlog"), log).unwrap();
    let mut found = Vec::new();
    for keys in [format!("join = \"queue-id\"\n{ALICE}"), ALICE.to_owned()] {
        let order = format!(
            "schema = \"order/1\"\n\n[order]\nid = \"e\"\nlegal_basis = \"pace-sch1\"\nauthority = \"A\"\nreference = \"R\"\n\
             made = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"UTC\"\n\n[[source]]\nname = \"s\"\n\
             zone = \"UTC\"\n\n[[clause]]\nid = \"1\"\ntext = \"alice@x.example\"\nsource = \"s\"\ncategory = \"traffic\"\n\
             paths = [\"/mainlog\"]\ntake = \"records\"\nas = \"exim\"\n{keys}\n"
        );
        fs::write(work.path().join("e.toml"), order).unwrap();
        let source = format!("s={}", work.path().display());
        let mut command = assert_cmd::Command::cargo_bin("extract").unwrap();
        let arguments =
            ["--order", "e.toml", "--source", &source, "--custodian", "c", "--dry-run", "--json", "--quiet"];
        let output = command.current_dir(work.path()).args(arguments).output().unwrap();
        let preview: Json = serde_json::from_slice(&output.stdout).expect("a preview");
        found.push(preview["totals"]["records"].as_u64().unwrap());
    }
    assert_eq!(found, [3, 1]);
}

#[test]
fn what_is_joined_lies_in_the_window_and_passes_the_withholds() {
    let window = "window = { from = 2024-03-31, through = 2024-03-31, clock = \"record\" }";
    let withhold = "\n[[withhold]]\nclass = \"privileged\"\nidentifiers = [{ domain = \"lawfirm.example\" }]\n";
    let run = run(&format!("join = \"queue-id\"\n{ALICE}\n{window}"), withhold, untouched);
    assert!(run.verified, "{}", run.verify);
    let found = lines(&run);
    assert_eq!(found.len(), 3, "{found:?}");
    let disclosure: Json = serde_json::from_slice(&run.members["disclosure.json"]).unwrap();
    assert_eq!(disclosure["totals"]["withheld"], 1);
    // A record that is withheld brings in nothing.
    let seed = "\n[[withhold]]\nclass = \"privileged\"\nidentifiers = [{ email = \"alice@x.example\" }]\n";
    let run = self::run(&format!("join = \"queue-id\"\n{ALICE}"), seed, untouched);
    assert_eq!(lines(&run).len(), 0);
}

#[test]
fn a_ledger_that_says_joined_of_what_is_not_or_hides_what_is_is_found_out() {
    let keys = format!("join = \"queue-id\"\n{ALICE}");
    assert!(run(&keys, "", untouched).verified, "the sums made anew are the program's");
    let hidden = run(&keys, "", |_, text| text.replacen(",\"because\":[\"1\"]", "", 1));
    assert!(hidden.verify.contains("by its own bytes this clause does not ask for record 1"), "{}", hidden.verify);
    let own = run(&keys, "", |name, text| {
        let (from, to) = ("\"clauses\":[\"1\"]}\n", "\"clauses\":[\"1\"],\"because\":[\"1\"]}\n");
        if name.ends_with("000002.jsonl") { text.replacen(from, to, 1) } else { text }
    });
    assert!(own.verify.contains("taken for its transaction alone, and this clause asks for it"), "{}", own.verify);
    let none =
        run(ALICE, "", |_, text| text.replacen("\"clauses\":[\"1\"]", "\"clauses\":[\"1\"],\"because\":[\"1\"]", 1));
    assert!(none.verify.contains("taken for its transaction alone"), "{}", none.verify);
    for run in [hidden, own, none] {
        assert!(!run.verified);
    }
}
