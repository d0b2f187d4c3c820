//! What a replay prints: in, out, why, and who was worst.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use repute_model::{Band, CrowdState, Reason, Source, Verdict};

use super::rehearsal::{Judged, Rehearsal};

/// Sources named at most.
const WORST: usize = 10;

/// Floods named at most.
const FLOODS: usize = 20;

/// Counts over one replay.
#[derive(Default)]
pub struct Summary {
    packets: u64,
    forwarded: u64,
    challenged: u64,
    answered: u64,
    reasons: BTreeMap<Reason, u64>,
    bands: BTreeMap<Band, u64>,
    dropped_by_source: HashMap<Source, u64>,
}

impl Summary {
    /// Counts one packet.
    pub fn note(&mut self, one: &Judged) {
        self.packets += 1;
        self.forwarded += u64::from(one.judgement.verdict == Verdict::Forward);
        self.challenged += u64::from(one.judgement.verdict == Verdict::Challenge);
        self.answered += u64::from(one.judgement.verdict == Verdict::Answer);
        if let Some(reason) = one.judgement.reason {
            *self.reasons.entry(reason).or_default() += 1;
        }
        if let Some((band, _)) = one.judgement.standing {
            *self.bands.entry(band).or_default() += 1;
        }
        if let (Some(source), Verdict::Drop) = (one.source, one.judgement.verdict) {
            *self.dropped_by_source.entry(source).or_default() += 1;
        }
    }

    /// Prints the counts and the sources that lost most.
    pub fn print(&self, captures: &[PathBuf], rehearsal: &Rehearsal) {
        let names: Vec<_> = captures.iter().map(|path| path.display().to_string()).collect();
        println!("{}", names.join(" + "));
        if rehearsal.shadow {
            println!("  shadow mode: what would have been; every packet is forwarded");
        }
        let share = |n: u64| 100.0 * n as f64 / self.packets.max(1) as f64;
        let dropped = self.packets - self.forwarded - self.challenged - self.answered;
        println!("  packets    {:>10}", self.packets);
        println!("  forwarded  {:>10}  {:6.2} %", self.forwarded, share(self.forwarded));
        println!("  dropped    {dropped:>10}  {:6.2} %", share(dropped));
        println!("  challenged {:>10}  {:6.2} %", self.challenged, share(self.challenged));
        if self.answered > 0 {
            println!("  answered   {:>10}  {:6.2} %", self.answered, share(self.answered));
        }
        for (reason, &n) in &self.reasons {
            println!("    {:<20} {n:>10}  {:6.2} %  {}", reason.name(), share(n), reason.help());
        }
        for (band, &n) in &self.bands {
            println!("  from {:<17} {n:>10}  {:6.2} %", band.name(), share(n));
        }
        println!("  mitigations begun {:>10}", rehearsal.mitigations);
        if !rehearsal.is_conserved() {
            println!("  NOT CONSERVED: packets were lost sight of; please report this");
        }
        print_floods(rehearsal);
        self.print_worst(rehearsal);
    }

    fn print_worst(&self, rehearsal: &Rehearsal) {
        let mut worst: Vec<_> = self.dropped_by_source.iter().collect();
        worst.sort_by_key(|&(source, dropped)| (std::cmp::Reverse(dropped), source));
        for (source, dropped) in worst.into_iter().take(WORST) {
            let Some(now) = rehearsal.explain(*source) else { continue };
            let cause = now.model.cause(&now.terms);
            println!("  {source}: {dropped} dropped; now {} ({}), most for {cause}", now.band, now.score);
        }
    }
}

/// The floods that began, first come first.
fn print_floods(rehearsal: &Rehearsal) {
    let floods = rehearsal.crowds.iter().filter(|change| change.to == CrowdState::Flood);
    for change in floods.clone().take(FLOODS) {
        let numbers = &change.numbers;
        println!(
            "  {} in {} flood at {:.1} s: {:.0}/s, {:.0}/s completed, excess {:.0} of {:.0}{}",
            change.crowd,
            change.flood.name(),
            change.at.0 as f64 / 1e3,
            numbers.per_s,
            numbers.completed_per_s,
            numbers.excess,
            numbers.limit,
            if numbers.heard { "" } else { ", never heard" },
        );
    }
    let more = floods.count().saturating_sub(FLOODS);
    if more > 0 {
        println!("  and {more} floods more");
    }
}
