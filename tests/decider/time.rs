//! Days, zones and the dates of records, by the plainest arithmetic: years and months are counted one by one.

/// The zones that the generated orders use, each by a rule written out by hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Zone {
    Utc,
    London,
    Berlin,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

pub fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, for years from 1970 on.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let mut count = 0;
    for passed in 1970..year {
        count += if is_leap(passed) { 366 } else { 365 };
    }
    for passed in 1..month {
        count += days_of_month(year, passed);
    }
    count + day - 1
}

/// Seconds since 1970 of a wall clock that stands at UTC.
pub fn seconds(date: (i64, i64, i64), time: (i64, i64, i64)) -> i64 {
    days(date.0, date.1, date.2) * 86_400 + time.0 * 3_600 + time.1 * 60 + time.2
}

/// Year, month, day, hour, minute, second of a wall clock that stands at UTC.
pub fn civil(at: i64) -> (i64, i64, i64, i64, i64, i64) {
    let (mut day, second) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    let mut year = 1970;
    while day >= if is_leap(year) { 366 } else { 365 } {
        day -= if is_leap(year) { 366 } else { 365 };
        year += 1;
    }
    let mut month = 1;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    (year, month, day + 1, second / 3_600, second / 60 % 60, second % 60)
}

/// 01:00 UTC on the last Sunday of the month: when the clocks of London and Berlin change.
fn change(year: i64, month: i64) -> i64 {
    let mut day = days(year, month, days_of_month(year, month));
    // Day 0 was a Thursday, so day 3 was a Sunday.
    while day % 7 != 3 {
        day -= 1;
    }
    day * 86_400 + 3_600
}

impl Zone {
    pub fn name(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::London => "Europe/London",
            Self::Berlin => "Europe/Berlin",
        }
    }

    /// Seconds that its wall clocks are ahead of UTC at an instant.
    pub fn ahead(self, at: i64) -> i64 {
        let year = civil(at).0;
        let summer = if change(year, 3) <= at && at < change(year, 10) { 3_600 } else { 0 };
        match self {
            Self::Utc => 0,
            Self::London => summer,
            Self::Berlin => 3_600 + summer,
        }
    }

    /// Every instant at which its wall clocks show `wall`: none in a gap, two in a fold.
    pub fn readings(self, wall: i64) -> Vec<i64> {
        let mut found = Vec::new();
        for ahead in [7_200, 3_600, 0] {
            if self.ahead(wall - ahead) == ahead {
                found.push(wall - ahead);
            }
        }
        found
    }
}

/// What a record says of its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Said {
    At(i64),
    Wall(i64),
    Unreadable,
    Nothing,
}

pub fn number(text: &str, low: i64, high: i64) -> Option<i64> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|value| (low..=high).contains(value))
}

fn month(text: &str) -> Option<i64> {
    let place = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(text))?;
    i64::try_from(place + 1).ok()
}

pub fn clock(text: &str) -> Option<(i64, i64, i64)> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        [hour, minute] => Some((number(hour, 0, 23)?, number(minute, 0, 59)?, 0)),
        [hour, minute, second] => Some((number(hour, 0, 23)?, number(minute, 0, 59)?, number(second, 0, 59)?)),
        _ => None,
    }
}

/// `+hhmm` or `-hhmm` in seconds.
pub fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    if digits.len() != 4 {
        return None;
    }
    // RFC 5322, 3.3: "within the range of -9959 through +9959".
    Some(sign * (number(&digits[..2], 0, 99)? * 3_600 + number(&digits[2..], 0, 59)? * 60))
}

/// `31/Mar/2024:01:30:00 +0000`, as web logs write it: every part in its own place.
pub fn web_log_time(text: &str) -> Option<i64> {
    if text.len() != 26 || !text.is_ascii() {
        return None;
    }
    let signs: Vec<u8> = [2, 6, 11, 14, 17, 20].iter().map(|&place| text.as_bytes()[place]).collect();
    if signs != *b"//::: " {
        return None;
    }
    let (year, month) = (number(&text[7..11], 0, 9999)?, month(&text[3..6])?);
    let day = number(&text[..2], 1, days_of_month(year, month))?;
    Some(seconds((year, month, day), clock(&text[12..20])?) - offset(&text[21..])?)
}

/// The value of a Date header: RFC 5322 with its obsolete forms, those zone names whose meaning is fixed, and a day name
/// with or without its comma.
pub fn mail_time(text: &str) -> Said {
    let mut bare = String::new();
    let mut depth = 0;
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => bare.push(letter),
            _ => {}
        }
    }
    let bare = bare.replace(',', " ");
    let mut words: Vec<&str> = bare.split_whitespace().collect();
    if words.first().is_some_and(|word| WEEKDAYS.iter().any(|name| name.eq_ignore_ascii_case(word))) {
        words.remove(0);
    }
    let (date, zone) = match words[..] {
        [day, month, year, time] => ([day, month, year, time], None),
        [day, month, year, time, zone] => ([day, month, year, time], Some(zone)),
        _ => return Said::Unreadable,
    };
    let Some(wall) = mail_wall(date) else { return Said::Unreadable };
    let Some(zone) = zone else { return Said::Wall(wall) };
    let ahead = match zone.to_uppercase().as_str() {
        "GMT" | "UT" | "UTC" | "Z" => Some(0),
        "EST" => Some(-5 * 3_600),
        "EDT" => Some(-4 * 3_600),
        "PST" => Some(-8 * 3_600),
        "PDT" => Some(-7 * 3_600),
        other => offset(other),
    };
    ahead.map_or(Said::Unreadable, |ahead| Said::At(wall - ahead))
}

