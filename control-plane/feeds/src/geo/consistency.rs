//! Geolocation consistency: whether somebody shows up where one would expect him.
//!
//! A pure model. The control plane calls [`Consistency::observe`] for events that name an identity (an account, a
//! token, a SPIFFE id) and, where there is none, for the service that was asked; the value is the evidence of the
//! factor `geo`.
//!
//! * *An identity* is one party: a country seldom seen for it, an AS seldom seen, another country sooner than one can
//!   travel, and many countries at once speak against it; each is a value of 0..=1, and they are joined as independent
//!   reasons are: `1 − Π (1 − value)`.
//! * *A service* has many clients: only a country that is rare for it speaks against them, and the less, the more
//!   countries its clients come from anyway.
//!
//! Nothing is judged before `warm_up` observations. **When the table is full** the identity that was not seen for the
//! longest time goes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::places::{Country, Tally};

/// Whom a key names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// One party.
    Identity,
    /// The clients of a service.
    Service,
}

/// How the model judges.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settings {
    /// Subjects at most; about 400 bytes each.
    pub subjects: usize,
    /// Observations before anything is judged.
    pub warm_up: u32,
    /// When what was seen counts half.
    pub half_life: Duration,
    /// Another country within this time cannot be reached by travel; up to ten times as long it speaks less and less
    /// against the identity.
    pub travel: Duration,
    /// From so many countries in effect on (the exponential of their entropy) an identity is in too many.
    pub many: f64,
    /// How much an AS counts that was never seen before, 0..=1; people change networks more often than countries.
    pub network: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            subjects: 65_536,
            warm_up: 10,
            half_life: Duration::from_secs(14 * 86_400),
            travel: Duration::from_secs(3600),
            many: 5.0,
            network: 0.2,
        }
    }
}

/// The longest key that is kept; longer ones are told apart by their first bytes only.
const KEY_MAX: usize = 256;

#[derive(Debug)]
struct Seen {
    countries: Tally<Country>,
    networks: Tally<u32>,
    last: Option<(Country, SystemTime)>,
    count: u32,
    at: SystemTime,
}

type Key = (Subject, Arc<str>);

/// Where everybody was seen.
#[derive(Debug)]
pub struct Consistency {
    settings: Settings,
    seen: HashMap<Key, Seen>,
    /// The same keys by when they were seen last.
    order: BTreeSet<(SystemTime, Key)>,
}

impl Consistency {
    /// Nobody was seen yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, seen: HashMap::new(), order: BTreeSet::new() }
    }

    /// Notes that `key` was seen, and says how inconsistent that is with before: 0 = as ever, 1 = impossible. `None`
    /// while it is too early to say, or where nothing is known about the place.
    pub fn observe(
        &mut self,
        subject: Subject,
        key: &str,
        country: Option<Country>,
        asn: Option<u32>,
        now: SystemTime,
    ) -> Option<f64> {
        if self.settings.subjects == 0 || (country.is_none() && asn.is_none()) {
            return None;
        }
        let key = (subject, cut(key));
        let mut seen = self.take(&key, now);
        seen.countries.fade(now, self.settings.half_life);
        seen.networks.fade(now, self.settings.half_life);
        let value = match subject {
            Subject::Identity => self.of_identity(&seen, country, asn, now),
            Subject::Service => country.map(|country| of_service(&seen, country)),
        };
        let value = value.filter(|_| seen.count >= self.settings.warm_up);
        seen.note(country, asn, now);
        self.order.insert((seen.at, key.clone()));
        self.seen.insert(key, seen);
        value
    }

    /// How many subjects are known.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Takes out what is known about `key`, or makes room for it.
    fn take(&mut self, key: &Key, now: SystemTime) -> Seen {
        if let Some(seen) = self.seen.remove(key) {
            self.order.remove(&(seen.at, key.clone()));
            return seen;
        }
        if self.seen.len() >= self.settings.subjects
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.seen.remove(&oldest);
        }
        let (countries, networks) = (Tally::new(now), Tally::new(now));
        Seen { countries, networks, last: None, count: 0, at: now }
    }

    fn of_identity(
        &self,
        seen: &Seen,
        country: Option<Country>,
        asn: Option<u32>,
        now: SystemTime,
    ) -> Option<f64> {
        let rare = country.map_or(0.0, |country| 1.0 - seen.countries.share(country));
        let network = asn.map_or(0.0, |asn| (1.0 - seen.networks.share(asn)) * self.settings.network);
        let many = ((seen.countries.spread() - 1.0) / (self.settings.many - 1.0).max(0.1)).clamp(0.0, 1.0);
        let switch = country.map_or(0.0, |country| self.switch(seen, country, now));
        // Where somebody is half of the time is nothing rare.
        let rare = (2.0 * rare - 1.0).max(0.0) * 0.5;
        Some(1.0 - [rare, network, many, switch].iter().map(|value| 1.0 - value).product::<f64>())
    }

    /// 1 where the last country was another one less than a journey ago, falling to 0 at ten journeys.
    fn switch(&self, seen: &Seen, country: Country, now: SystemTime) -> f64 {
        let Some((_, at)) = seen.last.filter(|(last, _)| *last != country) else { return 0.0 };
        let journeys = now.duration_since(at).unwrap_or_default().as_secs_f64()
            / self.settings.travel.as_secs_f64().max(1.0);
        ((10.0 - journeys) / 9.0).clamp(0.0, 1.0)
    }
}

