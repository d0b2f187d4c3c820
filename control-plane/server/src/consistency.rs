//! `[geo.consistency]`: what it costs a source that somebody shows up at it from an unlikely place.
//!
//! The daemon calls [`Hub::sighted`] for every alert; the model is `repute_feeds::geo::Consistency`. What it takes is a
//! nudge, named [`NUDGE`] in `explain`. **Always holds:** from one source no more than `size` is taken within `lifetime`,
//! however many sightings come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use repute_feeds::geo::{Consistency, Settings, Subject, Where};
use repute_model::{Address, Source};
use repute_policy::{Checked, config};

use crate::fading::Fading;
use crate::{Hub, HubError};

/// What `explain` calls it.
pub const NUDGE: &str = "geo-consistency";
/// Less than this is how people travel, and costs nothing; from here the cost rises to all of `weight`.
const ODD: f64 = 0.5;

/// Somebody was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sighting<'a> {
    /// The account, token or SPIFFE ID; empty = not known: then the service counts that was asked.
    pub identity: &'a str,
    /// Where he came from.
    pub from: Address,
    /// Whom he asked.
    pub asked: Address,
}

/// What a sighting has cost.
#[derive(Clone, PartialEq, Debug)]
pub struct Cost {
    /// Whom.
    pub source: Source,
    /// Points of 1/10 000, below 0.
    pub points: i16,
}

/// What was taken from one source.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Taking {
    /// Points of 1/10 000.
    pub points: u16,
    /// The last reason.
    pub why: String,
    /// How unlikely the place was, 0..=1.
    pub value: f64,
    /// Until when it counts.
    pub until: SystemTime,
}

/// Takes as much of `points` as the bound leaves; how much that was.
fn take(
    takings: &mut Fading<Taking>,
    source: Source,
    points: u16,
    size: u16,
    next: Taking,
    now: SystemTime,
) -> u16 {
    let (before, until) = takings.of(source, now).map_or((0, next.until), |(until, old)| (old.points, until));
    let granted = points.min(size.saturating_sub(before));
    if granted > 0 {
        takings.put(source, until, Taking { points: before + granted, until, ..next }, now);
    }
    granted
}

/// The model and what it took.
#[derive(Debug)]
pub(crate) struct Oddities(Mutex<(Consistency, Fading<Taking>)>);

impl Default for Oddities {
    fn default() -> Self {
        Self(Mutex::new((Consistency::new(Settings::default()), Fading::default())))
    }
}

impl Oddities {
    fn lock(&self) -> MutexGuard<'_, (Consistency, Fading<Taking>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was taken from a source and still counts.
    pub fn of(&self, source: Source, now: SystemTime) -> Option<Taking> {
        self.lock().1.of(source, now).map(|(_, taking)| taking.clone())
    }

    /// How many parties are known, and from how many sources something was taken.
    pub fn counts(&self) -> [usize; 2] {
        let held = self.lock();
        [held.0.len(), held.1.len()]
    }

    /// How unlikely it is that the party is there; `None` = as far as is known it may well be.
    fn see(&self, who: Subject, key: &str, place: &Where, now: SystemTime) -> Option<f64> {
        let value = self.lock().0.observe(who, key, place.country, place.asn, now)?;
        (value > ODD).then_some(value)
    }
}

impl Hub {
    /// Takes note of a sighting, and lowers the score of its source where the place is unlikely. `None` where that costs
    /// nothing: too early to say, nothing known of the place, all taken already, nobody looked at.
    ///
    /// # Errors
    /// As [`Hub::nudge`].
    pub async fn sighted(&self, seen: &Sighting<'_>, now: SystemTime) -> Result<Option<Cost>, HubError> {
        let checked = self.config().await?;
        let rules = checked.config().geo.consistency;
        if rules.weight.get() == 0.0 || checked.config().profiles.judges_inside() {
            return Ok(None);
        }
        let Some((who, key)) = party(&checked, seen) else { return Ok(None) };
        let source = self.locate(Source::from_parts(seen.from, 128)).await?;
        let place = self.inner.geo.find(source);
        let Some(value) = self.inner.oddities.see(who, &key, &place, now) else { return Ok(None) };
        let (wanted, size) = points(&rules, value);
        let until = now + Duration::from_millis(rules.lifetime.get());
        let taking = Taking { points: 0, why: why(who, &key, &place), value, until };
        let granted = take(&mut self.inner.oddities.lock().1, source, wanted, size, taking, now);
        let points = -(granted as i16);
        if points != 0 {
            self.nudge(source, points, false).await?;
        }
        Ok((points != 0).then_some(Cost { source, points }))
    }
}

/// What the model knows the party by.
fn party(checked: &Arc<Checked>, seen: &Sighting<'_>) -> Option<(Subject, String)> {
    if !seen.identity.is_empty() {
        return Some((Subject::Identity, seen.identity.to_owned()));
    }
    let asked = |service: &config::Service| service.prefixes.iter().any(|cidr| cidr.0.contains(seen.asked));
    let found = checked.config().services.iter().find(|(_, service)| asked(service));
    found.map(|(name, _)| (Subject::Service, name.to_owned()))
}

/// Points that a value costs, and how many may be taken in all.
fn points(rules: &config::Consistency, value: f64) -> (u16, u16) {
    let scale = |share: f64| (share * 10_000.0).round() as u16;
    let share = ((value - ODD) / (1.0 - ODD)).clamp(0.0, 1.0) * rules.weight.get();
    (scale(share), scale(rules.size.get()))
}

fn why(who: Subject, key: &str, place: &Where) -> String {
    let country = place.country.map_or("an unknown country".to_owned(), |country| country.to_string());
    let network = place.asn.map(|asn| format!(" (AS{asn})")).unwrap_or_default();
    match who {
        Subject::Identity => format!("{key} was seen from {country}{network}"),
        Subject::Service => format!("service {key} was asked from {country}{network}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn taking(until: u64) -> Taking {
        Taking { points: 0, why: "w".to_owned(), value: 1.0, until: at(until) }
    }

    fn source(n: u32) -> Source {
        Source::from_parts(Address::v4(n), 128)
    }

    #[test]
    fn no_more_is_taken_than_the_bound_until_its_time_is_over() {
        let mut takings = Fading::default();
        let mut take =
            |points, now: u64| take(&mut takings, source(1), points, 5000, taking(now + 100), at(now));
        assert_eq!([take(3000, 0), take(3000, 50), take(3000, 99)], [3000, 2000, 0]);
        assert_eq!(take(3000, 100), 3000);
        assert_eq!(takings.of(source(1), at(199)).map(|(_, taking)| taking.points), Some(3000));
        assert_eq!(takings.of(source(1), at(200)), None);
    }

    #[test]
    fn a_likely_place_costs_nothing_and_an_impossible_one_all() {
        let rules = config::Consistency::default();
        assert_eq!(points(&rules, ODD), (0, 5000));
        assert_eq!(points(&rules, 0.75).0, 1500);
        assert_eq!(points(&rules, 1.0).0, 3000);
    }
}
