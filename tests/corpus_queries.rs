//! Every query of `../shared/corpora/truth.json` on web logs, mailboxes and the SpamAssassin corpus, asked of the command
//! line by orders that are written here, and answered exactly.
//!
//! The test enumerates the file. A member of a query that it does not ask about needs a reason (`NOT_ASKED`); any other
//! that it does not know fails. Without the corpora a line says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use extract::digest::Digest;
use serde_json::Value;

/// Members that are no question to this program, and why.
const NOT_ASKED: [(&str, &str); 2] = [
    (
        "lines_with_ip_as_substring_anywhere_no_window",
        "counts a substring; the order language has whole identifiers only",
    ),
    ("mentioned_anywhere_bytes", "counts a substring; the order language has whole identifiers only"),
];

/// What is undecided here, where the truth never is: corpus, address (any: empty), clause, how many. Who is right, and why:
/// we, each time.
///
/// `perl-mailbox`: `Joseph Korabelnikov <jkorabelnikov@...> magick@...`, without a comma: whose address the second is, and
/// whether it is one, cannot be said.
///
/// `spam-1`, addresses: From and To of four messages have an encoded word for a local part (`=?iso-2022-jp?B?...?=@...`),
/// which RFC 2047, 5 forbids and which hides an address; two say `undisclosed-recipients:;` within an address, and five
/// say `<C:`Bulk...@...>`. Dates: fourteen are of the year 0102, which RFC 5322 does not have and the truth takes for
/// the second century; eleven have no zone that means anything (`+-0500`, `01800`, `GMT+1`, `Greenwich Standard Time`) and
/// three no shape of a date (`2002/09/14 Sat 02:29:32 CDT`, `Sat Sep 21 08:18:08 2002`), where the truth takes what it can get.
///
/// `tree` holds the messages of `spam-1`, and in further Maildirs 31 without a Date, and one each with `??, 27 6 2001 15:23:36`,
/// `Whenever`, `Thu Jan 01 00:00:10 +0000` and `Wed 29 May 2019 06:09:22 PM EDT` (which the truth takes for the morning). Six of
/// all these the truth has in the window of that week: `Greenwich Standard Time`, `+-0500`, `GMT+1` three times, and
/// `Sat Sep 21 08:18:08 2002`.
const UNDECIDED: [(&str, &str, &str, u64); 16] = [
    ("perl-mailbox_mbox.src", "", "to_or_cc_count", 1),
    ("perl-mailbox_mbox.src", "", "either_count", 1),
    ("perl-mailbox_mbox.win", "", "to_or_cc_count", 1),
    ("perl-mailbox_mbox.win", "", "either_count", 1),
    ("spam-1.tar.zst", "", "in_window", 14 + 11 + 3),
    ("spam-1.tar.zst", "", "from_count", 4),
    ("spam-1.tar.zst", "", "to_or_cc_count", 4 + 2 + 5),
    ("spam-1.tar.zst", "", "either_count", 4 + 2 + 5),
    // Of those, the ones of these days.
    ("spam-1.tar.zst", "greatoffers@sendgreatoffers.com", "either_in_window", 3),
    ("spam-1.tar.zst", "bengreen@mindupmerchants.com", "either_in_window", 2),
    ("tree", "", "in_window", 14 + 11 + 3 + 31 + 4),
    ("tree", "", "from_count", 4),
    ("tree", "", "to_or_cc_count", 4 + 2 + 5),
    ("tree", "", "either_count", 4 + 2 + 5),
    ("tree", "tomwhore@slack.net", "either_in_window", 3),
    ("tree", "waldner@waldner.priv.at", "either_in_window", 3),
];
/// Messages that are undecided here and that the truth has in its window.
const TAKEN_BY_THE_TRUTH: [(&str, u64); 1] = [("tree", 6)];

