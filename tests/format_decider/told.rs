//! What a splitter tells of a record, and what the order language makes of that, word by word.
//!
//! It shares the splitter with the library and nothing of the decision: which value is which field is taken as told; what the
//! fields mean for a clause is decided here.

use extract::order::{Clock, Family, Role};
use extract::scope::{Fields, Reading, TimeField, Value};

use super::mail::Texts;
use super::naive::Three::{self, In, Out, Undecided};
use super::naive::{
    Answer, File, address_is, all_of, anywhere, decide_stream, domain_is, edges, first_of_day, holds, in_window, ip_is,
    is_host_name, is_ip, one_of, same, token_is, withheld_anywhere,
};
use super::order::{Identifier, Order, Rows, Target, Window};
use super::time::{Said, civil, clock, days_of_month, number, offset, seconds};
use super::token;

/// One value of a field.
#[derive(Clone, Debug)]
enum One {
    Address(Vec<u8>, Vec<u8>),
    Ip(std::net::IpAddr, Option<u16>),
    Text(Vec<u8>),
}

/// A field's values, and whether they are all.
#[derive(Clone, Debug)]
struct Field {
    values: Vec<One>,
    complete: bool,
}

/// A record as its splitter tells it.
pub struct Told {
    family: Family,
    parsed: bool,
    time: Said,
    roles: Vec<(&'static str, Field)>,
    columns: Vec<(String, Vec<Vec<u8>>, bool)>,
    table: Option<Vec<u8>>,
    texts: Texts,
}

const ROLES: [(&str, Role); 4] =
    [("client", Role::Client), ("user", Role::User), ("from", Role::From), ("to", Role::To)];

impl Told {
    pub fn of(fields: &dyn Fields, columns: &[&str]) -> Self {
        let role = |(name, role): (&'static str, Role)| {
            let mut values = Vec::new();
            let reading = fields.values(role, &mut |value| {
                values.push(match value {
                    Value::Address { local, domain } => One::Address(local.to_vec(), domain.to_vec()),
                    Value::Ip(ip, port) => One::Ip(ip, port),
                    Value::Text(text) => One::Text(text.to_vec()),
                });
            });
            (name, Field { values, complete: reading == Reading::Complete })
        };
        let column = |name: &&str| {
            let mut values = Vec::new();
            let reading = fields.column(name, &mut |text| values.push(text.to_vec()));
            ((*name).to_owned(), values, reading == Reading::Complete)
        };
        let mut texts = Texts { all: Vec::new(), complete: true };
        texts.complete = fields.texts(&mut |text| texts.all.push(text.to_vec())) == Reading::Complete;
        Self {
            family: fields.family(),
            parsed: fields.parsed(),
            time: match fields.time(Clock::Record) {
                TimeField::At(at) => Said::At(at.seconds()),
                TimeField::Local(local) => Said::Wall(local.and_utc().timestamp()),
                TimeField::Unreadable => Said::Unreadable,
                TimeField::Lacks => Said::Nothing,
                other @ (TimeField::Abbreviated(..) | TimeField::Yearless(_) | TimeField::Day(_)) => {
                    panic!("not made here: {other:?}")
                }
            },
            roles: ROLES.into_iter().map(role).collect(),
            columns: columns.iter().map(column).collect(),
            table: fields.table().map(<[u8]>::to_vec),
            texts,
        }
    }

