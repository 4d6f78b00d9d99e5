//! Logs of FTP servers: vsftpd's own, and the xferlog of wu-ftpd, ProFTPD and vsftpd; one line a record.
//!
//! `Thu Mar  4 08:12:30 2010 [pid 77] [alice] OK LOGIN: Client "192.0.2.1"` and `Thu Mar  4 08:12:30 2010 1 192.0.2.1 5 /a b _
//! o r alice ftp 0 * c`. Sources: vsftpd 3.0, `logging.c`; xferlog(5). Both are in local time.
//!
//! A user's name, a command and a file's name are what a client sent, and vsftpd does not escape their quotes and brackets.
//! So where `: Client "` stands twice in a line, which is the true one cannot be told, and neither can the user. In an
//! xferlog the host stands before the file's name, the user behind it: a line with a word too many has no user. The name
//! that goes with an anonymous login is nobody's.
//!
//! **Invariant:** a client or user is read only where the line can be taken apart in one way.

use std::io::Read;
use std::path::Path;

use super::field::{client, trim_end, word};
use super::layout::{self, Laid};
use super::line::{self, LineFormat};
use super::stamp::{self, Civil};
use super::{RecordFormat, RecordSink, SplitError};
use crate::order::{Family, Format, Role};
use crate::scope::{Reading, TimeField, Value};

/// What stands before a client's address in vsftpd's own log.
const CLIENT: &[u8] = b": Client \"";

/// The format.
pub struct Vsftpd;

impl RecordFormat for Vsftpd {
    fn format(&self) -> Format {
        Format::Vsftpd
    }

    /// At least a quarter of the lines that are shown whole have the shape.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        layout::fits_a_quarter::<Layout<'_>>(head, whole)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for Vsftpd {
    type Line<'a> = Laid<'a, Layout<'a>>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

/// Where the fields of a line stand.
#[derive(Debug)]
pub struct Layout<'a> {
    civil: Civil,
    /// None: it cannot be told. Empty: there is none.
    client: Option<&'a [u8]>,
    /// None: it cannot be told. Empty: there is none.
    user: Option<&'a [u8]>,
}

impl<'a> layout::Layout<'a> for Layout<'a> {
    const FAMILY: Family = Family::WebLog;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        let line = trim_end(bytes);
        let (civil, rest) = stamp::ctime(line)?;
        let rest = rest.strip_prefix(b" ")?;
        let (client, user) = match rest.strip_prefix(b"[pid ") {
            Some(rest) => own(rest)?,
            None => transfer(rest)?,
        };
        Some(Self { civil, client, user })
    }

    fn time(&self) -> TimeField {
        stamp::local(self.civil)
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let shown = match role {
            Role::Client => {
                self.client.and_then(|text| if text.is_empty() { Some(()) } else { client(text).map(visit) })
            }
            Role::User => self.user.map(|user| {
                if !user.is_empty() {
                    visit(Value::Text(user));
                }
            }),
            Role::From | Role::To | Role::Cc | Role::Bcc | Role::Sender | Role::ReplyTo | Role::Any => None,
        };
        shown.map_or(Reading::Partial, |()| Reading::Complete)
    }
}

/// A client, and a user.
type Parties<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// `77] [alice] OK LOGIN: Client "192.0.2.1"` and what goes on behind it.
fn own(rest: &[u8]) -> Option<Parties<'_>> {
    let (pid, rest) = word(rest)?;
    let pid = pid.strip_suffix(b"]")?;
    (!pid.is_empty() && pid.iter().all(u8::is_ascii_digit)).then_some(())?;
    let mut places = memchr::memmem::find_iter(rest, CLIENT);
    let Some(place) = places.next() else { return Some((None, None)) };
    if places.next().is_some() {
        return Some((None, None));
    }
    let (before, behind) = (rest.get(..place)?, rest.get(place + CLIENT.len()..)?);
    let address = behind.get(..memchr::memchr(b'"', behind)?)?;
    // What was done has no bracket; a user's name may.
    let user = match before.strip_prefix(b"[") {
        Some(named) => memchr::memmem::rfind(named, b"] ").and_then(|end| named.get(..end)),
        None => Some(&[][..]),
    };
    Some((Some(address), user))
}

/// `1 192.0.2.1 5 /file b _ o r alice ftp 0 * c`.
fn transfer(rest: &[u8]) -> Option<Parties<'_>> {
    let is_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let (elapsed, rest) = word(rest)?;
    let (host, rest) = word(rest)?;
    let (size, rest) = word(rest)?;
    let words = || rest.split(|&byte| byte == b' ');
    // From the end: status, authenticated user, method, service, user, mode, direction, flag, kind of transfer.
    let mut last = words().rev();
    let (status, direction) = (last.next()?, last.by_ref().nth(5)?);
    let shape = matches!(status, b"c" | b"i") && matches!(direction, b"o" | b"i" | b"d");
    (is_digits(elapsed) && is_digits(size) && shape).then_some(())?;
    let (mode, user) = (words().nth_back(5)?, words().nth_back(4)?);
    let user = match mode {
        // The server authenticated nobody.
        b"a" | b"g" => Some(&[][..]),
        _ => Some(user).filter(|_| words().count() == 10),
    };
    Some((Some(host), user))
}