fn corpora() -> Option<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let truth = fs::read(folder.join("truth.json")).ok();
    println!("corpora: {} is {}there", folder.display(), if truth.is_some() { "" } else { "not " });
    Some((folder.canonicalize().ok()?, serde_json::from_slice(&truth?).expect("truth.json is JSON")))
}

/// One clause of an order that is written here.
struct Clause {
    id: &'static str,
    /// The keys that tell it from the others.
    keys: String,
}

/// What a run disclosed.
struct Package {
    code: i32,
    stderr: String,
    members: BTreeMap<String, Vec<u8>>,
}

impl Package {
    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.members[name]).expect("JSON")
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        let text = self.members.get(name).map(Vec::as_slice).unwrap_or_default();
        text.split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("a line of JSON"))
            .collect()
    }

    /// One clause's part of `disclosure.json`.
    fn clause(&self, id: &str) -> Value {
        let disclosure = self.json("disclosure.json");
        let clauses = disclosure["clauses"].as_array().expect("clauses");
        clauses.iter().find(|clause| clause["id"] == id).unwrap_or_else(|| panic!("no clause {id}")).clone()
    }

    /// The exhibits that a clause let out, in order.
    fn exhibits(&self, id: &str) -> Vec<Value> {
        let under = |exhibit: &Value| exhibit["clauses"].as_array().expect("clauses").iter().any(|clause| clause == id);
        self.lines("exhibits.jsonl").into_iter().filter(under).collect()
    }

    fn data(&self, exhibit: &Value) -> &[u8] {
        &self.members[exhibit["file"].as_str().expect("file")]
    }
}

/// `path`: one or more, with a space between them. Writes an order (its source's zone is UTC, as the truth takes a date without a zone to be) and its provider file over `folder`, runs the program and reads the package.
fn run(folder: &Path, path: &str, category: &str, clauses: &[Clause]) -> Package {
    let work = tempfile::tempdir().unwrap();
    let mut order = String::from(
        "schema = \"order/1\"\n\n[order]\nid = \"truth\"\nlegal_basis = \"pace-sch1\"\nauthority = \"Example Constabulary\"\n\
         reference = \"OP-1\"\nmade = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"Europe/London\"\n\
         disclose = { positions = true }\n\n[[source]]\nname = \"corpus\"\nzone = \"UTC\"\n",
    );
    for clause in clauses {
        write!(
            order,
            "\n[[clause]]\nid = \"{}\"\ntext = \"as the truth file asks\"\nsource = \"corpus\"\ncategory = \"{category}\"\n\
             paths = {}\ntake = \"records\"\n{}",
            clause.id,
            toml::Value::Array(path.split(' ').map(|path| toml::Value::String(path.to_owned())).collect()),
            clause.keys
        )
        .unwrap();
    }
    let provider = format!(
        "schema = \"provider/1\"\nsalt = \"{}\"\ncustodian = \"Duty officer 7\"\n\n[[source]]\nname = \"corpus\"\npath = {}\n",
        "5a".repeat(16),
        toml::Value::String(folder.to_str().unwrap().to_owned())
    );
    fs::write(work.path().join("truth.toml"), order).unwrap();
    fs::write(work.path().join("truth.provider.toml"), provider).unwrap();
    let output = assert_cmd::Command::cargo_bin("extract")
        .unwrap()
        .current_dir(work.path())
        .args(["--order", "truth.toml", "--output", "truth.tar", "--quiet"])
        .output()
        .unwrap();
    let mut members = BTreeMap::new();
    if let Ok(file) = fs::File::open(work.path().join("truth.tar")) {
        for member in tar::Archive::new(file).entries().unwrap() {
            let mut member = member.unwrap();
            let name = String::from_utf8(member.path_bytes().into_owned()).unwrap();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            members.insert(name.strip_prefix("truth/").expect("the order's id").to_owned(), bytes);
        }
    }
    let code = output.status.code().unwrap_or(-1);
    Package { code, stderr: String::from_utf8_lossy(&output.stderr).into_owned(), members }
}