fn mail_wall(words: [&str; 4]) -> Option<i64> {
    let year = number(words[2], 0, 9999)?;
    let year = match words[2].len() {
        2 if year < 50 => year + 2_000,
        2 | 3 => year + 1_900,
        _ => year,
    };
    let month = month(words[1])?;
    let day = number(words[0], 1, days_of_month(year, month)).filter(|_| words[0].len() <= 2)?;
    Some(seconds((year, month, day), clock(words[3])?))
}

/// An instant as a web log writes it, `minutes` ahead of UTC.
pub fn write_web_log(at: i64, minutes: i64) -> String {
    let (year, month, day, hour, minute, second) = civil(at + minutes * 60);
    let name = MONTHS[usize::try_from(month - 1).unwrap()];
    format!("{day:02}/{name}/{year}:{hour:02}:{minute:02}:{second:02} {}", write_offset(minutes))
}

/// A wall clock's date and time as mail writes it, with its right day of the week and without a zone.
pub fn write_yearless(wall: i64) -> String {
    let (_, month, day, hour, minute, second) = civil(wall);
    format!("{} {day:2} {hour:02}:{minute:02}:{second:02}", MONTHS[usize::try_from(month - 1).unwrap()])
}

/// The stamp of a line of syslog, where its year is known.
pub fn syslog_time(line: &str, year: i64) -> Option<Said> {
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    if let Some(month) = month(words.first()?) {
        let plain = line.is_char_boundary(15) && line.len() > 15 && &line[15..16] == " ";
        let (day, time) = (words.get(1)?, words.get(2)?);
        if !plain || day.parse::<u8>().is_err() || time.len() != 8 {
            return None;
        }
        let read = || Some(seconds((year, month, number(day, 1, days_of_month(year, month))?), clock(time)?));
        return Some(read().map_or(Said::Unreadable, Said::Wall));
    }
    let stamp = words.first()?;
    let (date, rest) = stamp.split_once('T')?;
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let read = || {
        let (year, month) = (number(year, 0, 9999)?, number(month, 1, 12)?);
        Some((year, month, number(day, 1, days_of_month(year, month))?))
    };
    let Some(date) = read() else { return Some(Said::Unreadable) };
    let (time, zone) = rest.split_at(8);
    let wall = seconds(date, clock(time)?);
    Some(match zone {
        "" => Said::Wall(wall),
        "Z" => Said::At(wall),
        zone => Said::At(wall - offset(&zone.replace(':', ""))?),
    })
}

pub fn write_mail(wall: i64) -> String {
    let (year, month, day, hour, minute, second) = civil(wall);
    let weekday = WEEKDAYS[usize::try_from(wall.div_euclid(86_400).rem_euclid(7)).unwrap()];
    let name = MONTHS[usize::try_from(month - 1).unwrap()];
    format!("{weekday}, {day} {name} {year} {hour:02}:{minute:02}:{second:02}")
}

/// A wall clock's date and time as TOML writes it, without a zone.
pub fn write_toml(wall: i64) -> String {
    let (year, month, day, hour, minute, second) = civil(wall);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

pub fn write_offset(minutes: i64) -> String {
    format!("{}{:02}{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
}

#[test]
fn the_naive_clock_knows_both_changes_of_2024() {
    let at = |month, day, hour, minute| seconds((2024, month, day), (hour, minute, 0));
    assert_eq!(seconds((2024, 3, 31), (1, 0, 0)), 1_711_846_800);
    assert_eq!(Zone::London.readings(at(3, 31, 1, 30)), Vec::<i64>::new());
    assert_eq!(Zone::London.readings(at(3, 31, 0, 59)), [at(3, 31, 0, 59)]);
    assert_eq!(Zone::London.readings(at(3, 31, 2, 0)), [at(3, 31, 1, 0)]);
    assert_eq!(Zone::London.readings(at(10, 27, 1, 30)), [at(10, 27, 0, 30), at(10, 27, 1, 30)]);
    assert_eq!(Zone::Berlin.readings(at(10, 27, 2, 30)), [at(10, 27, 0, 30), at(10, 27, 1, 30)]);
    assert_eq!(civil(1_711_846_799), (2024, 3, 31, 0, 59, 59));
    assert_eq!(mail_time("Sun, 31 Mar 2024 02:00:00 +0100 (BST)"), Said::At(1_711_846_800));
    assert_eq!(mail_time("31 Mar 2024 02:00"), Said::Wall(1_711_850_400));
    assert_eq!(mail_time("Sun, 31 Mar 2024 02:00:00 +-0100"), Said::Unreadable);
    assert_eq!(web_log_time("31/Mar/2024:02:00:00 +0100"), Some(1_711_846_800));
    assert_eq!(web_log_time("31/Feb/2024:02:00:00 +0100"), None);
}
