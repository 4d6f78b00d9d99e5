//! What an order does not ask for does not leave a file of any format, and what it asks for does.
//!
//! Every record of a file carries a mark of its own; an order asks for one address on one day, and one correspondent is
//! withheld. Package, output and preview are searched for every other mark, and for the times of the other records, in
//! every form (`leak/canary.rs`). Web logs, syslog and mail go through the whole of `tests/leak`.

#![allow(dead_code, reason = "its parts are made for other tests too")]

#[path = "leak/canary.rs"]
mod canary;
mod case;
#[path = "format_leak/recipe.rs"]
mod recipe;

use canary::{Aviary, Mark, Random, Searcher};
use case::Case;
use extract::order::Format;
use recipe::{ASKED, Fact};

/// In `tests/leak`.
const ELSEWHERE: &[Format] = &[Format::AccessLog, Format::Syslog, Format::Mbox, Format::Maildir, Format::Eml];

/// 2024-03-25T00:00:00Z.
const DAY: i64 = 1_711_324_800;
const IPS: [&str; 5] = [ASKED, ASKED, "192.0.2.77", "192.0.27.7", "192.0.2.6"];

/// Facts, each with a mark and a second of its own; which of them the order asks for.
fn facts(random: &mut Random, aviary: &mut Aviary) -> (Vec<Fact>, Vec<bool>) {
    let (mut facts, mut asked) = (Vec::new(), Vec::new());
    for number in 0..90i64 {
        // On the day, on both sides of its edges, and on other days; a second that none of the others has.
        let around = [DAY - 86_400, DAY - 1_800, DAY, DAY, DAY, DAY + 43_200, DAY + 86_399 - 1_800, DAY + 86_400];
        let at = random.pick(&around) + number * 29 + 1;
        let ip = *random.pick(&IPS);
        let is_withheld = random.chance(15);
        let is_asked = ip == ASKED && !is_withheld && (DAY..DAY + 86_400).contains(&at);
        let mut own = Aviary::default();
        let mark = own.word(random, &format!("record {number}"));
        if !is_asked {
            aviary.add_raw(&mark, &format!("record {number}"));
            aviary.add(Mark::Time(at), &format!("the time of record {number}"));
        }
        facts.push(Fact { at, ip, is_withheld, mark });
        asked.push(is_asked);
    }
    (facts, asked)
}

/// Everything that is known of a run: the tar and its members, what it said, and a preview's words.
fn said(case: &Case) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (name, arguments) in [
        ("a preview", &["--order", "order.toml", "--dry-run"][..]),
        ("a preview as JSON", &["--order", "order.toml", "--dry-run", "--json"]),
        ("the run", &["--order", "order.toml", "--output", "out.tar"]),
    ] {
        let said = case.extract(arguments);
        said.ends_with(0);
        all.push((name.to_owned(), [said.stdout.into_bytes(), said.stderr.into_bytes()].concat()));
    }
    all.push(("the tar".to_owned(), std::fs::read(case.path("out.tar")).unwrap()));
    all
}

fn try_one(format: Format, seed: u64, in_image: bool) -> Result<(), String> {
    let (mut random, mut aviary) = (Random::new(seed.wrapping_mul(0x9E37_79B9)), Aviary::default());
    let (facts, asked) = facts(&mut random, &mut aviary);
    let case = Case::new();
    let work = tempfile::tempdir().unwrap();
    let recipe::Folder { files, disclosed: expected } = recipe::folder(format, &facts, work.path())?;
    for (name, content) in &files {
        case.file(&format!("/srv/{name}"), content);
    }
    let clause =
        case::records("\"/srv/*\"", &format!("as = \"{}\"\n{}", format.name(), recipe::keys(format, "2024-03-25")));
    case.order_on("source", "", "zone = \"UTC\"", &clause);
    let order = std::fs::read_to_string(case.path("order.toml")).unwrap();
    case.write_order(&order.replace("zone = \"Europe/London\"", "zone = \"UTC\""));
    let source = if in_image {
        case.make_ext4();
        "image"
    } else {
        "source"
    };
    case.provider(&format!(
        "[[source]]\nname = \"s\"\npath = \"{source}\"\n[[withhold]]\nclass = \"privileged\"\nidentifiers = [{{ domain = \"lawfirm.example\" }}]\n"
    ));
    let searcher = Searcher::new(std::mem::take(&mut aviary.canaries));
    // The search would find them: they all stand in the source.
    let texts = searcher.canaries.iter().filter(|canary| matches!(canary.mark, Mark::Text(_))).count();
    let planted: std::collections::BTreeSet<usize> =
        files.iter().flat_map(|(_, content)| searcher.present(content)).collect();
    let found = planted.iter().filter(|canary| matches!(searcher.canaries[**canary].mark, Mark::Text(_))).count();
    assert_eq!(found, texts, "{}: every mark is in the file", format.name());
    let mut everything = said(&case);
    let package = case.package();
    everything.extend(package.names.iter().map(|name| (name.clone(), package.member(name).to_vec())));
    for (name, bytes) in &everything {
        let hits = searcher.search(bytes);
        let words = hits.iter().map(|hit| format!("{} ({})", searcher.canaries[hit.canary].planted, hit.form));
        assert!(hits.is_empty(), "{}: in {name} stand {:?}", format.name(), words.collect::<Vec<_>>());
    }
    let disclosed: Vec<u8> = package.disclosed().into_iter().flat_map(|(_, bytes)| bytes).collect();
    let wanted = || facts.iter().zip(&asked).enumerate().filter(|(_, (_, asked))| **asked);
    assert!(wanted().count() > 3, "{}: the order asks for something", format.name());
    match &expected {
        Some(records) => {
            let expected: Vec<u8> = wanted().flat_map(|(place, _)| records[place].clone()).collect();
            assert_eq!(disclosed.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{}", format.name());
        }
        None => {
            let text = String::from_utf8(disclosed).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), wanted().count(), "{}", format.name());
            for (line, (_, (fact, _))) in lines.iter().zip(wanted()) {
                assert!(line.contains(&fact.mark), "{}: {line}", format.name());
            }
        }
    }
    Ok(())
}

#[test]
fn only_the_records_that_are_asked_for_leave_a_file_of_any_format_and_all_of_those_do() {
    let mut count = 0;
    for (format, seed) in Format::ALL.iter().copied().filter(|format| !ELSEWHERE.contains(format)).zip(1u64..) {
        for (in_image, round) in [(false, 0), (true, 1000), (false, 2000)] {
            match try_one(format, seed + round, in_image) {
                Ok(()) => count += 1,
                Err(why) => {
                    assert!(std::env::var_os("CI").is_none(), "{}: {why}", format.name());
                    println!("{}: skipped, {why}", format.name());
                }
            }
        }
    }
    println!("{count} runs");
}