/// Differences between what is found and what the truth says, all of them at the end.
#[derive(Default)]
struct Answers {
    asked: u32,
    wrong: Vec<String>,
}

impl Answers {
    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: T, truth: T) {
        self.asked += 1;
        if ours != truth {
            self.wrong.push(format!("{what}: we say {ours:?}, the truth {truth:?}"));
        }
    }

    /// The run is complete, or every undecided clause of it is in the table; nothing is short.
    fn decided(&mut self, (corpus, address): (&str, &str), what: &str, package: &Package) {
        if package.members.is_empty() {
            self.wrong.push(format!("{what}: exit {} and no package: {}", package.code, package.stderr));
            return;
        }
        let disclosure = package.json("disclosure.json");
        let mut undecided = 0;
        for clause in disclosure["clauses"].as_array().unwrap() {
            let id = clause["id"].as_str().unwrap();
            let row = UNDECIDED
                .iter()
                .find(|(file, of, name, _)| corpus.ends_with(file) && *name == id && (of.is_empty() || *of == address));
            let expected = row.map_or(0, |(.., count)| *count);
            undecided += expected;
            self.equal(&format!("{what}: undecided under {id}"), clause["undecided"].as_u64(), Some(expected));
        }
        self.equal(&format!("{what}: shortfalls"), disclosure["shortfalls"].clone(), Value::Array(Vec::new()));
        let code = if undecided > 0 { 3 } else { 0 };
        self.equal(&format!("{what}: exit code"), package.code, code);
    }

    fn finish(self, section: &str) {
        println!("{section}: {} answers", self.asked);
        for wrong in &self.wrong {
            println!("{wrong}");
        }
        assert!(self.wrong.is_empty(), "{} of {} answers of section {section} are wrong", self.wrong.len(), self.asked);
        assert!(self.asked > 0, "section {section} asks something");
    }
}

/// A query has the members that are asked about, and those for which there is a reason.
fn assert_known(query: &Value, known: &[&str]) {
    for member in query.as_object().expect("a query").keys() {
        let reason = NOT_ASKED.iter().find(|(name, _)| name == member);
        assert!(known.contains(&member.as_str()) || reason.is_some(), "query member {member} is asked by nobody");
    }
}

fn window(from: &Value, before: &Value, clock: &str) -> String {
    match (from.as_str(), before.as_str()) {
        (Some(from), Some(before)) => {
            format!("window = {{ from = {from}, before = {before}, clock = \"{clock}\" }}\n")
        }
        (None, None) => String::new(),
        _ => panic!("half a window"),
    }
}

#[test]
fn every_query_on_web_logs_is_answered_exactly() {
    let Some((folder, truth)) = corpora() else { return };
    let mut answers = Answers::default();
    for (file, section) in truth["web"].as_object().expect("section web") {
        let (logs, name) = file.rsplit_once('/').unwrap();
        for query in section["queries"].as_array().expect("queries") {
            assert_known(query, &["client", "from", "to", "lines", "sha256_of_lines"]);
            let client = query["client"].as_str().unwrap();
            let keys =
                format!("identifiers = [{{ ip = \"{client}\" }}]\n{}", window(&query["from"], &query["to"], "record"));
            let package = run(&folder.join(logs), &format!("/{name}"), "traffic", &[Clause { id: "q", keys }]);
            let what = format!("{file} {client} {} {}", query["from"], query["to"]);
            answers.decided((file, client), &what, &package);
            if package.members.is_empty() {
                continue;
            }
            answers.equal(&format!("{what}: lines"), package.clause("q")["records"].clone(), query["lines"].clone());
            let exhibits = package.exhibits("q");
            let data: Vec<u8> = exhibits.iter().flat_map(|exhibit| package.data(exhibit)).copied().collect();
            let digest = Digest::of(&data).to_string();
            answers.equal(&format!("{what}: sha256"), digest.as_str(), query["sha256_of_lines"].as_str().unwrap());
            for exhibit in &exhibits {
                let number = exhibit["exhibit"].as_u64().unwrap();
                let records = package.lines(&format!("records/{number:06}.jsonl"));
                answers.equal(&format!("{what}: records"), Some(records.len() as u64), exhibit["records"].as_u64());
                assert_lines_stand_where_the_ledger_says(&folder.join(file), &records);
            }
        }
    }
    answers.finish("web");
}

