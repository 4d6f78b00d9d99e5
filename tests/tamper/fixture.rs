//! A small server, an order over it, and the package that the program makes of them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

/// The order.
pub const ORDER: &str = r#"schema = "order/1"

[order]
id = "2024-17"
legal_basis = "pace-sch1"
authority = "Example Constabulary"
court = "Crown Court at Example"
reference = "OP-123"
made = 2024-04-08
served = 2024-04-09T09:40:00Z
due = "P7D"
zone = "Europe/London"

[[source]]
name = "srv"
times = "original"

[[clause]]
id = "1a"
text = "web requests from 192.0.2.10 from 25 March to 7 April 2024"
source = "srv"
category = "traffic"
paths = ["/var/log/access.log*"]
take = "records"
identifiers = [{ ip = "192.0.2.10" }]
window = { from = 2024-03-25, through = 2024-04-07, clock = "record" }

[[clause]]
id = "1b"
text = "web requests from 192.0.2.0/24 on 2 April 2024"
source = "srv"
category = "traffic"
paths = ["/var/log/access.log*"]
take = "records"
identifiers = [{ cidr = "192.0.2.0/24" }]
window = { from = 2024-04-02, through = 2024-04-02, clock = "record" }

[[clause]]
id = "2a"
text = "e-mails between alice@shop.example and bob@supplies.example from 25 March to 7 April 2024"
source = "srv"
category = "content"
paths = ["/var/mail/alice", "/home/alice/Maildir/**"]
take = "records"
identifiers = [{ email = "alice@shop.example", role = ["from", "to", "cc"] }]
with = [{ email = "bob@supplies.example", role = ["from", "to", "cc"] }]
window = { from = 2024-03-25, through = 2024-04-07, clock = "date-header" }

[[clause]]
id = "2b"
text = "all e-mails of alice@shop.example in her own folder"
source = "srv"
category = "content"
paths = ["/home/alice/Maildir/**"]
take = "records"
identifiers = [{ email = "alice@shop.example" }]

[[clause]]
id = "3a"
text = "contracts changed from 25 March to 7 April 2024"
source = "srv"
category = "content"
paths = ["/srv/contracts/**"]
take = "files"
window = { from = 2024-03-25, through = 2024-04-07, clock = "modified" }

[[clause]]
id = "3b"
text = "the contracts of 2024"
source = "srv"
category = "content"
paths = ["/srv/contracts/2024/*"]
take = "files"

[[clause]]
id = "4a"
text = "web requests of a server that was switched off"
source = "srv"
category = "traffic"
paths = ["/var/log/old-server.log"]
take = "records"
everything = true

[[clause]]
id = "4b"
text = "web requests from 203.0.113.99"
source = "srv"
category = "traffic"
paths = ["/var/log/access.log"]
take = "records"
identifiers = [{ ip = "203.0.113.99" }]

[[clause]]
id = "5a"
text = "when 192.0.2.10 asked the shop for something, from 25 March to 7 April 2024"
source = "srv"
category = "traffic"
paths = ["/var/www/access.log"]
take = "records"
as = "access-log"
identifiers = [{ ip = "192.0.2.10" }]
window = { from = 2024-03-25, through = 2024-04-07, clock = "record" }
fields = ["time", "client"]

[[clause]]
id = "5b"
text = "the headers of the e-mails of alice@shop.example"
source = "srv"
category = "content"
paths = ["/var/www/mail"]
take = "records"
as = "mbox"
identifiers = [{ email = "alice@shop.example" }]
unit = "headers"

[[clause]]
id = "5c"
text = "the e-mails of alice@shop.example without attachments"
source = "srv"
category = "content"
paths = ["/var/www/mail"]
take = "records"
as = "mbox"
identifiers = [{ email = "alice@shop.example" }]
unit = "message-without-attachments"
"#;

const PROVIDER: &str = r#"schema = "provider/1"
salt = "00112233445566778899aabbccddeeff"
custodian = "Duty officer 7"

[[source]]
name = "srv"
path = "server"

[[withhold]]
class = "privileged"
identifiers = [{ domain = "lawfirm.example" }]
"#;

fn log_line(client: &str, day: &str, path: &str) -> String {
    format!("{client} - - [{day} +0000] \"GET {path} HTTP/1.1\" 200 512\n")
}

fn mail(from: &str, to: &str, date: &str, subject: &str) -> String {
    format!(
        "From: {from}\nTo: {to}\nDate: {date}\nSubject: {subject}\nMessage-ID: <{subject}@shop.example>\n\nText of {subject}.\n"
    )
}

