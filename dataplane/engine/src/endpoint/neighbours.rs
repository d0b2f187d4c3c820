//! The Ethernet addresses of whoever is on the link of the box's own port towards upstreams: those and gateways.
//!
//! A state machine of the leader's: it says who is to be asked for, and is told what comes. Always holds: only an answer within a
//! second of a question counts; what is known is asked for again, and forgotten if nobody answers.

use arrayvec::ArrayVec;
use repute_model::{Address, Endpoint, Tick};

/// A question is repeated, and its answer believed, after and within so many ms (RFC 4861, 10: RETRANS_TIMER).
const AGAIN_MS: u64 = 1_000;
/// What is known for so long is asked for again (RFC 4861, 10: REACHABLE_TIME).
const STALE_MS: u64 = 30_000;
/// And forgotten, unless somebody answers.
const GONE_MS: u64 = STALE_MS + 4 * AGAIN_MS;

#[derive(Clone, Copy, Debug)]
struct Neighbour {
    address: Address,
    mac: Option<[u8; 6]>,
    asked: Option<Tick>,
    /// When somebody last said that it has the address.
    told: Tick,
    /// Somebody else says so whom nobody has asked.
    is_doubtful: bool,
}

/// Those that frames go to.
#[derive(Debug, Default)]
pub struct Neighbours(ArrayVec<Neighbour, { Endpoint::UPSTREAMS_MAX }>);

impl Neighbours {
    /// Who is of interest from now on. What is known of them stays.
    pub fn adopt(&mut self, hops: impl Iterator<Item = Address>) {
        let before = std::mem::take(&mut self.0);
        for address in hops {
            if self.0.is_full() || self.0.iter().any(|known| known.address == address) {
                continue;
            }
            let known = before.iter().find(|known| known.address == address).copied();
            self.0.push(known.unwrap_or(Neighbour {
                address,
                mac: None,
                asked: None,
                told: Tick(0),
                is_doubtful: false,
            }));
        }
    }

    /// The Ethernet address of one.
    pub fn mac(&self, address: Address) -> Option<[u8; 6]> {
        self.0.iter().find(|known| known.address == address)?.mac
    }

    /// Somebody says that `mac` has `address`; whether that is news that counts.
    pub fn told(&mut self, address: Address, mac: [u8; 6], now: Tick) -> bool {
        let Some(known) = self.0.iter_mut().find(|known| known.address == address) else { return false };
        if known.asked.is_none_or(|asked| now.since(asked) > AGAIN_MS) {
            // Nobody has asked. If there is something in it the next answer will tell.
            known.is_doubtful |= known.mac != Some(mac);
            return false;
        }
        let news = known.mac != Some(mac);
        (known.mac, known.told, known.is_doubtful) = (Some(mac), now, false);
        news
    }

    /// Who is to be asked for now; each of them counts as asked for. Forgets what nobody has confirmed.
    pub fn due(&mut self, now: Tick) -> ArrayVec<Address, { Endpoint::UPSTREAMS_MAX }> {
        let mut due = ArrayVec::new();
        for known in &mut self.0 {
            let age = now.since(known.told);
            if age >= GONE_MS {
                known.mac = None;
            }
            let is_wanted = known.mac.is_none() || age >= STALE_MS || known.is_doubtful;
            if is_wanted && known.asked.is_none_or(|asked| now.since(asked) >= AGAIN_MS) {
                known.asked = Some(now);
                due.push(known.address);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Address = Address::v4(53);

    fn known() -> Neighbours {
        let mut neighbours = Neighbours::default();
        neighbours.adopt([HOST, HOST].into_iter());
        assert_eq!(neighbours.due(Tick(1)).as_slice(), [HOST]);
        assert!(neighbours.told(HOST, [1; 6], Tick(2)));
        neighbours
    }

    #[test]
    fn a_question_is_repeated_until_somebody_answers() {
        let mut neighbours = Neighbours::default();
        neighbours.adopt([HOST].into_iter());
        let asked: Vec<_> = (1..2500).filter(|&now| !neighbours.due(Tick(now)).is_empty()).collect();
        assert_eq!(asked, [1, 1001, 2001]);
        assert!(neighbours.told(HOST, [1; 6], Tick(2600)));
        assert_eq!(neighbours.mac(HOST), Some([1; 6]));
        assert!((2600..2600 + STALE_MS).all(|now| neighbours.due(Tick(now)).is_empty()));
    }

    #[test]
    fn what_nobody_asked_for_is_not_believed_but_looked_into() {
        let mut neighbours = known();
        assert!(!neighbours.told(HOST, [9; 6], Tick(5000)));
        assert_eq!(neighbours.mac(HOST), Some([1; 6]));
        assert_eq!(neighbours.due(Tick(5001)).as_slice(), [HOST], "asked for anew");
        assert!(neighbours.told(HOST, [2; 6], Tick(5002)));
        assert_eq!(neighbours.mac(HOST), Some([2; 6]));
        assert!(!neighbours.told(Address::v4(54), [2; 6], Tick(5002)), "of no interest");
    }

    #[test]
    fn who_does_not_answer_any_more_is_forgotten() {
        let mut neighbours = known();
        let asked = (3..=GONE_MS).filter(|&now| !neighbours.due(Tick(now)).is_empty()).count();
        assert_eq!((asked, neighbours.mac(HOST)), (4, Some([1; 6])));
        neighbours.due(Tick(GONE_MS + 2));
        assert_eq!(neighbours.mac(HOST), None);
    }

    #[test]
    fn what_is_known_stays_with_a_new_list() {
        let mut neighbours = known();
        neighbours.adopt([Address::v4(54), HOST].into_iter());
        assert_eq!((neighbours.mac(HOST), neighbours.mac(Address::v4(54))), (Some([1; 6]), None));
        neighbours.adopt([Address::v4(54)].into_iter());
        assert_eq!(neighbours.mac(HOST), None);
    }
}
