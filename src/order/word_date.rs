//! Dates as people write them, in numbers and in English and German words.
//!
//! **Invariant:** what is found here only spares a warning; no window is ever made of it.

use std::collections::BTreeSet;

use chrono::{Datelike as _, Months, NaiveDate};

/// The dates that a text holds. `month_first`: 03/25/2024 rather than 25/03/2024.
pub(super) fn dates(text: &str, month_first: bool) -> BTreeSet<NaiveDate> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let scan = Scan { tokens: &tokens, month_first };
        at = match scan.any(at, &mut found) {
            Some(next) if next > at => next,
            _ => at + 1,
        };
    }
    resolve(&found)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Number { value: u32, digits: usize },
    Word(String),
    Sign(char),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let end = if first.is_ascii_digit() {
            let end = run(|c| c.is_ascii_digit());
            let digits = rest.get(..end).unwrap_or_default();
            // A number too long for a year or a day is none of them.
            tokens.push(Token::Number { value: digits.parse().unwrap_or(u32::MAX), digits: digits.len() });
            end
        } else if first.is_alphabetic() {
            let end = run(|c| c.is_alphabetic() || c == '\u{308}');
            tokens.push(Token::Word(rest.get(..end).unwrap_or_default().to_lowercase().replace('\u{308}', "")));
            end
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            first.len_utf8()
        };
        rest = rest.get(end..).unwrap_or_default();
    }
    tokens
}

/// What a place in the text says.
#[derive(Debug, Clone, Copy)]
enum Found {
    Day(NaiveDate),
    /// Month and day; the year stands elsewhere.
    Yearless(u32, u32),
    Month(i32, u32),
    MonthAlone(u32),
    Year(i32),
}

struct Scan<'t> {
    tokens: &'t [Token],
    month_first: bool,
}

