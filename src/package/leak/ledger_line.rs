//! What the order in the package holds, and a line of `exhibits.jsonl` held against it.
//!
//! Of a line the number, the size, the sum and the times are free in their form; source, clauses, format and form are the
//! order's; volume and file system are of closed lists. The path alone is the evidence's, and only where every clause that
//! the line names asks for that path, by the order inside.
//!
//! **Invariant:** a path has leave in that one member of a line and nowhere else, and in the reports because they follow from it.

use std::collections::{HashMap, HashSet};

use memchr::memmem;

use super::{LeakKind, OwnNames, prose};
use crate::ledger::{self, ExhibitLine, FILE_SYSTEMS, OrderFacts, Reduced, is_archive_tree};
use crate::order::{self, ManifestText, Order};
use crate::package::layout::Member;
use crate::scope::{ClauseSet, Scope};

/// The order, by its own text alone.
pub(super) struct Held {
    pub(super) order: Order,
    pub(super) facts: OrderFacts,
    /// Its words, and those of what it is in the report.
    pub(super) known: HashSet<Vec<u8>>,
    scope: Scope,
    by_id: HashMap<String, usize>,
}

impl Held {
    /// None: it is not an order.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let (order, _) = order::read_alone(ManifestText { name: "order.toml", bytes }).ok()?;
        let scope = Scope::compile(&order, None).ok()?;
        let facts = OrderFacts::of(&order);
        let mut known = prose::known(bytes);
        known.extend(prose::known(&ledger::line(&facts).ok()?));
        let by_id = order.clauses.iter().enumerate().map(|(at, clause)| (clause.id.clone(), at)).collect();
        Some(Self { order, facts, known, scope, by_id })
    }

    /// The clauses of these ids: some, each known, in the order of the order.
    pub(super) fn clauses(&self, ids: &[String]) -> Option<ClauseSet> {
        let places: Option<Vec<usize>> = ids.iter().map(|id| self.by_id.get(id).copied()).collect();
        let places = places.filter(|places| !places.is_empty() && places.is_sorted_by(|a, b| a < b))?;
        Some(places.into_iter().collect())
    }

    /// A volume is called so in a package: by its number, or as the order calls it.
    pub(super) fn is_volume(&self, source: usize, name: &str) -> bool {
        let numbered = name
            .strip_prefix('v')
            .is_some_and(|digits| digits.parse::<u32>().is_ok_and(|number| number > 0 && number.to_string() == digits));
        let own = self.order.sources.get(source).and_then(|source| source.volume.as_ref());
        numbered || name == "whole" || own.is_some_and(|volume| volume.to_string() == name)
    }

    /// A name of this machine that a report of these exhibits holds, and neither the order nor one of their paths.
    pub(super) fn has_own(&self, report: &[u8], listed: &[ExhibitLine], own: &OwnNames) -> bool {
        let said = [self.order.bytes.as_slice(), &ledger::line(&self.facts).unwrap_or_default()].concat();
        let said = [own.found_in(&said), own.found_in(&prose::unescaped(&said))].concat();
        own.found_in(&prose::unescaped(report)).into_iter().any(|name| {
            !said.contains(&name) && !listed.iter().any(|line| own.found_in(line.path.as_bytes()).contains(&name))
        })
    }

    /// A line of `exhibits.jsonl`, without its LF; `number` is the one that it must have.
    pub(super) fn exhibit(
        &self,
        text: &[u8],
        number: u32,
        own: &OwnNames,
    ) -> Result<(ExhibitLine, ClauseSet), LeakKind> {
        let line: ExhibitLine = ledger::read(text).map_err(|_| LeakKind::Text)?;
        let path = line.exact_path().ok_or(LeakKind::Text)?;
        let clauses = self.clauses(&line.clauses).ok_or(LeakKind::Text)?;
        let source = self.order.sources.iter().position(|source| source.name == line.source).ok_or(LeakKind::Text)?;
        let named: Vec<_> = clauses.iter().filter_map(|at| Some((at, self.order.clauses.get(at)?))).collect();
        let filesystem = line.filesystem.as_deref();
        let is_mail = line.format.is_some_and(|format| format.is_mail());
        let form = named.first().and_then(|(_, clause)| clause.reduction());
        let fits = [
            line.exhibit == number,
            line.file == Member::Data(number, line.extension()).to_string(),
            named.iter().all(|(_, clause)| clause.source == source),
            line.volume.as_deref().is_none_or(|volume| self.is_volume(source, volume)),
            filesystem.is_none_or(|name| FILE_SYSTEMS.contains(&name)) || is_archive_tree(filesystem),
            line.offset.is_some() == (is_mail && self.order.disclose.positions),
            match (&line.reduced, form) {
                (None, None) => true,
                (Some(given), Some(asked)) => *given == Reduced::of(asked, given.left_out),
                _ => false,
            },
        ];
        if fits.contains(&false) {
            return Err(LeakKind::Text);
        }
        if !named.iter().all(|(at, _)| self.scope.path_matches(*at, &path)) {
            return Err(LeakKind::Place);
        }
        // The order may name the same place.
        if own.beginning_of(&path).is_some_and(|here| memmem::find(&self.order.bytes, here).is_none()) {
            return Err(LeakKind::Own);
        }
        Ok((line, clauses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "schema = \"order/1\"\n[order]\nid = \"2024-17\"\nlegal_basis = \"pace-sch1\"\nauthority = \"A of web01\"\nreference = \"R\"\n\
        made = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"UTC\"\n[[source]]\nname = \"s\"\n\
        [[clause]]\nid = \"1\"\ntext = \"the files of \\u0062ox9\"\nsource = \"s\"\ncategory = \"content\"\npaths = [\"/etc/*\"]\ntake = \"files\"\n";

    /// The report is made by the same code as the one that it is held against: a name of the machine in it would be in both.
    #[test]
    fn a_report_with_a_name_of_the_machine_is_found_though_it_is_made_so() {
        let held = Held::of(ORDER.as_bytes()).unwrap();
        let mut own = OwnNames::default();
        ["web01", "evid01", "box9", "mx7"].into_iter().for_each(|host| own.add_host(host));
        let line = format!(
            "{{\"exhibit\":1,\"file\":\"data/000001.bin\",\"sha256\":\"{}\",\"bytes\":0,\"take\":\"files\",\"format\":null,\"records\":null,\
             \"clauses\":[\"1\"],\"source\":\"s\",\"volume\":null,\"filesystem\":null,\"path\":\"/etc/mx7.conf\",\"time\":null,\"clock\":null}}",
            "0".repeat(64)
        );
        let (listed, _) = held.exhibit(line.as_bytes(), 1, &own).unwrap();
        let cases = [
            ("<p>made for web01 and box9, from /etc/mx7.conf</p>", false),
            ("<p>made on evid01</p>", true),
            ("<p>made on &#101;vid01</p>", true),
            ("<p>made on evid012</p>", false),
        ];
        for (report, has_own) in cases {
            assert_eq!(held.has_own(report.as_bytes(), std::slice::from_ref(&listed), &own), has_own, "{report}");
        }
        // Without the exhibit its path says nothing.
        assert!(held.has_own(b"/etc/mx7.conf", &[], &own));
    }
}
