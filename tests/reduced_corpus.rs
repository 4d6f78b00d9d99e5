//! Messages of `../shared/corpora` without their attachments and by their headers, against Python's own reader of mail.
//!
//! Where this program gives an answer, the two must agree on every part and every header; where it gives none, nothing leaves.
//! Without the corpora a line says so.

mod case;

use std::fs;
use std::path::Path;

use extract::order::{Format, Reduction, Unit};
use extract::record::{RecordSink, Stop, Unreadable, format};
use extract::scope::{RawRecord, reduced};

/// Says how many attachments stand topmost, which parts are left, and which headers there are, of each pair of files.
const READER: &str = r#"
import email, os, sys
def attached(part):
    if part.get("Content-Disposition") is not None and part.get_content_disposition() != "inline": return True
    if part.get_filename() is not None or part.get_param("name") is not None: return True
    return part.get_content_maintype() not in ("text", "multipart")
def empty(part):
    payload = part.get_payload()
    if isinstance(payload, list): return all(empty(inner) and not inner.items() for inner in payload)
    return not payload.strip()
def walk(part, kept, top):
    # The headers of the message stay; those of a part go with it.
    if attached(part): return 0 if empty(part) and (top or not part.items()) else 1
    if part.is_multipart(): return sum(walk(inner, kept, False) for inner in part.get_payload())
    kept.append(part.get_payload())
    return 0
def read(name):
    message, kept = email.message_from_bytes(open(name, "rb").read()), []
    count = walk(message, kept, True)
    return count, [text for text in kept if text.strip()], message.items()
def raw(name): return open(name, "rb").read()
folder = sys.argv[1]
for name in sorted(name[:-6] for name in os.listdir(folder) if name.endswith(".whole")):
    base = os.path.join(folder, name)
    whole = read(base + ".whole")
    if os.path.exists(base + ".without"):
        count, without = int(raw(base + ".count")), read(base + ".without")
        if (count, 0) != (whole[0], without[0]) or without[1:] != whole[1:]: print(name, "parts", count, whole[0], without[0])
    if os.path.exists(base + ".headers"):
        if read(base + ".headers")[2] != whole[2]: print(name, "headers")
print("read")
"#;

/// Writes each message, and what is made of it, into a folder.
struct Writer<'f> {
    folder: &'f Path,
    name: String,
    messages: u32,
    attachments: u64,
    /// Of either kind, where no answer is given.
    none: [u32; 2],
}

impl RecordSink for Writer<'_> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.messages += 1;
        let base = self.folder.join(format!("{}-{}", self.name, self.messages));
        let write = |ending: &str, bytes: &[u8]| fs::write(base.with_extension(ending), bytes).unwrap();
        write("whole", record.bytes);
        let of = |unit| reduced(&Reduction::Unit(unit), record.bytes, record.fields, None);
        match of(Unit::MessageWithoutAttachments) {
            Some(without) => {
                write("without", &without.bytes);
                write("count", without.left_out.unwrap().to_string().as_bytes());
                self.attachments += without.left_out.unwrap();
            }
            None => self.none[0] += 1,
        }
        match of(Unit::Headers) {
            Some(headers) => {
                assert!(record.bytes.starts_with(&headers.bytes), "{}", base.display());
                write("headers", &headers.bytes);
            }
            None => self.none[1] += 1,
        }
        Ok(())
    }

    fn separator(&mut self, _: u64) {}

    fn unreadable(&mut self, _: u64, _: Unreadable) {}
}

#[test]
fn what_is_left_of_a_message_is_what_another_reader_leaves() {
    let mail = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora/mail");
    if !mail.is_dir() {
        println!("corpora: {} is not there", mail.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer { folder: folder.path(), name: String::new(), messages: 0, attachments: 0, none: [0, 0] };
    let mut files: Vec<_> = walkdir::WalkDir::new(&mail).into_iter().map(|entry| entry.unwrap().into_path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.is_file() && path.extension().is_none_or(|ending| ending != "zst")) {
        let of = if path.parent().is_some_and(|parent| parent.ends_with("mbox")) { Format::Mbox } else { Format::Eml };
        writer.name = path.file_name().unwrap().to_string_lossy().replace('.', "-");
        format(of).split(&mut fs::read(path).unwrap().as_slice(), None, &mut writer).unwrap();
    }
    let said = case::tool("python3", &["-c", READER, case::text(folder.path())]);
    assert_eq!(said, "read\n");
    let Writer { messages, attachments, none, .. } = writer;
    println!("{messages} messages, {attachments} attachments; no answer for {none:?}");
    assert!(messages > 350 && attachments > 100, "the corpora are there");
    // Parts that are not closed, text behind the last one, an encoding of parts, and broken on purpose.
    assert!(none[0] <= messages / 15 && none[1] == 0, "{none:?} of {messages}");
}