    fn holds(&self, target: &Target) -> Three {
        let whole_token = anywhere(&target.identifier, &self.texts);
        if !self.parsed {
            return if whole_token == Out { Out } else { Undecided };
        }
        let default = if self.family == Family::WebLog && is_ip(&target.identifier) { "client" } else { "any" };
        let roles: &[&str] = if target.roles.is_empty() { &[default] } else { &target.roles };
        let one = |role: &&str| {
            if *role == "any" {
                return whole_token;
            }
            let Some((_, field)) = self.roles.iter().find(|(name, _)| name == role) else { return Undecided };
            let mut verdicts: Vec<Three> =
                field.values.iter().map(|value| value_is(&target.identifier, value)).collect();
            if *role == "client" && is_ip(&target.identifier) {
                let named =
                    |value: &One| matches!(value, One::Text(text) if is_host_name(&String::from_utf8_lossy(text)));
                verdicts.extend(field.values.iter().filter(|value| named(value)).map(|_| Undecided));
            }
            if !field.complete {
                // A web log's field that cannot be read may be anything; another line without the token is outside.
                verdicts.push(if self.family == Family::Line && whole_token == Out { Out } else { Undecided });
            }
            one_of(&verdicts)
        };
        one_of(&roles.iter().map(one).collect::<Vec<_>>())
    }

    fn column(&self, name: &str) -> (&[Vec<u8>], bool) {
        let (_, values, complete) =
            self.columns.iter().find(|(own, ..)| own == name).expect("a column that was asked for");
        (values, *complete)
    }

    fn in_rows(&self, rows: &Rows) -> Three {
        if !self.parsed {
            let found = rows.cells.iter().any(|(_, identifier)| anywhere(identifier, &self.texts) != Out);
            return match (rows.cells.is_empty(), &rows.table) {
                (true, None) => In,
                (true, Some(_)) => Undecided,
                (false, _) => {
                    if found {
                        Undecided
                    } else {
                        Out
                    }
                }
            };
        }
        let table = match (&rows.table, &self.table) {
            (None, _) => In,
            (Some(_), None) => Undecided,
            (Some(wanted), Some(own)) => holds(wanted.as_bytes() == own),
        };
        let cell = |(name, identifier): &(String, Identifier)| {
            let (values, complete) = self.column(name);
            let mut verdicts: Vec<Three> = values.iter().map(|value| cell_is(identifier, value)).collect();
            verdicts.push(if complete { Out } else { Undecided });
            one_of(&verdicts)
        };
        let cells = if rows.cells.is_empty() { In } else { one_of(&rows.cells.iter().map(cell).collect::<Vec<_>>()) };
        all_of(&[table, cells])
    }

    /// The day that the column of the time holds, where it holds no time of it.
    fn day(&self, rows: Option<&Rows>) -> Option<(i64, i64, i64)> {
        let name = rows?.time.as_ref().filter(|_| self.parsed)?;
        let ([one], true) = self.column(name) else { return None };
        let text = String::from_utf8_lossy(one).trim().to_owned();
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else { return None };
        let (year, month) = (number(year, 0, 9999)?, number(month, 1, 12)?);
        (text.len() == 10).then_some((year, month, number(day, 1, days_of_month(year, month))?))
    }

    fn time(&self, rows: Option<&Rows>) -> Said {
        if !self.parsed {
            return Said::Unreadable;
        }
        let Some(name) = rows.and_then(|rows| rows.time.as_ref()) else { return self.time };
        match self.column(name) {
            ([], true) => Said::Nothing,
            ([one], true) => row_time(&String::from_utf8_lossy(one)),
            _ => Said::Unreadable,
        }
    }

