//! What is known about a source at one moment, ready to be scored.

use repute_model::{Factor, Profile, Rates};

use crate::{Flags, Hot, Ordinary, Requester, Resident, Warm};

/// The evidence of every factor, each in its own unit, and what E13 needs besides.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Inputs {
    /// Evidence by factor.
    pub evidence: [f64; Factor::COUNT],
    /// Volume of the window in bytes per second.
    pub volume: f64,
    /// What that is measured against: its own mean in bytes per second, or what is ordinary at this hour and nearest to the
    /// volume.
    pub volume_baseline: f64,
    /// Standing of its destinations, 0..1, 1 = good.
    pub destination: f64,
    /// Criticality of its service, 0..1.
    pub criticality: f64,
    /// It has no entry: nothing is known of what it did.
    pub is_stranger: bool,
}

/// What a policy says about a source, looked up once a policy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Context {
    /// Confidence of the lists that name it, 0..1.
    pub listed: f64,
    /// Criticality of its service, 0..1; 0.5 where it belongs to none.
    pub criticality: f64,
    /// What is usual for its services at this hour, if that is known.
    pub usual: Option<Rates>,
    /// Whether answers have been seen at all: else the box may be looking at one direction only.
    pub armed: bool,
}

/// Packets without an answer are a burst, not a rate, over less than this.
const UNANSWERED_LEAST_MS: u32 = 1_000;
/// The benefit of the doubt where no answers are seen to anybody: a one-way stream is no flood yet.
const ONE_WAY: f64 = 4.0;

impl Inputs {
    /// Measures a source whose window has lasted `elapsed_ms`.
    ///
    /// Within a window rates are lower bounds: they are taken over the whole window length, so that a
    /// burst at its beginning is no high rate.
    pub fn measure(hot: &Hot, warm: &Warm, profile: &Profile, elapsed_ms: u32, context: Context) -> Self {
        let window = f64::from(elapsed_ms.max(profile.window_ms)) / 1e3;
        let packets = f64::from(hot.packets) / window;
        let volume = f64::from(hot.bytes) / window;
        let doubt = if context.armed { 1.0 } else { ONE_WAY };
        let sudden = doubt * f64::from(elapsed_ms.max(UNANSWERED_LEAST_MS)) / 1e3;
        let destination = 1.0 - warm.destination_badness();
        let mut evidence = [0.0; Factor::COUNT];
        let mut set = |factor: Factor, value: f64| evidence[factor.index()] = value;
        let baseline = &profile.baseline;
        let floor = baseline.floor_bytes_per_s;
        let usual = context.usual.map(|usual| usual.bytes_per_s);
        let ordinary = Ordinary::of(f64::from(warm.bytes_mean), usual, floor);
        if warm.samples >= baseline.warm_up {
            let usual = context.usual.map(|usual| usual.packets_per_s);
            set(Factor::Rate, warm.packets.above(packets, usual, baseline.floor_packets_per_s));
            if volume > floor {
                let most = ordinary.to.max(floor);
                set(Factor::Volume, ((volume - most) / most).max(0.0));
            }
        }
        let used = hot.used.get();
        set(Factor::Connections, f64::from(hot.syns) / window);
        set(Factor::Unanswered, f64::from(hot.unanswered) / sudden);
        set(Factor::SynAck, (hot.open.get() - profile.excuse * used).max(0.0));
        for (factor, tally) in hot.tallies() {
            match factor {
                // Every success makes up for a failure: the walk of a scanner goes up, a busy client's does not.
                Some(factor @ (Factor::Destinations | Factor::Ports)) => {
                    set(factor, (tally.get() - used).max(0.0))
                }
                Some(factor) => set(factor, tally.get()),
                None => {}
            }
        }
        set(Factor::Signature, warm.hits.get());
        set(Factor::Destination, warm.destination_badness());
        set(Factor::Criticality, 1.0 - context.criticality);
        set(Factor::Mitigations, f64::from(warm.mitigations));
        set(Factor::Feed, if hot.flags.has(Flags::LISTED) { context.listed } else { 0.0 });
        Self {
            evidence,
            volume,
            volume_baseline: ordinary.nearest(volume),
            destination,
            criticality: context.criticality,
            is_stranger: false,
        }
    }

    /// The same with what the source asked a DNS server for, and where it is at home.
    #[must_use]
    pub fn with(
        mut self,
        requester: &Requester,
        resident: &Resident,
        profile: &Profile,
        elapsed_ms: u32,
    ) -> Self {
        let window = f64::from(elapsed_ms.max(profile.window_ms)) / 1e3;
        for (factor, evidence) in requester.evidence(window).into_iter().chain(resident.evidence()) {
            self.evidence[factor.index()] = evidence;
        }
        self
    }
}
