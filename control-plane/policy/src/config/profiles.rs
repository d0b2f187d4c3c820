//! `[profiles]`: how one direction is judged.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Bands, Crowds, Dns, Factors, Hours, Treatments};
use crate::read::{Node, Overlay, Reader, table};
use crate::value::{BitRate, Duration, Int, Number, PacketRate, Share, keywords};

keywords! {
    /// How factors become a score.
    ModelName {
        /// `prior · (1 − min(1, Σ weight·value))`; weights are shares of 1.
        WeightedSum = "weighted-sum",
        /// `(0.5·old + 0.2·(1 − |volume − baseline| / baseline) + 0.15·destination + 0.15·criticality) · 0.95`,
        /// once a window; the weights are part of the formula.
        EgressInterval = "egress-interval",
        /// Suspicion `min(100, max(0, (Σ factor·weight) · decay))`; weights are points of 100.
        Suspicion = "suspicion",
    }
}

/// How senders are judged: exactly one of them, because exact state is kept for one side only.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Profiles {
    /// Outside senders are judged.
    #[schemars(with = "Profile")]
    pub ingress: Option<Profile>,
    /// Inside senders are judged.
    #[schemars(with = "Profile")]
    pub egress: Option<Profile>,
    /// Outside requesters of a DNS server are judged.
    #[schemars(with = "Dns")]
    pub dns: Option<Dns>,
}

impl Profiles {
    /// Every profile with its name; a config without mistakes has one.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Profile)> {
        let dns = self.dns.as_ref().map(|dns| &dns.scoring);
        let all = [("ingress", self.ingress.as_ref()), ("egress", self.egress.as_ref()), ("dns", dns)];
        all.into_iter().filter_map(|(name, profile)| Some((name, profile?)))
    }

    /// Whether inside senders are judged, and not outside ones.
    pub const fn judges_inside(&self) -> bool {
        self.egress.is_some()
    }
}

impl Overlay for Profiles {
    fn overlay(&mut self, node: &Node<'_>, reader: &mut Reader) {
        reader.keys(node, &["ingress", "egress", "dns"], &[], |reader, key, value| match key {
            "ingress" => self.ingress.get_or_insert_with(Profile::ingress).overlay(value, reader),
            "egress" => self.egress.get_or_insert_with(Profile::egress).overlay(value, reader),
            _ => self.dns.get_or_insert_default().overlay(value, reader),
        });
    }
}

/// How one direction is judged.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Profile {
    /// How factors become a score.
    pub model: ModelName,
    /// What ages the sum of model `suspicion` (and of no other).
    pub decay: Share,
    /// The score where every source begins and returns to, 1 = trusted.
    pub prior: Share,
    /// Half-life of the way back to the prior.
    pub half_life: Duration<100, 604_800_000>,
    /// Half-life of counted evidence: scans, open connections, errors.
    pub evidence_half_life: Duration<100, 604_800_000>,
    /// Length of a measuring window.
    pub window: Duration<10, 3_600_000>,
    /// After how long without an answer a host that answers others counts as silent.
    pub silence: Duration<10, 600_000>,
    /// How many unused connections one used connection excuses.
    pub excuse: Number<0, 1000>,
    /// Weight and ramp of every factor.
    pub factors: Factors,
    /// How a source's own normal is learnt.
    pub baseline: Baseline,
    /// What is usual at each hour of the week; of egress alone.
    pub hours: Hours,
    /// Where bands begin, and how long a source stays in one.
    pub bands: Bands,
    /// What each band gets.
    pub treatments: Treatments,
    /// How floods of strangers are noticed and answered; not of egress.
    pub crowds: Crowds,
}

impl Overlay for Profile {
    fn overlay(&mut self, node: &Node<'_>, reader: &mut Reader) {
        self.begin(node);
        self.overlay_keys(node, reader);
    }
}

impl Profile {
    /// Looks at the model before anything is read: it decides in which unit the factors' weights start.
    pub(super) fn begin(&mut self, node: &Node<'_>) -> Option<ModelName> {
        let model = node.get_ref().get("model").and_then(|model| model.get_ref().as_str());
        let model = model.and_then(ModelName::from_name)?;
        self.factors.start_with(model);
        Some(model)
    }
}

table!(fn overlay_keys of Profile {
    model, decay, prior, half_life, evidence_half_life, window, silence, excuse, factors, baseline, hours,
    bands, treatments, crowds,
});

/// How a source's own normal is learnt: an exponentially weighted mean and variance, per window.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Baseline {
    /// Weight of the newest window, above 0.
    pub alpha: Share,
    /// Windows with traffic before a deviation means anything.
    pub warm_up: Int<1, 255>,
    /// Least mean and deviation of the packet rate: less is not worth a suspicion.
    pub floor: PacketRate,
    /// The same for the byte rate.
    pub floor_bytes: BitRate,
}

table!(Baseline { alpha, warm_up, floor, floor_bytes });