/// The server's files.
fn server(root: &Path) {
    let file = |path: &str, bytes: &[u8], modified: u64| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = File::create(path).unwrap();
        file.write_all(bytes).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(modified)).unwrap();
    };
    let (inside, before) = (1_712_000_000, 1_700_000_000);
    let (alice, bob, carol) = ("alice@shop.example", "bob@supplies.example", "carol@shop.example");
    let log = [
        log_line("192.0.2.10", "01/Apr/2024:10:00:00", "/offer?id=1"),
        log_line("192.0.2.10", "02/Apr/2024:11:00:00", "/offer?id=2"),
        log_line("192.0.2.77", "02/Apr/2024:12:00:00", "/neighbour"),
        log_line("192.0.2.10", "20/Apr/2024:13:00:00", "/too-late"),
        log_line("198.51.100.5", "02/Apr/2024:14:00:00", "/stranger"),
    ];
    file("var/log/access.log", log.concat().as_bytes(), inside);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(log_line("192.0.2.10", "26/Mar/2024:09:00:00", "/rotated").as_bytes()).unwrap();
    file("var/log/access.log.1.gz", &gzip.finish().unwrap(), inside);
    let messages = [
        mail(alice, bob, "Mon, 1 Apr 2024 10:00:00 +0100", "first"),
        mail(bob, alice, "Tue, 2 Apr 2024 10:00:00 +0100", "second"),
        mail("counsel@lawfirm.example", &format!("{alice}, {bob}"), "Wed, 3 Apr 2024 10:00:00 +0100", "advice"),
        mail(alice, carol, "Wed, 3 Apr 2024 11:00:00 +0100", "lunch"),
    ];
    let mbox: Vec<String> = messages.iter().map(|text| format!("From x Mon Apr  1 10:00:00 2024\n{text}\n")).collect();
    file("var/mail/alice", mbox.concat().as_bytes(), inside);
    file(
        "home/alice/Maildir/cur/1.msg:2,S",
        mail(bob, alice, "Thu, 4 Apr 2024 09:00:00 +0100", "third").as_bytes(),
        inside,
    );
    file(
        "home/alice/Maildir/new/2.msg",
        mail(carol, alice, "Fri, 5 Apr 2024 09:00:00 +0100", "fourth").as_bytes(),
        inside,
    );
    fs::create_dir_all(root.join("home/alice/Maildir/tmp")).unwrap();
    file("var/www/access.log", log.concat().as_bytes(), inside);
    let picture = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nThe words.\n\
                   --b\nContent-Type: image/png\n\nPNG\n--b--\n";
    let message = mail(alice, carol, "Sat, 6 Apr 2024 09:00:00 +0100", "picture");
    let message = message.replace("\n\nText of picture.\n", &format!("\n{picture}"));
    file("var/www/mail", format!("From x Mon Apr  1 10:00:00 2024\n{message}\n").as_bytes(), inside);
    file("srv/contracts/2023/old.pdf", b"%PDF-1.4 an old contract\n", before);
    file("srv/contracts/2024/draft.pdf", b"%PDF-1.4 a draft\n", before);
    file("srv/contracts/2024/final.pdf", b"%PDF-1.4 the contract\n", inside);
    file("srv/contracts/terms.pdf", b"%PDF-1.4 the terms\n", inside);
}

/// The exhibits of [`ORDER`]'s package are:
/// 1, 2 the Maildir's messages; 3 `2024/draft.pdf` (3b), 4 `2024/final.pdf` (3a, 3b), 5 `terms.pdf` (3a);
/// 6 `access.log`, 7 `access.log.1.gz`; 8, 9 the messages of the mailbox;
/// 10 two lines of the shop's log, reduced to fields; 11, 12 one message of the shop, by its headers and without its picture. A path of clause 4a is not there: exit code 3.
pub fn package(folder: &Path, order: &str, exit_code: i32) -> PathBuf {
    server(&folder.join("server"));
    fs::write(folder.join("order.toml"), order).unwrap();
    fs::write(folder.join("order.provider.toml"), PROVIDER).unwrap();
    let output = folder.join("2024-17.tar");
    let run = Command::new(env!("CARGO_BIN_EXE_extract"))
        .arg("--order")
        .arg(folder.join("order.toml"))
        .arg("--output")
        .arg(&output)
        .arg("--quiet")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(exit_code), "{stderr}");
    output
}
