//! What is wrong with a manifest: one finding, where it stands, and how to go on.
//!
//! A code is stable: tests, the teaching page and other programs name findings by it.
//!
//! **Invariant:** a manifest with an error makes no [`super::Order`]; a warning never stops one.

use std::fmt;
use std::ops::Range;

use crate::limits;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The manifest is refused.
    Error,
    /// The manifest stands; somebody should look.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Which rule a finding is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    /// The file is over [`limits::MANIFEST_BYTES`], or an order has more words than [`limits::ORDER_WORDS`].
    TooLarge = "too-large",
    /// The file is not UTF-8.
    NotUtf8 = "not-utf8",
    /// The file is not TOML.
    Syntax = "syntax",
    /// The file does not say the schema that it must.
    WrongSchema = "wrong-schema",
    /// A later version will know it.
    NotInThisVersion = "not-in-this-version",
    /// A key that the language does not have.
    UnknownKey = "unknown-key",
    /// A key or table that must be there.
    MissingKey = "missing-key",
    /// A value of another type.
    WrongType = "wrong-type",
    /// A text or a list with nothing in it.
    Empty = "empty",
    /// A control character in a text.
    ControlCharacter = "control-character",
    /// More than a bound allows.
    TooMany = "too-many",
    /// An id, or a source's name, outside its alphabet.
    BadId = "bad-id",
    /// A legal basis that the language does not have.
    UnknownLegalBasis = "unknown-legal-basis",
    /// The legal basis discloses nothing.
    BasisDisclosesNothing = "basis-discloses-nothing",
    /// A zone that the IANA tz database does not have.
    UnknownZone = "unknown-zone",
    /// A date that does not exist, or cannot be written in UTC.
    BadDate = "bad-date",
    /// Not an ISO 8601 duration.
    BadDue = "bad-due",
    /// The order expires before it was made.
    ExpiresBeforeMade = "expires-before-made",
    /// The order was served before it was made.
    ServedBeforeMade = "served-before-made",
    /// Not a SHA-256.
    BadSha256 = "bad-sha256",
    /// `times` says something else than `original`.
    BadTimes = "bad-times",
    /// `archives` says something else than `open`.
    BadArchives = "bad-archives",
    /// A year that is not a number from 1970 to 9999.
    BadYear = "bad-year",
    /// The records of that format carry their year.
    YearNotInFormat = "year-not-in-format",
    /// A mark of transactions that the language does not have.
    UnknownJoin = "unknown-join",
    /// The records of that format carry no such mark, or no format is named.
    JoinNotInFormat = "join-not-in-format",
    /// `log-format` cannot be read, or the clause is not about access logs, or has a window and no time stands in the lines.
    BadLogFormat = "bad-log-format",
    /// `join` without `identifiers`.
    JoinAlone = "join-alone",
    /// Not the name of a volume.
    BadVolume = "bad-volume",
    /// Two sources of one name.
    DuplicateSource = "duplicate-source",
    /// A source that no clause names.
    UnusedSource = "unused-source",
    /// A source that the order does not name.
    UnknownSource = "unknown-source",
    /// Two clauses of one id.
    DuplicateClause = "duplicate-clause",
    /// A category that the language does not have.
    UnknownCategory = "unknown-category",
    /// The legal basis does not reach the category.
    CategoryAboveBasis = "category-above-basis",
    /// The records of that format are of a higher category.
    CategoryBelowFormat = "category-below-format",
    /// `take` says something else than `files` or `records`.
    UnknownTake = "unknown-take",
    /// A record format that the language does not have.
    UnknownFormat = "unknown-format",
    /// Not a glob of the one dialect.
    BadPath = "bad-path",
    /// The same glob twice in one list.
    DuplicatePath = "duplicate-path",
    /// A records clause without identifier, window and `everything = true`.
    NoCondition = "no-condition",
    /// `everything = true` beside identifiers.
    EverythingAndIdentifiers = "everything-and-identifiers",
    /// `with` without `identifiers`.
    WithAlone = "with-alone",
    /// A key of records clauses in a files clause.
    NotForFiles = "not-for-files",
    /// A limit that is not a number from 1.
    BadLimit = "bad-limit",
    /// A limit that the clause can never reach.
    LimitNeverTrips = "limit-never-trips",
    /// A window with a bare `to`.
    WindowTo = "window-to",
    /// A window with neither `through` nor `before`, or with both.
    WindowEnd = "window-end",
    /// A window that does not begin before it ends.
    WindowOrder = "window-order",
    /// `through` is not a whole day.
    ThroughNotADay = "through-not-a-day",
    /// `before` is not an instant.
    BeforeNotAnInstant = "before-not-an-instant",
    /// A local time that never happened.
    TimeGap = "time-gap",
    /// A local time that happened twice.
    TimeFold = "time-fold",
    /// A clock that the language does not have.
    UnknownClock = "unknown-clock",
    /// A file clock in a records clause, or the other way round.
    ClockNotForTake = "clock-not-for-take",
    /// The format's records do not carry that clock.
    ClockNotInFormat = "clock-not-in-format",
    /// A window on the clock `received`, and the provider file names no host for its source.
    NoReceivingHost = "no-receiving-host",
    /// An identifier of no type, or of two.
    IdentifierType = "identifier-type",
    /// Not a mail address.
    BadEmail = "bad-email",
    /// Not a domain.
    BadDomain = "bad-domain",
    /// A domain or host outside ASCII.
    NotPunycode = "not-punycode",
    /// Not an IP address.
    BadIp = "bad-ip",
    /// Not a network.
    BadCidr = "bad-cidr",
    /// A network whose host bits are set.
    CidrHostBits = "cidr-host-bits",
    /// Not a port.
    BadPort = "bad-port",
    /// A port without an IP address.
    PortWithoutIp = "port-without-ip",
    /// Not a host name.
    BadHost = "bad-host",
    /// Not an account, message-id or token.
    BadToken = "bad-token",
    /// A role that the language does not have.
    UnknownRole = "unknown-role",
    /// The format's records do not have that role.
    RoleNotInFormat = "role-not-in-format",
    /// The format has no default place for that type of identifier.
    RoleNeeded = "role-needed",
    /// The same role twice.
    DuplicateRole = "duplicate-role",
    /// The same identifier twice in one list.
    DuplicateIdentifier = "duplicate-identifier",
    /// An identifier that the clause's text does not hold.
    IdentifierNotInText = "identifier-not-in-text",
    /// A date that the clause's text does not hold.
    DateNotInText = "date-not-in-text",
    /// `rows` for a format whose records have no named columns, or for none that `as` names.
    RowsNotInFormat = "rows-not-in-format",
    /// `table` for a format that has no tables, or none for one that has.
    RowsTable = "rows-table",
    /// A unit that the language does not have.
    UnknownUnit = "unknown-unit",
    /// `unit` for a format whose records are no messages.
    UnitNotInFormat = "unit-not-in-format",
    /// `unit` and `fields` in one clause.
    UnitAndFields = "unit-and-fields",
    /// A field that the format's records do not have, or `fields` without `as`.
    FieldsNotInFormat = "fields-not-in-format",
    /// The same field twice.
    DuplicateField = "duplicate-field",
    /// `time-unit` says no unit, or stands without `time`.
    BadTimeUnit = "bad-time-unit",
    /// A window on a format of which only `rows` can say which column is the time.
    NoTimeColumn = "no-time-column",
    /// The provider file has no usable salt.
    BadSalt = "bad-salt",
    /// What nothing can be encrypted to, or a private key.
    BadRecipient = "bad-recipient",
    /// Nobody is named as custodian.
    NoCustodian = "no-custodian",
    /// Nothing says where a source is.
    SourceWithoutPath = "source-without-path",
    /// Not a volume and an absolute path.
    BadMount = "bad-mount",
    /// A withhold that holds nothing back.
    EmptyWithhold = "empty-withhold",
    /// A role in a withhold.
    RoleInWithhold = "role-in-withhold",
}

