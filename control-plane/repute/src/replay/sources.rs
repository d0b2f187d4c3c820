//! What became of every source in a replay, as the rows of `--sources`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use repute_model::{Explanation, Flood, Source, SynAnswer, SystemLook, Term};
use serde::Serialize;

use super::rehearsal::{Judged, Rehearsal};

/// One source at the end of a replay.
#[derive(Serialize, Debug)]
pub struct Row {
    /// The capture, where several were replayed one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Address or prefix.
    source: String,
    /// Whether it has exact state at the end.
    tracked: bool,
    packets: u64,
    bytes: u64,
    /// Packets by verdict.
    verdicts: BTreeMap<&'static str, u64>,
    /// Packets by reason, of those not plainly forwarded.
    reasons: BTreeMap<&'static str, u64>,
    /// 0..=10 000; of a source without state: what a new one would have.
    score: u16,
    /// The view of P3: 0 (trusted) to 100 (suspicious).
    suspicion: f64,
    band: &'static str,
    treatment: String,
    model: &'static str,
    /// The terms of the score, in the order of the formula.
    factors: Vec<FactorRow>,
    /// What is known of its autonomous system, where queries are judged and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<SystemRow>,
    /// Where it has no standing to send at the end: crowds in flood, the first few.
    held_up: Vec<HeldRow>,
    /// Seconds since 1970.
    first_seen: f64,
    /// Seconds since 1970.
    last_seen: f64,
}

#[derive(Serialize, Debug)]
struct FactorRow {
    name: &'static str,
    value: f64,
    weight: f64,
    /// `value · weight`
    part: f64,
    evidence: f64,
    unit: &'static str,
}

/// See [`repute_model::SystemLook`].
#[derive(Serialize, Debug)]
struct SystemRow {
    number: u32,
    networks: u8,
    random: u8,
    failed: u8,
    /// Networks that ask for failing names of one domain, and their usual share.
    spread: u8,
    usual: f32,
    /// The same by countries.
    countries: u8,
    usual_countries: f32,
}

#[derive(Serialize, Debug)]
struct HeldRow {
    /// Which destinations.
    crowd: String,
    /// The kind of flood.
    flood: &'static str,
    /// What becomes of such packets, and what the source has to do.
    becomes: &'static str,
}

#[derive(Default, Debug)]
struct Tally {
    packets: u64,
    bytes: u64,
    verdicts: BTreeMap<&'static str, u64>,
    reasons: BTreeMap<&'static str, u64>,
    first_us: u64,
    last_us: u64,
}

/// Counts by source, in order of first appearance.
#[derive(Default, Debug)]
pub struct Sources {
    position: HashMap<Source, usize>,
    tallies: Vec<(Source, Tally)>,
}

impl Sources {
    /// Counts one packet for the source that was judged by it.
    pub fn note(&mut self, one: &Judged) {
        let Some(source) = one.source else { return };
        let position = *self.position.entry(source).or_insert_with(|| {
            self.tallies.push((source, Tally { first_us: one.ts_us, ..Tally::default() }));
            self.tallies.len() - 1
        });
        let tally = &mut self.tallies[position].1;
        tally.packets += 1;
        tally.bytes += u64::from(one.wire_len);
        tally.last_us = one.ts_us;
        *tally.verdicts.entry(one.judgement.verdict.name()).or_default() += 1;
        if let Some(reason) = one.judgement.reason {
            *tally.reasons.entry(reason.name()).or_default() += 1;
        }
    }

    /// The rows, with the standing that each source has now.
    pub fn into_rows(self, rehearsal: &Rehearsal, file: Option<&Path>) -> Vec<Row> {
        let file = file.map(|path| path.display().to_string());
        let rows = self.tallies.into_iter();
        rows.filter_map(|(source, tally)| {
            Some(row(rehearsal.explain(source)?, rehearsal.syn, tally, file.clone()))
        })
        .collect()
    }
}

fn row(explanation: Explanation, syn: SynAnswer, tally: Tally, file: Option<String>) -> Row {
    let seconds = |us: u64| us as f64 / 1e6;
    Row {
        file,
        source: explanation.source.to_string(),
        tracked: explanation.tracked,
        packets: tally.packets,
        bytes: tally.bytes,
        verdicts: tally.verdicts,
        reasons: tally.reasons,
        score: explanation.score.get(),
        suspicion: explanation.score.suspicion(),
        band: explanation.band.name(),
        treatment: explanation.treatment.to_string(),
        model: explanation.model.name(),
        factors: explanation.terms.iter().filter(|term| term.weight != 0.0).map(factor).collect(),
        system: explanation.system.map(system),
        held_up: held_up(&explanation, syn),
        first_seen: seconds(tally.first_us),
        last_seen: seconds(tally.last_us),
    }
}

fn system(look: SystemLook) -> SystemRow {
    SystemRow {
        number: look.number,
        networks: look.networks,
        random: look.random,
        failed: look.failed,
        spread: look.spread.asking,
        usual: look.spread.usual,
        countries: look.countries.asking,
        usual_countries: look.countries.usual,
    }
}

fn held_up(explanation: &Explanation, syn: SynAnswer) -> Vec<HeldRow> {
    let held = explanation.held_up.iter().flatten().flat_map(|(crowd, floods)| {
        let kinds = Flood::ALL.iter().filter(|&&flood| floods.has(flood));
        kinds.map(move |flood| HeldRow {
            crowd: crowd.to_string(),
            flood: flood.name(),
            becomes: flood.becomes(syn),
        })
    });
    held.collect()
}

fn factor(term: &Term) -> FactorRow {
    FactorRow {
        name: term.factor.name(),
        value: term.value,
        weight: term.weight,
        part: term.part(),
        evidence: term.evidence,
        unit: term.factor.unit(),
    }
}
