//! Scenarios of unbound's testbound (`.rpl`) as far as policy zones go: zones, what the servers behind say, and steps.
//!
//! The resolver of these tests is a map: it knows what the scenario's servers answer, and follows aliases.

use std::collections::BTreeMap;
use std::net::IpAddr;

use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use repute_model::{Address, DomainName, Rpz, RpzAction, RpzMatch, RpzRuling};

/// Owner, type, data on the wire.
pub type Record = (DomainName, u16, Vec<u8>);

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

/// What becomes of a query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Dropped,
    Answered { rcode: String, truncated: bool, records: Vec<Record> },
}

impl Outcome {
    fn answered(rcode: &str, truncated: bool, mut records: Vec<Record>) -> Self {
        records.sort();
        Self::Answered { rcode: rcode.to_owned(), truncated, records }
    }
}

/// Somebody asks something.
pub struct Step {
    pub number: u32,
    pub expected: Outcome,
    /// Whether time has passed before it.
    pub late: bool,
    client: Address,
    tcp: bool,
    name: DomainName,
    kind: u16,
}

#[derive(Default)]
pub struct Scenario {
    /// Names and texts, in the order in which they count.
    pub zones: Vec<(String, String)>,
    /// The same after some time has passed, where a server hands out one of them.
    pub transferred: Vec<(String, String)>,
    pub steps: Vec<Step>,
    upstream: BTreeMap<(DomainName, u16), Vec<Record>>,
}

/// An entry of a scenario: lines of its sections.
#[derive(Default)]
struct Block {
    flags: Vec<String>,
    matches: Vec<String>,
    question: Vec<String>,
    answer: Vec<String>,
}

impl Scenario {
    pub fn read(text: &str) -> Self {
        let mut scenario = Self::default();
        let mut lines = text.lines().map(strip_comment).filter(|line| !line.trim().is_empty());
        let (mut asked, mut step, mut name) = (None, None, String::new());
        let (mut replaced, mut late) = (None, false);
        while let Some(line) = lines.next() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["name:", zone] if line.starts_with(['\t', ' ']) => name = zone.trim_matches('"').to_owned(),
                ["rpz-action-override:", action] => replaced = Some(format!("CNAME {}", override_of(action))),
                ["TEMPFILE_CONTENTS", _] => {
                    let zone: Vec<&str> = lines.by_ref().take_while(|line| *line != "TEMPFILE_END").collect();
                    let zone =
                        replaced.take().map_or_else(|| zone.join("\n"), |action| overridden(&zone, &action));
                    scenario.zones.push((name.clone(), zone));
                }
                ["STEP", number, kind, rest @ ..] => {
                    late |= *kind == "TIME_PASSES";
                    let address = rest.iter().skip_while(|word| **word != "ADDRESS").nth(1);
                    step = Some((
                        number.parse::<u32>().unwrap(),
                        kind.to_string(),
                        address.map(|a| a.to_string()),
                    ));
                }
                ["RANGE_BEGIN", ..] => step = None,
                ["ENTRY_BEGIN"] => {
                    let block = block(&mut lines);
                    match &step {
                        None => scenario.serve(&block),
                        Some((number, kind, client)) if kind == "QUERY" => {
                            scenario.steps.extend(asked.take());
                            asked = Some(Step { late, ..query(*number, client.as_deref(), &block) });
                        }
                        Some(_) => {
                            let mut step: Step = asked.take().unwrap();
                            step.expected = expected(&block);
                            scenario.steps.push(step);
                        }
                    }
                }
                _ => {}
            }
        }
        scenario.steps.extend(asked);
        scenario
    }

    /// Takes what a server says; a zone that it hands out takes the place of the file's.
    fn serve(&mut self, block: &Block) {
        let Some((name, kind)) = block.question.first().map(|line| question(line)) else { return };
        const AXFR: u16 = 252;
        if kind == AXFR {
            let mut zones = self.zones.clone();
            let zone = zones.iter_mut().find(|(zone, _)| zone.parse::<DomainName>().unwrap() == name);
            zone.unwrap().1 = block.answer.join("\n");
            self.transferred = zones;
        } else if block.matches.iter().any(|word| word == "qname") {
            self.upstream.entry((name, kind)).or_insert_with(|| records(&block.answer));
        }
    }

    /// What the resolver says: the names on the way, and the records.
    fn resolve(&self, name: &DomainName, kind: u16) -> (Vec<DomainName>, Vec<Record>) {
        let (mut names, mut records) = (vec![name.clone()], Vec::new());
        while let Some(found) = self.upstream.get(&(names[names.len() - 1].clone(), kind)) {
            records.extend(found.iter().cloned());
            let alias = found.iter().find(|(_, found, _)| *found == CNAME && kind != CNAME);
            let Some((.., target)) = alias else { break };
            names.push(DomainName::from_wire(target).unwrap());
        }
        (names, records)
    }

    /// What the zones make of a step.
    pub fn run(&self, rpz: &Rpz, step: &Step) -> Outcome {
        if let RpzRuling::Match(found) = rpz.at_query(step.client, step.name.as_bytes()) {
            // Both looks have to come to the same.
            assert_eq!(self.at_answer(rpz, step), Some(found), "step {}", step.number);
            return self.enforce(rpz, step, found);
        }
        match self.at_answer(rpz, step) {
            Some(found) => self.enforce(rpz, step, found),
            None => self.passed(step),
        }
    }

    fn at_answer(&self, rpz: &Rpz, step: &Step) -> Option<RpzMatch> {
        let (mut names, records) = self.resolve(&step.name, step.kind);
        // Aliases that lead to where no server says anything are seen as well.
        let aliases = records.iter().filter(|(_, kind, _)| *kind == CNAME);
        for target in aliases.filter_map(|(.., data)| DomainName::from_wire(data)) {
            if !names.contains(&target) {
                names.push(target);
            }
        }
        let addresses = records.iter().filter_map(|(_, kind, data)| address(*kind, data));
        rpz.at_answer(step.client, names.iter().map(DomainName::as_bytes), addresses)
    }

    fn passed(&self, step: &Step) -> Outcome {
        Outcome::answered("NOERROR", false, self.resolve(&step.name, step.kind).1)
    }

    fn enforce(&self, rpz: &Rpz, step: &Step, found: RpzMatch) -> Outcome {
        let (names, records) = self.resolve(&step.name, step.kind);
        // The aliases that lead to the name that it is about stay.
        let before: Vec<Record> = records
            .into_iter()
            .filter(|(owner, kind, _)| {
                *kind == CNAME && names.iter().take(found.name.into()).any(|name| name == owner)
            })
            .collect();
        let name = names.get(usize::from(found.name)).unwrap_or(&step.name);
        match found.action {
            RpzAction::NxDomain => Outcome::answered("NXDOMAIN", false, before),
            RpzAction::NoData => Outcome::answered("NOERROR", false, before),
            RpzAction::Drop => Outcome::Dropped,
            RpzAction::TcpOnly if !step.tcp => Outcome::answered("NOERROR", true, Vec::new()),
            RpzAction::TcpOnly | RpzAction::Passthru => self.passed(step),
            RpzAction::Local(set) => {
                let mut records = before;
                for record in rpz.zones()[usize::from(found.zone)].local().records(set, step.kind) {
                    let mut into = [0; 255];
                    let Some(target) = record.target(name.as_bytes(), &mut into) else {
                        records.push((name.clone(), record.kind, record.data.to_vec()));
                        continue;
                    };
                    records.push((name.clone(), CNAME, target.to_vec()));
                    records.extend(self.resolve(&DomainName::from_wire(target).unwrap(), step.kind).1);
                }
                Outcome::answered("NOERROR", false, records)
            }
        }
    }
}