/// How rare a country is among the clients of a service that come from few countries.
fn of_service(seen: &Seen, country: Country) -> f64 {
    let concentrated = 1.0 / seen.countries.spread().max(1.0);
    (1.0 - seen.countries.share(country)) * concentrated
}

impl Seen {
    fn note(&mut self, country: Option<Country>, asn: Option<u32>, now: SystemTime) {
        if let Some(country) = country {
            self.countries.add(country);
            self.last = Some((country, now));
        }
        if let Some(asn) = asn {
            self.networks.add(asn);
        }
        self.count = self.count.saturating_add(1);
        self.at = self.at.max(now);
    }
}

fn cut(key: &str) -> Arc<str> {
    let mut end = key.len().min(KEY_MAX);
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    key[..end].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn model(subjects: usize) -> Consistency {
        Consistency::new(Settings { subjects, ..Settings::default() })
    }

    fn country(code: &str) -> Option<Country> {
        Country::new(code)
    }

    fn at(hours: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + HOUR * hours
    }

    #[test]
    fn nothing_is_judged_before_the_warm_up() {
        let mut model = model(9);
        for hour in 0..10 {
            let code = if hour % 2 == 0 { "DE" } else { "JP" };
            assert_eq!(model.observe(Subject::Identity, "a", country(code), None, at(hour)), None);
        }
        assert!(model.observe(Subject::Identity, "a", country("DE"), None, at(10)).is_some());
        assert_eq!(model.observe(Subject::Identity, "a", None, None, at(11)), None);
    }

    #[test]
    fn an_impossible_switch_is_worse_than_a_journey_and_home_is_fine() {
        let mut model = model(9);
        let mut see = |code, hour| model.observe(Subject::Identity, "a", country(code), Some(1), at(hour));
        (0..30).for_each(|day| {
            see("DE", 24 * day);
        });
        let home = see("DE", 24 * 30).unwrap();
        let journey = see("JP", 24 * 31).unwrap();
        see("DE", 24 * 32);
        let impossible = see("JP", 24 * 32).unwrap();
        assert!(home < 0.01, "{home}");
        assert!(journey > home && journey < 0.6, "{journey}");
        assert!(impossible > 0.99, "{impossible}");
    }

    #[test]
    fn many_countries_speak_against_an_identity_and_not_against_a_service() {
        let mut model = model(9);
        let codes = ["DE", "JP", "BR", "ZA", "US", "IN"];
        let (mut identity, mut service) = (None, None);
        for n in 0..60_u32 {
            let code = country(codes[n as usize % codes.len()]);
            identity = model.observe(Subject::Identity, "a", code, None, at(100 * n));
            service = model.observe(Subject::Service, "a", code, None, at(100 * n));
        }
        assert!(identity.unwrap() > 0.9, "{identity:?}");
        assert!(service.unwrap() < 0.2, "{service:?}");
    }

    #[test]
    fn a_service_of_one_country_finds_another_one_odd() {
        let mut model = model(9);
        for n in 0..50 {
            model.observe(Subject::Service, "web", country("DE"), None, at(n));
        }
        assert!(model.observe(Subject::Service, "web", country("DE"), None, at(50)).unwrap() < 0.01);
        assert!(model.observe(Subject::Service, "web", country("ZZ"), None, at(50)).unwrap() > 0.95);
    }

    #[test]
    fn the_table_is_bounded_and_forgets_who_was_not_seen() {
        let mut model = model(2);
        for (key, hour) in [("a", 0), ("b", 1), ("a", 2), ("c", 3)] {
            model.observe(Subject::Identity, key, country("DE"), None, at(hour));
        }
        assert_eq!((model.len(), model.order.len()), (2, 2));
        assert!(!model.seen.contains_key(&(Subject::Identity, "b".into())));
        assert_eq!(cut(&"é".repeat(200)).len(), 256);
    }
}