/// Each line that the ledger states is the line of the source at its offset.
fn assert_lines_stand_where_the_ledger_says(file: &Path, records: &[Value]) {
    let log = fs::read(file).unwrap();
    for record in records {
        let number = |name: &str| usize::try_from(record[name].as_u64().unwrap()).unwrap();
        let line = &log[number("offset")..][..number("length")];
        assert_eq!(record["sha256"], Digest::of(line).to_string());
        assert!(number("offset") == 0 || log[number("offset") - 1] == b'\n');
    }
}

const MAIL_MEMBERS: [&str; 8] = [
    "address",
    "window_from",
    "window_to",
    "from_count",
    "to_or_cc_count",
    "either_count",
    "either_in_window",
    "either_in_window_members",
];

/// The four questions of one query on mail, a clause each.
fn mail_clauses(query: &Value) -> Vec<Clause> {
    let address = query["address"].as_str().unwrap();
    let identifiers = |roles: &str| format!("identifiers = [{{ email = \"{address}\", role = [{roles}] }}]\n");
    let either = identifiers("\"from\", \"to\", \"cc\"");
    let window = window(&query["window_from"], &query["window_to"], "date-header");
    vec![
        Clause { id: "from_count", keys: identifiers("\"from\"") },
        Clause { id: "to_or_cc_count", keys: identifiers("\"to\", \"cc\"") },
        Clause { id: "either_in_window", keys: format!("{either}{window}") },
        Clause { id: "either_count", keys: either },
    ]
}

/// Asks every query of one corpus. `member` names an exhibit as the truth does.
fn ask_mail(
    answers: &mut Answers,
    (corpus, section): (&str, &Value),
    (folder, path): (&Path, &str),
    member: impl Fn(&Value) -> String,
) {
    let all = run(
        folder,
        path,
        "content",
        &[
            Clause { id: "messages", keys: "everything = true\n".to_owned() },
            Clause {
                id: "in_window",
                keys: window(&section["in_window"]["from"], &section["in_window"]["to"], "date-header"),
            },
        ],
    );
    answers.decided((corpus, ""), corpus, &all);
    if !all.members.is_empty() {
        let records = |id: &str| all.clause(id)["records"].clone();
        answers.equal(&format!("{corpus}: messages"), records("messages"), section["messages"].clone());
        let taken = TAKEN_BY_THE_TRUTH.iter().find(|(of, _)| *of == corpus).map_or(0, |(_, count)| *count);
        let in_window = section["in_window"]["messages"].as_u64().map(|count| count - taken);
        answers.equal(&format!("{corpus}: in window"), records("in_window").as_u64(), in_window);
    }
    for query in section["queries"].as_array().expect("queries") {
        assert_known(query, &MAIL_MEMBERS);
        let what = format!("{corpus} {}", query["address"]);
        let package = run(folder, path, "content", &mail_clauses(query));
        answers.decided((corpus, query["address"].as_str().unwrap()), &what, &package);
        if package.members.is_empty() {
            continue;
        }
        for id in ["from_count", "to_or_cc_count", "either_count", "either_in_window"] {
            answers.equal(&format!("{what}: {id}"), package.clause(id)["records"].clone(), query[id].clone());
        }
        let found: BTreeSet<(String, String)> = package
            .exhibits("either_in_window")
            .iter()
            .map(|exhibit| (member(exhibit), message_id(package.data(exhibit))))
            .collect();
        let listed = query["either_in_window_members"].as_array().expect("members");
        let text = |value: &Value| value.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let listed: BTreeSet<_> = listed.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
        // The truth lists at most 200 of them.
        let count = usize::try_from(query["either_in_window"].as_u64().unwrap()).unwrap();
        assert_eq!(listed.len(), count.min(200), "{what}: the list is whole");
        let missing: Vec<_> = listed.difference(&found).collect();
        answers.equal(&format!("{what}: members that are missing"), missing, Vec::new());
        if count <= 200 {
            answers.equal(&format!("{what}: members"), found.len(), listed.len());
        }
    }
}

