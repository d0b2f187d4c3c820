//! The self-test: the first packets of a port against the Toeplitz hash in software.
//!
//! Fed at start-up with what the workers received. Always holds: one packet for each owner address, so that a
//! single talkative source cannot decide; and what counts in the end is not what the hash says but where the
//! packet arrived.

use repute_model::toeplitz::{End, Flow, Input, Spread};
use repute_model::{Address, Owners, Source, Width};

use super::{Absence, Fault, Hint, Outcome};

/// Owner addresses that decide. A few would do for the hash, which fits by chance once in 2^32; so many are for
/// the redirection table, to meet every queue of a large box.
const ENOUGH: usize = 64;

/// What a port says of itself, and what it was given.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Receive queues, one per worker.
    pub queues: u16,
    /// What the driver says it hashes; `None`: nothing.
    pub hashes: Option<Input>,
    /// Which address of its packets is the owner's: the source outside, the destination inside, for ingress.
    pub owner: End,
    /// How wide a source is on the owner side.
    pub width: Width,
}

/// Packets, by what was compared.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Packets looked at.
    samples: u32,
    /// Arrived at another worker than the owner.
    elsewhere: u32,
    /// Carried a hash.
    hashed: u32,
    /// Arrived where the table sends their hash.
    redirected: u32,
    /// By [`Input::ALL`]: carried the hash of that.
    over: [u32; Input::ALL.len()],
}

/// The self-test of one port.
#[derive(Debug)]
pub struct SelfTest {
    claim: Claim,
    spread: Spread,
    owners: Owners,
    /// At most [`ENOUGH`].
    seen: Vec<Address>,
    tally: Tally,
}

impl SelfTest {
    /// A test of a port that claims `claim` and was given the key and table of `spread`, in a box whose
    /// sources are dealt by `owners`.
    pub fn new(claim: Claim, spread: Spread, owners: Owners) -> Self {
        Self { claim, spread, owners, seen: Vec::with_capacity(ENOUGH), tally: Tally::default() }
    }

    /// Looks at a packet that arrived in `queue` with this hash. Packets that say nothing new do not count.
    pub fn feed(&mut self, flow: &Flow, queue: u16, hash: Option<u32>) {
        let address = self.claim.owner.of(flow);
        let Some(source) = Source::of(address, self.claim.width) else { return };
        if self.seen.len() == ENOUGH || self.seen.contains(&address) {
            return;
        }
        self.seen.push(address);
        let tally = &mut self.tally;
        tally.samples += 1;
        tally.elsewhere += u32::from(self.owners.owner(source) != queue);
        let Some(hash) = hash else { return };
        tally.hashed += 1;
        tally.redirected += u32::from(self.spread.reta().queue(hash) == queue);
        for (count, input) in tally.over.iter_mut().zip(Input::ALL) {
            *count += u32::from(self.spread.toeplitz().hash(&input.bytes(flow)) == hash);
        }
    }

    /// What has been found; `None` while there were too few sources to tell.
    pub fn outcome(&self) -> Option<Outcome> {
        let Tally { samples, elsewhere, .. } = self.tally;
        let hint = match (self.claim.queues, self.claim.hashes) {
            (0 | 1, _) => Hint::Absent(Absence::OneQueue),
            _ if self.seen.len() < ENOUGH => return None,
            (_, None) => Hint::Absent(Absence::NotOffered),
            (_, Some(_)) => self.compare(),
        };
        Some(Outcome { hint, samples, elsewhere })
    }

    /// What the hashes are, by what nearly all of them are: NICs treat fragments and tunnels in ways of their own.
    fn compare(&self) -> Hint {
        let Tally { samples, elsewhere, hashed, redirected, over } = self.tally;
        let nearly_all = |count: u32| count * 16 >= samples * 15;
        let found = Input::ALL.into_iter().zip(over).find(|(_, count)| nearly_all(*count));
        match found {
            _ if !nearly_all(hashed) => Hint::Absent(Absence::NotFilled),
            _ if nearly_all(samples - elsewhere) => Hint::Right,
            None => Hint::Wrong(Fault::Unknown),
            Some((input, _)) if input != Input::Only(self.claim.owner) => Hint::Wrong(Fault::Over(input)),
            Some(_) if !nearly_all(redirected) => Hint::Wrong(Fault::Table),
            Some(_) => Hint::Wrong(Fault::Owners),
        }
    }
}
