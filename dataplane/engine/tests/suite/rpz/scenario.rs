//! Scenarios of unbound's testbound (`.rpl`) as far as policy zones go: zones, what the servers behind say, and steps.
//!
//! The resolver behind the box is a map here: it knows what the scenario's servers answer, and follows aliases. Who asks
//! follows those that it is left alone with, as resolvers do.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use repute_model::DomainName;
use repute_wire::dns::{Answer, Data, NAME_MAX, Name, Rcode, Section};

use crate::common::dns::{RESOLVER, back, by_tcp, by_udp, message, query};
use crate::common::frame::{ACK, Frame, Ip, PSH, SYN, Talk, tcp_of};
use crate::common::rig::Rig;
use crate::common::{INSIDE, OUTSIDE};

/// Owner, type, data on the wire.
pub type Record = (DomainName, u16, Vec<u8>);

const CNAME: u16 = 5;

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
    client: Ip,
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
                            asked = Some(Step { late, ..asking(*number, client.as_deref(), &block) });
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

    /// What becomes of a step at the box.
    pub fn run(&self, rig: &mut Rig, step: &Step) -> Outcome {
        let mut outcome = self.ask(rig, step, &step.name);
        if let Outcome::Answered { records, truncated: false, .. } = &mut outcome {
            while let Some(target) = open_alias(records, &step.name, step.kind) {
                let Outcome::Answered { records: more, .. } = self.ask(rig, step, &target) else { break };
                if more.is_empty() {
                    break;
                }
                records.extend(more);
            }
            records.sort();
        }
        outcome
    }

    /// Lets the box see a step before it matters.
    pub fn warm(&self, rig: &mut Rig, step: &Step) {
        self.ask(rig, step, &step.name);
    }

    /// Asks for a name; the resolver answers what gets there.
    fn ask(&self, rig: &mut Rig, step: &Step, name: &DomainName) -> Outcome {
        rig.ports.kept = Some(Vec::new());
        let client = (step.client, 40_000 + rig.now.0 as u16);
        let asked = query(step.number as u16, &name.to_string(), step.kind, None);
        if step.tcp {
            let talk = Talk { client, server: RESOLVER };
            rig.outside(1, talk.asks(SYN, 0));
            rig.inside(1, talk.answers(SYN | ACK, 0));
            rig.outside(1, talk.asks(ACK, 0));
        }
        rig.ports.kept = Some(Vec::new());
        rig.outside(1, if step.tcp { by_tcp(client, &asked) } else { by_udp(client, &asked) });
        if rig.ports.kept.as_ref().unwrap().iter().any(|(port, _)| *port == INSIDE) {
            rig.ports.kept = Some(Vec::new());
            let said = self.said(&asked, name, step.kind);
            rig.inside(1, if step.tcp { answer_by_tcp(client, &said) } else { back(client, &said) });
        }
        let told = rig.ports.kept.replace(Vec::new()).unwrap();
        let told = told.iter().find(|(port, _)| *port == OUTSIDE);
        told.map_or(Outcome::Dropped, |(_, frame)| outcome(frame, step.tcp))
    }

    /// What the resolver says to a query.
    fn said(&self, asked: &[u8], name: &DomainName, kind: u16) -> Vec<u8> {
        let (_, records) = self.resolve(name, kind);
        let mut said = asked.to_vec();
        (said[2], said[3], said[7]) = (0x81, 0x80, records.len() as u8);
        for (owner, kind, data) in records {
            said.extend(owner.as_bytes());
            said.extend(kind.to_be_bytes());
            said.extend([0, 1, 0, 0, 0, 60]);
            said.extend((data.len() as u16).to_be_bytes());
            said.extend(data);
        }
        said
    }
}

/// The name that the aliases of an answer lead to, where it has nothing for that.
fn open_alias(records: &[Record], name: &DomainName, wanted: u16) -> Option<DomainName> {
    let mut last = name.clone();
    for _ in 0..=records.len() {
        let here = |kind: u16| records.iter().find(|(owner, found, _)| *owner == last && *found == kind);
        if here(wanted).is_some() {
            return None;
        }
        let Some((.., target)) = here(CNAME) else { break };
        last = DomainName::from_wire(target).unwrap();
    }
    (last != *name).then_some(last)
}

fn answer_by_tcp(client: (Ip, u16), said: &[u8]) -> Frame {
    let framed = [&(said.len() as u16).to_be_bytes()[..], said].concat();
    tcp_of(RESOLVER, client, ACK | PSH, &framed)
}

/// What somebody gets.
fn outcome(frame: &Frame, tcp: bool) -> Outcome {
    let answer = Answer::read(&message(frame)[if tcp { 2 } else { 0 }..]).unwrap();
    let rcode = if answer.rcode() == Rcode::NXDOMAIN { "NXDOMAIN" } else { "NOERROR" };
    let records = answer.message.records().unwrap().map(Result::unwrap);
    let records = records.filter(|record| record.section == Section::Answer).map(|record| {
        let data = match record.decode().unwrap() {
            Data::Cname(target) => owned(&target).as_bytes().to_vec(),
            _ => record.data.to_vec(),
        };
        (owned(&record.name), record.kind, data)
    });
    Outcome::answered(rcode, answer.message.header().is_truncated(), records.collect())
}

fn owned(name: &Name<'_>) -> DomainName {
    DomainName::from_wire(name.lowered(&mut [0; NAME_MAX])).unwrap()
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

fn asking(number: u32, client: Option<&str>, block: &Block) -> Step {
    let (name, kind) = question(&block.question[0]);
    let client = client.unwrap_or("127.0.0.1").parse::<Ipv4Addr>().unwrap().octets();
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