/// The value of a message's first Message-ID field, on one line; nothing where there is none.
fn message_id(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message).replace("\r\n", "\n");
    let header = text.split("\n\n").next().unwrap_or_default();
    let mut lines = header.lines().skip_while(|line| !line.to_ascii_lowercase().starts_with("message-id:"));
    let Some(first) = lines.next() else { return String::new() };
    let mut value = first["message-id:".len()..].to_owned();
    for line in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        value.push_str(line);
    }
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_query_on_the_spamassassin_corpus_is_answered_exactly() {
    let Some((folder, truth)) = corpora() else { return };
    let mut answers = Answers::default();
    for (corpus, section) in truth["mail_spamassassin"].as_object().expect("section mail_spamassassin") {
        let unpacked = tempfile::tempdir().unwrap();
        let unpack = std::process::Command::new("tar")
            .args(["--zstd", "-xf"])
            .arg(folder.join(corpus))
            .arg("-C")
            .arg(unpacked.path())
            .output()
            .expect("tar is installed");
        assert!(unpack.status.success(), "tar and zstd unpack it: {}", String::from_utf8_lossy(&unpack.stderr));
        ask_mail(&mut answers, (corpus, section), (unpacked.path(), "/**"), |exhibit| {
            exhibit["path"].as_str().unwrap().trim_start_matches('/').to_owned()
        });
    }
    answers.finish("mail_spamassassin");
}

#[test]
fn every_query_on_mailboxes_is_answered_exactly() {
    let Some((folder, truth)) = corpora() else { return };
    let mut answers = Answers::default();
    for (corpus, section) in truth["mbox"].as_object().expect("section mbox") {
        let (mailboxes, name) = corpus.rsplit_once('/').unwrap();
        let starts = message_starts(&fs::read(folder.join(corpus)).unwrap());
        ask_mail(&mut answers, (corpus, section), (&folder.join(mailboxes), &format!("/{name}")), |exhibit| {
            let offset = exhibit["offset"].as_u64().expect("the order asks for positions");
            format!("#{}", starts.iter().position(|&start| start == offset).expect("a message starts there"))
        });
    }
    answers.finish("mbox");
}

/// The server of `../shared/corpora/tree`, unpacked, and `truth-tree.json`.
fn server() -> Option<(tempfile::TempDir, Value)> {
    let (corpora, _) = corpora()?;
    let truth =
        serde_json::from_slice(&fs::read(corpora.join("truth-tree.json")).ok()?).expect("truth-tree.json is JSON");
    let folder = tempfile::tempdir().unwrap();
    let packed = corpora.join("tree/host.tar.zst");
    let mut unpack = std::process::Command::new("tar");
    let output =
        unpack.args(["--zstd", "-xf"]).arg(packed).arg("-C").arg(folder.path()).output().expect("tar is installed");
    assert!(output.status.success(), "tar and zstd unpack it: {}", String::from_utf8_lossy(&output.stderr));
    Some((folder, truth))
}