fn strip_comment(line: &str) -> &str {
    if line.trim_start().starts_with(';') { "" } else { line }
}

/// What a zone does whose actions the resolver's config replaces.
fn override_of(action: &str) -> &'static str {
    match action {
        "passthru" => "rpz-passthru.",
        "nxdomain" => ".",
        other => panic!("{other}"),
    }
}

/// A zone with one action for all of its triggers.
fn overridden(zone: &[&str], action: &str) -> String {
    let own = |line: &str| line.starts_with(['$', '\t']) || line.contains("SOA");
    let lines = zone.iter().map(|line| match line.split_whitespace().next() {
        Some(owner) if !own(line) => format!("{owner} {action}"),
        _ => (*line).to_owned(),
    });
    let mut lines: Vec<String> = lines.collect();
    lines.dedup();
    lines.join("\n")
}

fn block<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Block {
    let (mut block, mut section) = (Block::default(), String::new());
    for line in lines.take_while(|line| *line != "ENTRY_END") {
        let mut words = line.split_whitespace();
        let rest = |words: std::str::SplitWhitespace<'_>| words.map(str::to_owned).collect();
        match (words.next().unwrap(), section.as_str()) {
            ("MATCH", _) => block.matches = rest(words),
            ("REPLY", _) => block.flags = rest(words),
            ("ADJUST", _) => {}
            ("SECTION", _) => section = words.next().unwrap().to_owned(),
            (_, "QUESTION") => block.question.push(line.to_owned()),
            (_, "ANSWER") => block.answer.push(line.to_owned()),
            _ => {}
        }
    }
    block
}

fn question(line: &str) -> (DomainName, u16) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let kind: domain::base::iana::Rtype = words[words.len() - 1].parse().unwrap();
    (words[0].parse().unwrap(), kind.to_int())
}

fn query(number: u32, client: Option<&str>, block: &Block) -> Step {
    let (name, kind) = question(&block.question[0]);
    let client = client.unwrap_or("127.0.0.1").parse::<IpAddr>().unwrap().into();
    let tcp = block.matches.iter().any(|word| word == "TCP");
    Step { number, expected: Outcome::Dropped, late: false, client, tcp, name, kind }
}

fn expected(block: &Block) -> Outcome {
    let has = |flag: &str| block.flags.iter().any(|word| word == flag);
    let rcode = if has("NXDOMAIN") { "NXDOMAIN" } else { "NOERROR" };
    Outcome::answered(rcode, has("TC"), records(&block.answer))
}

fn records(lines: &[String]) -> Vec<Record> {
    let text = format!("$ORIGIN .\n$TTL 60\n{}\n", lines.join("\n"));
    let mut file = Zonefile::from(text.as_str());
    file.set_default_class(domain::base::iana::Class::IN);
    let record = |entry: Result<Entry, _>| match entry {
        Ok(Entry::Record(record)) => {
            let mut data = Vec::new();
            record.data().compose_rdata(&mut data).unwrap();
            let owner = record.owner().to_string().parse().unwrap();
            (owner, record.rtype().to_int(), data)
        }
        other => panic!("{other:?}"),
    };
    file.map(|entry| record(entry.map_err(|error| error.to_string()))).collect()
}

fn address(kind: u16, data: &[u8]) -> Option<Address> {
    match kind {
        A => Some(Address::v4(u32::from_be_bytes(data.try_into().ok()?))),
        AAAA => Some(Address(u128::from_be_bytes(data.try_into().ok()?))),
        _ => None,
    }
}