    /// What the clauses make of it.
    pub fn decide(&self, order: &Order, file: &File) -> Answer {
        let mut verdicts = Vec::new();
        for place in decide_stream(order, file).admitted {
            let clause = &order.clauses[place];
            let wanted = |targets: &[Target]| {
                if targets.is_empty() {
                    return In;
                }
                one_of(&targets.iter().map(|target| self.holds(target)).collect::<Vec<_>>())
            };
            let rows = clause.rows.as_ref();
            let window = clause.window.map_or(In, |window| match self.day(rows) {
                Some(day) => day_in_window(order, file, window, day),
                None => in_window(order, file, window, self.time(rows)),
            });
            let rows = rows.map_or(In, |rows| self.in_rows(rows));
            verdicts.push((place, all_of(&[rows, wanted(&clause.identifiers), wanted(&clause.with), window])));
        }
        let withholds = order.withheld.iter().map(|identifier| withheld_anywhere(identifier, &self.texts));
        Answer::of(&verdicts, one_of(&withholds.collect::<Vec<_>>()))
    }
}

/// In where all of the day is in the window, out where none of it is.
fn day_in_window(order: &Order, file: &File, window: Window, day: (i64, i64, i64)) -> Three {
    let Some(zone) = order.sources[file.source] else { return Undecided };
    let (year, month, next, ..) = civil(seconds(day, (0, 0, 0)) + 86_400);
    let (begin, end) = (first_of_day(zone, day), first_of_day(zone, (year, month, next)));
    let (from, before) = edges(order.zone, window);
    if from <= begin && end <= before {
        In
    } else if end <= from || before <= begin {
        Out
    } else {
        Undecided
    }
}

fn value_is(identifier: &Identifier, value: &One) -> Three {
    match value {
        One::Address(local, domain) => holds(address_is(identifier, local, domain)),
        One::Ip(ip, port) => ip_is(identifier, (*ip, *port)),
        One::Text(text) => holds(text_is(identifier, text)),
    }
}

/// The whole value of a cell. White space around it does not count but where every byte does.
fn cell_is(identifier: &Identifier, value: &[u8]) -> Three {
    let text = String::from_utf8_lossy(value);
    let plain = text.trim_matches(|letter: char| letter.is_ascii_whitespace());
    match identifier {
        Identifier::Account(exact) | Identifier::MessageId(exact) | Identifier::Token(exact) => {
            holds(value == exact.as_bytes())
        }
        Identifier::Host(name) => holds(same(plain.as_bytes(), name)),
        Identifier::Email(_) | Identifier::Domain(_) => holds(text_is(identifier, plain.as_bytes())),
        Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..) => {
            token::ip_value(plain).map_or(Out, |found| ip_is(identifier, found))
        }
    }
}

/// A text that is one value and no address of a network.
fn text_is(identifier: &Identifier, text: &[u8]) -> bool {
    match identifier {
        Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..) => false,
        Identifier::Email(_) | Identifier::Host(_) => token_is(identifier, text),
        // A name, or an address and nothing beside it.
        Identifier::Domain(wanted) => {
            let text = String::from_utf8_lossy(text);
            let sides: Vec<&str> = text.rsplitn(2, '@').collect();
            let odd = |letter: char| letter.is_ascii_whitespace() || "<>,;@\"".contains(letter);
            let alone = sides.get(1).is_none_or(|local| !local.is_empty() && !local.contains(odd));
            let name = |letter: char| !letter.is_ascii() || letter.is_ascii_alphanumeric() || "._%+-".contains(letter);
            alone && sides[0].chars().all(name) && domain_is(wanted, sides[0].as_bytes())
        }
        Identifier::Account(exact) | Identifier::MessageId(exact) | Identifier::Token(exact) => {
            text == exact.as_bytes()
        }
    }
}

/// The date and time in a cell.
fn row_time(text: &str) -> Said {
    let text = text.trim();
    let read = || {
        let (date, rest) = (text.get(..10)?, text.get(10..)?);
        let parts: Vec<&str> = date.split('-').collect();
        let [year, month, day] = parts[..] else { return None };
        let (year, month) = (number(year, 0, 9999)?, number(month, 1, 12)?);
        let date = (year, month, number(day, 1, days_of_month(year, month))?);
        let rest = rest.strip_prefix(['T', ' '])?;
        let (time, zone) = (rest.get(..8)?, rest.get(8..)?);
        let wall = seconds(date, clock(time)?);
        Some(match zone {
            "" => Said::Wall(wall),
            "Z" => Said::At(wall),
            zone => Said::At(wall - offset(&zone.replace(':', ""))?),
        })
    };
    read().unwrap_or(Said::Unreadable)
}