#[test]
fn every_query_on_the_web_logs_of_a_server_is_answered_exactly() {
    let Some((server, truth)) = server() else { return };
    let mut answers = Answers::default();
    for query in truth["web_queries"].as_array().expect("web_queries") {
        assert_known(query, &["client", "from", "to", "lines_by_file", "total"]);
        let client = query["client"].as_str().unwrap();
        let keys =
            format!("identifiers = [{{ ip = \"{client}\" }}]\n{}", window(&query["from"], &query["to"], "record"));
        let paths = "/var/log/nginx/access.log* /var/log/apache2/access.log*";
        let package = run(server.path(), paths, "traffic", &[Clause { id: "q", keys }]);
        let what = format!("{client} {} {}", query["from"], query["to"]);
        answers.decided(("tree", client), &what, &package);
        answers.equal(&format!("{what}: lines"), package.clause("q")["records"].clone(), query["total"].clone());
        let found: BTreeMap<String, (u64, String)> = package
            .exhibits("q")
            .iter()
            .map(|exhibit| {
                let path = exhibit["path"].as_str().unwrap().trim_start_matches('/').to_owned();
                (path, (exhibit["records"].as_u64().unwrap(), Digest::of(package.data(exhibit)).to_string()))
            })
            .collect();
        let listed = query["lines_by_file"].as_object().expect("lines_by_file").iter();
        let listed: BTreeMap<String, (u64, String)> = listed
            .map(|(file, lines)| {
                (file.clone(), (lines["n"].as_u64().unwrap(), lines["sha256_of_lines"].as_str().unwrap().to_owned()))
            })
            .collect();
        answers.equal(&format!("{what}: lines by file"), found, listed);
    }
    for (file, section) in truth["web"].as_object().expect("web") {
        let package = run(
            server.path(),
            &format!("/{file}"),
            "traffic",
            &[Clause { id: "q", keys: "everything = true\n".to_owned() }],
        );
        let clause = package.clause("q");
        answers.equal(&format!("{file}: lines"), clause["records"].clone(), section["decompressed_lines"].clone());
        let exhibits = package.exhibits("q");
        let digest = Digest::of(package.data(&exhibits[0])).to_string();
        answers.equal(&format!("{file}: sha256"), digest.as_str(), section["decompressed_sha256"].as_str().unwrap());
    }
    answers.finish("tree, web");
}

#[test]
fn every_query_on_the_mail_of_a_server_is_answered_exactly() {
    let Some((server, truth)) = server() else { return };
    let mut answers = Answers::default();
    let mut starts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for file in truth["mail"].as_object().expect("mail").keys().filter(|file| file.starts_with("var/")) {
        starts.insert(file.clone(), message_starts(&fs::read(server.path().join(file)).unwrap()));
    }
    let paths = "/var/mail/* /home/*/Maildir/**";
    ask_mail(&mut answers, ("tree", &truth["mail_queries"]), (server.path(), paths), |exhibit| {
        let path = exhibit["path"].as_str().unwrap().trim_start_matches('/').to_owned();
        match starts.get(&path) {
            None => path,
            Some(starts) => {
                let offset = exhibit["offset"].as_u64().expect("the order asks for positions");
                format!("{path}#{}", starts.iter().position(|&start| start == offset).expect("a message starts there"))
            }
        }
    });
    for (file, section) in truth["mail"].as_object().unwrap() {
        let (path, count) = match section.as_u64() {
            Some(count) => ("/home/*/Maildir/**".to_owned(), count),
            None => (format!("/{file}"), section["messages_written"].as_u64().unwrap()),
        };
        let everything = Clause { id: "q", keys: "everything = true\n".to_owned() };
        let package = run(server.path(), &path, "content", &[everything]);
        answers.equal(&format!("{file}: messages"), package.clause("q")["records"].as_u64(), Some(count));
    }
    answers.finish("tree, mail");
}

/// Where the messages of a mailbox begin: behind each From_ line at the start or after an empty line.
fn message_starts(mailbox: &[u8]) -> Vec<u64> {
    let mut starts = Vec::new();
    let (mut at, mut after_empty) = (0, true);
    for line in mailbox.split_inclusive(|&byte| byte == b'\n') {
        at += line.len() as u64;
        if after_empty && line.starts_with(b"From ") {
            starts.push(at);
        }
        after_empty = matches!(line, b"\n" | b"\r\n");
    }
    starts
}