impl Code {
    /// It is about one value alone, so that it holds even where other parts of the file could not be parsed.
    pub(super) const fn is_local(self) -> bool {
        matches!(
            self,
            Self::UnknownKey
                | Self::NotInThisVersion
                | Self::BadId
                | Self::UnknownLegalBasis
                | Self::UnknownZone
                | Self::BadDue
                | Self::BadSha256
                | Self::UnknownCategory
                | Self::UnknownTake
                | Self::UnknownFormat
                | Self::BadPath
                | Self::WindowTo
                | Self::UnknownClock
                | Self::BadEmail
                | Self::BadDomain
                | Self::NotPunycode
                | Self::BadIp
                | Self::BadCidr
                | Self::CidrHostBits
                | Self::BadPort
                | Self::BadHost
                | Self::BadToken
                | Self::UnknownRole
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One finding about a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The name of the file, as given to [`super::read`].
    pub file: String,
    /// Where in the file, in bytes.
    pub span: Range<usize>,
    /// The clause it is about.
    pub clause: Option<String>,
    /// Which rule.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// How to go on.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Says how to go on.
    pub(super) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }

    /// The line of `text`, from 1, on which it begins.
    pub fn line(&self, text: &[u8]) -> usize {
        let before = text.get(..self.span.start).unwrap_or(text);
        before.iter().filter(|&&byte| byte == b'\n').count() + 1
    }
}

/// Collects the findings about one file.
pub(super) struct Notes {
    file: String,
    /// The clause that is being read.
    pub(super) clause: Option<String>,
    found: Vec<Diagnostic>,
    /// Findings over the bound: counted, and written over one another here.
    more: usize,
    spare: Option<Diagnostic>,
    failed: bool,
}

impl Notes {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), clause: None, found: Vec::new(), more: 0, spare: None, failed: false }
    }

    /// An error was found.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    pub(super) fn error(&mut self, code: Code, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.failed = true;
        self.push(Severity::Error, code, span, message.into())
    }

    pub(super) fn warning(&mut self, code: Code, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Warning, code, span, message.into())
    }

    fn push(&mut self, severity: Severity, code: Code, span: &Range<usize>, message: String) -> &mut Diagnostic {
        let note = Diagnostic {
            severity,
            file: self.file.clone(),
            span: span.clone(),
            clause: self.clause.clone(),
            code,
            message,
            hint: None,
        };
        if self.found.len() >= limits::DIAGNOSTICS {
            self.more += 1;
            return self.spare.insert(note);
        }
        let place = self.found.len();
        self.found.push(note);
        // OK: it was pushed at `place`; the spare is never reached.
        match self.found.get_mut(place) {
            Some(note) => note,
            None => self.spare.get_or_insert_with(|| Diagnostic {
                severity,
                file: String::new(),
                span: 0..0,
                clause: None,
                code,
                message: String::new(),
                hint: None,
            }),
        }
    }

    /// Keeps only what `keep` says.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.found.retain(keep);
    }

    /// All findings in the order of the file; errors before warnings at one place.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|note| (note.span.start, note.severity));
        if self.more > 0 {
            self.found.push(Diagnostic {
                severity: if self.failed { Severity::Error } else { Severity::Warning },
                file: self.file,
                span: 0..0,
                clause: None,
                code: Code::TooMany,
                message: format!("{} more findings are not shown", self.more),
                hint: None,
            });
        }
        self.found
    }
}
