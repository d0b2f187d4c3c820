//! Where a requester is at home, and what is odd about those it shares that with: side state of an entry where queries are
//! judged, beside [`Requester`](crate::Requester).
//!
//! The home is looked up when an entry is given and with every new policy; the engine's stage for DNS writes the rest,
//! scoring reads it. Always holds: eight bytes; where no autonomous system is known nothing is said.

use repute_model::{Factor, Home, Homes};

/// One requester's home.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Resident {
    /// Number of its autonomous system; 0 = not known.
    system: u32,
    /// Class of its country; [`NOWHERE`] = not known.
    country: u8,
    /// How odd the queries of its system are, in 1/255.
    oddity: u8,
    /// How far beyond the usual names are spread that it has asked for, in 1/255; fading.
    spread: u8,
}

/// No country has this class.
const NOWHERE: u8 = u8::MAX;

impl Resident {
    /// Nothing known.
    pub const NEW: Self = Self { system: 0, country: NOWHERE, oddity: 0, spread: 0 };

    /// Takes its home from what has been looked up. What was found of another system does not count for a new one.
    pub fn lives(&mut self, home: Home) {
        let system = home.system.map_or(0, |number| number.get());
        if self.system != system {
            *self = Self::NEW;
        }
        (self.system, self.country) = (system, home.country.unwrap_or(NOWHERE));
    }

    /// The number of its autonomous system, where that is known.
    #[inline(always)]
    pub const fn system(&self) -> Option<u32> {
        if self.system == 0 { None } else { Some(self.system) }
    }

    /// The class of its country as one of 64 bits; none where it is not known.
    pub const fn country(&self) -> u64 {
        if self.country < Homes::COUNTRY_CLASSES { 1 << self.country } else { 0 }
    }

    /// Takes note of how odd the queries of its whole system are, 0..=255.
    pub const fn belongs(&mut self, oddity: u8) {
        self.oddity = oddity;
    }

    /// Takes note of how far beyond the usual a name is spread that it asks for, 0..=255.
    pub fn shares(&mut self, spread: u8) {
        self.spread = self.spread.max(spread);
    }

    /// Whether nothing speaks against it.
    pub const fn is_calm(&self) -> bool {
        self.oddity == 0 && self.spread == 0
    }

    /// The evidence of its factors.
    pub fn evidence(&self) -> [(Factor, f64); 2] {
        let part = |part: u8| f64::from(part) / 255.0;
        [(Factor::System, part(self.oddity)), (Factor::Spread, part(self.spread))]
    }

    /// Keeps only `share` (0..1) of what was found.
    pub fn fade(&mut self, share: f64) {
        for found in [&mut self.oddity, &mut self.spread] {
            *found = (f64::from(*found) * share) as u8;
        }
    }

    /// Forgets what was found, but not where it is at home.
    pub const fn forgive(&mut self) {
        (self.oddity, self.spread) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn home(system: u32, country: Option<u8>) -> Home {
        Home { system: NonZeroU32::new(system), country }
    }

    #[test]
    fn eight_bytes_of_which_a_new_home_keeps_nothing() {
        assert_eq!(size_of::<Resident>(), 8);
        let mut resident = Resident::NEW;
        assert_eq!((resident.system(), resident.country()), (None, 0));
        resident.lives(home(64_500, Some(7)));
        resident.belongs(200);
        resident.shares(90);
        resident.shares(40);
        let told = [(Factor::System, 200.0 / 255.0), (Factor::Spread, 90.0 / 255.0)];
        assert_eq!(resident.evidence(), told);
        resident.lives(home(64_500, None));
        assert_eq!(
            (resident.evidence(), resident.country()),
            (told, 0),
            "another country in the same system"
        );
        resident.lives(home(64_501, Some(63)));
        assert!(resident.is_calm() && resident.country() == 1 << 63);
        resident.lives(home(0, None));
        assert_eq!(resident, Resident::NEW);
    }

    #[test]
    fn what_was_found_fades_and_can_be_forgiven() {
        let mut resident = Resident::NEW;
        resident.lives(home(1, None));
        resident.belongs(255);
        resident.shares(255);
        resident.fade(0.5);
        assert_eq!(resident.evidence().map(|(_, part)| (part * 255.0) as u8), [127, 127]);
        (0..9).for_each(|_| resident.fade(0.5));
        assert!(resident.is_calm());
        resident.belongs(9);
        resident.forgive();
        assert!(resident.is_calm() && resident.system() == Some(1));
    }
}