impl Scan<'_> {
    fn number(&self, at: usize) -> Option<(u32, usize)> {
        match self.tokens.get(at)? {
            Token::Number { value, digits } => Some((*value, *digits)),
            _ => None,
        }
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at)? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn sign(&self, at: usize) -> Option<char> {
        match self.tokens.get(at)? {
            Token::Sign(sign) => Some(*sign),
            _ => None,
        }
    }

    /// The date at `at`, and what comes behind it.
    fn any(&self, at: usize, found: &mut Vec<Found>) -> Option<usize> {
        self.numeric(at, found)
            .or_else(|| self.day_month(at, found))
            .or_else(|| self.month_day(at, found))
            .or_else(|| self.whole_year(at, found))
    }

    /// 2024-03-25, 25/03/2024, 25.3.2024, 25.3.
    fn numeric(&self, at: usize, found: &mut Vec<Found>) -> Option<usize> {
        let (first, first_digits) = self.number(at)?;
        let sign = self.sign(at + 1).filter(|sign| matches!(sign, '-' | '/' | '.' | '\u{2010}' | '\u{2011}'))?;
        let (second, second_digits) = self.number(at + 2).filter(|(_, digits)| *digits <= 2)?;
        let third = if self.sign(at + 3) == Some(sign) { self.number(at + 4) } else { None };
        if first_digits == 4 {
            let (third, _) = third.filter(|(_, digits)| *digits <= 2)?;
            found.push(Found::Day(day(year(first, 4)?, second, third)?));
            return Some(at + 5);
        }
        if first_digits > 2 || second_digits > 2 {
            return None;
        }
        let orders = match (sign, self.month_first) {
            ('/' | '-', true) => [(first, second), (second, first)],
            ('/' | '-', false) => [(second, first), (first, second)],
            _ => [(second, first), (second, first)],
        };
        if let Some((third, digits @ (2 | 4))) = third {
            let year = year(third, digits)?;
            found.push(Found::Day(orders.into_iter().find_map(|(month, of)| day(year, month, of))?));
            return Some(at + 5);
        }
        // Without a year only where the form is a date's: "25.3." or "25/03".
        if (sign == '.' && self.sign(at + 3) == Some('.')) || sign == '/' {
            let (month, of) = orders.into_iter().find(|(month, of)| day(2024, *month, *of).is_some())?;
            found.push(Found::Yearless(month, of));
            return Some(at + 3);
        }
        None
    }

    /// A day of a month, with what follows it: `25`, `25th`, `25.`, `25th of`.
    fn day_number(&self, at: usize) -> Option<(u32, usize)> {
        let (day, _) = self.number(at).filter(|(day, digits)| *digits <= 2 && (1..=31).contains(day))?;
        let mut next = at + 1;
        if self.word(next).is_some_and(|word| matches!(word, "st" | "nd" | "rd" | "th")) || self.sign(next) == Some('.')
        {
            next += 1;
        }
        Some((day, next))
    }

    /// Days that share the month behind or before them: `25, 26 and 27`, `25-31`.
    fn days(&self, at: usize) -> Option<(Vec<u32>, usize)> {
        let (first, mut next) = self.day_number(at)?;
        let mut days = vec![first];
        // No month has more; without a bound a long list would be read again from each of its numbers.
        while days.len() < 31
            && let Some((day, behind)) = self.connector(next).and_then(|next| self.day_number(next))
        {
            days.push(day);
            next = behind;
        }
        Some((days, next))
    }

    fn connector(&self, at: usize) -> Option<usize> {
        const WORDS: [&str; 9] = ["to", "until", "till", "through", "and", "or", "bis", "und", "oder"];
        let sign = self.sign(at).is_some_and(|sign| "-\u{2010}\u{2011}\u{2013}\u{2014}&,/".contains(sign));
        let mut next = if sign { at + 1 } else { at };
        let word = self.word(next).is_some_and(|word| WORDS.contains(&word));
        next += usize::from(word);
        // "bis zum 7.", "to the 7th"
        if (sign || word)
            && self.word(next).is_some_and(|word| matches!(word, "the" | "zum" | "einschliesslich" | "am"))
        {
            next += 1;
        }
        (sign || word).then_some(next)
    }

    fn month(&self, at: usize) -> Option<u32> {
        month(self.word(at)?)
    }

    /// 25 March 2024, 25th of March, 2024, 25. März 2024, 25-31 March 2024, 25 March.
    fn day_month(&self, at: usize, found: &mut Vec<Found>) -> Option<usize> {
        let (days, mut next) = self.days(at)?;
        if self.word(next).is_some_and(|word| word == "of") {
            next += 1;
        }
        let month = self.month(next)?;
        next += 1;
        if matches!(self.sign(next), Some('.' | ',')) && self.year_at(next + 1).is_some() {
            next += 1;
        }
        self.push_days(&days, month, next, found)
    }

    /// March 25, 2024, March 25-31, 2024, March 2024, March.
    fn month_day(&self, at: usize, found: &mut Vec<Found>) -> Option<usize> {
        let month = self.month(at)?;
        let next = at + 1 + usize::from(self.sign(at + 1) == Some('.'));
        if let Some(year) = self.year_at(next) {
            found.push(Found::Month(year, month));
            return Some(next + 1);
        }
        if let Some((mut days, mut behind)) = self.days(next) {
            // "between March 25 and 7 April 2024": the 7 belongs to April.
            if self.month(behind).is_some() {
                (days, behind) = self.day_number(next).map(|(day, behind)| (vec![day], behind))?;
            }
            if self.sign(behind) == Some(',') && self.year_at(behind + 1).is_some() {
                behind += 1;
            }
            return self.push_days(&days, month, behind, found);
        }
        // "may" is a word of its own.
        if self.word(at) != Some("may") {
            found.push(Found::MonthAlone(month));
        }
        Some(at + 1)
    }

    fn push_days(&self, days: &[u32], month: u32, next: usize, found: &mut Vec<Found>) -> Option<usize> {
        match self.year_at(next) {
            Some(year) => {
                found.extend(days.iter().filter_map(|of| day(year, month, *of)).map(Found::Day));
                Some(next + 1)
            }
            None => {
                found.extend(days.iter().map(|of| Found::Yearless(month, *of)));
                Some(next)
            }
        }
    }

    fn year_at(&self, at: usize) -> Option<i32> {
        let (value, digits) = self.number(at)?;
        if digits == 4 { year(value, 4) } else { None }
    }

    /// in 2024, during 2024, im Jahr 2024.
    fn whole_year(&self, at: usize, found: &mut Vec<Found>) -> Option<usize> {
        const BEFORE: [&str; 8] = ["in", "during", "throughout", "of", "year", "im", "jahr", "jahre"];
        self.word(at).filter(|word| BEFORE.contains(word))?;
        found.push(Found::Year(self.year_at(at + 1)?));
        Some(at + 2)
    }
}

/// A year of four digits between 1900 and 2999, or of two digits in this century.
fn year(value: u32, digits: usize) -> Option<i32> {
    let value = if digits == 2 { value.checked_add(2000)? } else { value };
    i32::try_from(value).ok().filter(|year| (1900..3000).contains(year))
}

fn day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day)
}

fn month(word: &str) -> Option<u32> {
    Some(match word {
        "january" | "jan" | "januar" | "jänner" | "janner" => 1,
        "february" | "feb" | "februar" | "feber" => 2,
        "march" | "mar" | "märz" | "marz" | "maerz" | "mär" | "mrz" => 3,
        "april" | "apr" => 4,
        "may" | "mai" => 5,
        "june" | "jun" | "juni" => 6,
        "july" | "jul" | "juli" => 7,
        "august" | "aug" => 8,
        "september" | "sep" | "sept" => 9,
        "october" | "oct" | "oktober" | "okt" => 10,
        "november" | "nov" => 11,
        "december" | "dec" | "dezember" | "dez" => 12,
        _ => return None,
    })
}

