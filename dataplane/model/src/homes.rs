//! Where addresses are at home: the autonomous system that announces them, and their country.
//!
//! Made by the control plane of the databases of `[geo]`, part of a policy that judges queries. A worker looks up a source
//! when it gets its entry, and again under every new policy. Always holds: workers share the tables; a country is one of
//! [`COUNTRY_CLASSES`](Homes::COUNTRY_CLASSES) classes, enough to count by, so that nothing here names anybody.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::{Address, Prefix, PrefixTable};

/// In which autonomous system and which country addresses are.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Homes {
    systems: Arc<PrefixTable<NonZeroU32>>,
    countries: Arc<PrefixTable<u8>>,
}

/// Where one address is at home.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Home {
    /// The number of its autonomous system (RFC 6793); `None` = not known.
    pub system: Option<NonZeroU32>,
    /// The class of its country, below [`Homes::COUNTRY_CLASSES`]; `None` = not known.
    pub country: Option<u8>,
}

impl Homes {
    /// So many classes countries have: each class has about four of them.
    pub const COUNTRY_CLASSES: u8 = 64;

    /// Builds the tables; of two equal prefixes the later one counts. Countries are their codes (ISO 3166-1 alpha-2).
    pub fn new(
        systems: impl IntoIterator<Item = (Prefix, NonZeroU32)>,
        countries: impl IntoIterator<Item = (Prefix, [u8; 2])>,
    ) -> Self {
        let countries = countries.into_iter().map(|(prefix, code)| (prefix, class(code)));
        Self {
            systems: Arc::new(PrefixTable::new(systems)),
            countries: Arc::new(PrefixTable::new(countries)),
        }
    }

    /// Where an address is at home. Of one without a system nothing is said of its country either.
    pub fn of(&self, address: Address) -> Home {
        let Some(system) = self.systems.get(address) else { return Home::default() };
        Home { system: Some(system), country: self.countries.get(address) }
    }

    /// Whether no system is known.
    pub fn is_empty(&self) -> bool {
        self.systems.is_empty()
    }

    /// What the tables occupy, in bytes, however many workers share them.
    pub fn bytes(&self) -> usize {
        self.systems.bytes() + self.countries.bytes()
    }
}

/// The class of a country: neighbours in the alphabet are in different ones.
fn class([first, second]: [u8; 2]) -> u8 {
    let letter = |byte: u8| byte.wrapping_sub(b'A') % 26;
    (letter(first) as u16 * 11 + letter(second) as u16) as u8 % Homes::COUNTRY_CLASSES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Address {
        text.parse::<std::net::IpAddr>().unwrap().into()
    }

    #[test]
    fn an_address_is_at_home_in_a_system_and_a_country() {
        let prefix = |text: &str| -> Prefix { text.parse().unwrap() };
        let number = |number| NonZeroU32::new(number).unwrap();
        let homes = Homes::new(
            [(prefix("198.51.100.0/24"), number(64_500)), (prefix("2001:db8::/32"), number(64_501))],
            [(prefix("198.51.100.0/25"), *b"DE"), (prefix("192.0.2.0/24"), *b"FR")],
        );
        let told = |text: &str| homes.of(at(text));
        assert_eq!(told("198.51.100.9").system, Some(number(64_500)));
        assert_eq!(told("198.51.100.9").country, Some(class(*b"DE")));
        assert_eq!(told("198.51.100.200"), Home { system: Some(number(64_500)), country: None });
        assert_eq!(told("2001:db8::1").system, Some(number(64_501)));
        assert_eq!(told("192.0.2.1"), Home::default(), "of a country alone nothing is said");
        assert!(Homes::default().is_empty() && !homes.is_empty() && homes.bytes() > 0);
        assert!(Homes::default() == Homes::new([], []));
    }

    #[test]
    fn countries_are_spread_over_all_classes() {
        let mut seen = [0; Homes::COUNTRY_CLASSES as usize];
        for first in b'A'..=b'Z' {
            (b'A'..=b'Z').for_each(|second| seen[usize::from(class([first, second]))] += 1);
        }
        assert!(seen.iter().all(|&count| (8..=14).contains(&count)), "{seen:?}");
    }
}