/// Gives dates without a year the year of the next one that has it, else of the one before; whole months and years
/// give their first and last day.
fn resolve(found: &[Found]) -> BTreeSet<NaiveDate> {
    let dated = |found: &Found| match *found {
        Found::Day(day) => Some(day),
        Found::Month(year, month) => day(year, month, 1),
        Found::Year(year) => day(year, 1, 1),
        Found::Yearless(..) | Found::MonthAlone(_) => None,
    };
    let mut later: Vec<Option<NaiveDate>> = found.iter().map(dated).collect();
    let mut behind = None;
    for next in later.iter_mut().rev() {
        behind = next.or(behind);
        *next = behind;
    }
    let (mut days, mut before) = (BTreeSet::new(), None);
    for (item, next) in found.iter().zip(later) {
        before = dated(item).or(before);
        let near = next.or(before);
        match *item {
            Found::Day(day) => {
                days.insert(day);
            }
            Found::Yearless(month, of) => {
                let Some(near) = near else { continue };
                // "from 25 December to 7 January 2025" begins the year before.
                let over = next.is_some() && (month, of) > (near.month(), near.day());
                days.extend(day(near.year() - i32::from(over), month, of));
            }
            Found::Month(year, month) => whole_month(year, month, &mut days),
            Found::MonthAlone(month) => {
                let Some(near) = near else { continue };
                let over = next.is_some() && month > near.month();
                whole_month(near.year() - i32::from(over), month, &mut days);
            }
            Found::Year(year) => {
                days.extend(day(year, 1, 1));
                days.extend(day(year, 12, 31));
            }
        }
    }
    days
}

fn whole_month(year: i32, month: u32, days: &mut BTreeSet<NaiveDate>) {
    let first = day(year, month, 1);
    days.extend(first);
    days.extend(first.and_then(|first| first.checked_add_months(Months::new(1))?.pred_opt()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_numbers_and_words() {
        let cases: [(&str, &[&str]); 27] = [
            ("on 2024-03-25", &["2024-03-25"]),
            ("at 2024-03-25T10:00:00Z", &["2024-03-25"]),
            ("on 25/03/2024.", &["2024-03-25"]),
            ("on 03/04/2024", &["2024-04-03"]),
            ("on 25.3.2024", &["2024-03-25"]),
            ("on 25. 3. 2024", &["2024-03-25"]),
            ("on 25.03.24", &["2024-03-25"]),
            ("vom 25.3. bis 7.4.2024", &["2024-03-25", "2024-04-07"]),
            ("on 25 March 2024", &["2024-03-25"]),
            ("on the 25th of March, 2024", &["2024-03-25"]),
            ("on 25 Mar. 2024", &["2024-03-25"]),
            ("am 25. März 2024", &["2024-03-25"]),
            ("am 25. Ma\u{308}rz 2024", &["2024-03-25"]),
            ("on March 25, 2024", &["2024-03-25"]),
            ("from 25 March to 7 April 2024", &["2024-03-25", "2024-04-07"]),
            ("vom 25. März bis zum 7. April 2024", &["2024-03-25", "2024-04-07"]),
            ("between March 25 and 7 April 2024", &["2024-03-25", "2024-04-07"]),
            ("from 25 December to 7 January 2025", &["2024-12-25", "2025-01-07"]),
            ("25\u{2013}31 March 2024", &["2024-03-25", "2024-03-31"]),
            ("on 25, 26 and 27 March 2024", &["2024-03-25", "2024-03-26", "2024-03-27"]),
            ("March 25 to 31, 2024", &["2024-03-25", "2024-03-31"]),
            ("in February 2024", &["2024-02-01", "2024-02-29"]),
            ("from March to April 2024", &["2024-03-01", "2024-03-31", "2024-04-01", "2024-04-30"]),
            ("during 2023", &["2023-01-01", "2023-12-31"]),
            ("the user may have 25 mails of size 2024", &[]),
            ("on 31/02/2024 or 2024-13-01", &[]),
            ("order 99999999999999999999-1-1", &[]),
        ];
        for (text, expected) in cases {
            let found: Vec<String> = dates(text, false).iter().map(NaiveDate::to_string).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn slashes_are_month_first_in_the_united_states() {
        let april: Vec<String> = dates("on 03/04/2024", true).iter().map(NaiveDate::to_string).collect();
        assert_eq!(april, ["2024-03-04"]);
    }
}
