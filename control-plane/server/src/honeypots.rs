//! Names that nobody honest asks for and that come while the box runs: a live feed of honeypots and sinkholes.
//!
//! The API adds and removes them, each for a while; workers get all of them with the names of feeds as one table, by the
//! road of feeds ([`Hub::lay_feeds`]). **Always holds:** a request changes all that it names or nothing; there are at most
//! [`HONEYPOTS_MAX`] names; none of them is everybody's ([`is_everybodys`]).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use repute_feeds::Import;
use repute_model::DomainName;
use repute_reputation::names::is_everybodys;
use repute_store::HONEYPOTS_MAX;
use tokio::sync::watch;

use crate::{Hub, HubError};

/// What the list of them is called where feeds are named; no feed of names is called so.
pub(crate) const LIVE: &str = "live";
/// The longest time that a name counts: 30 days.
pub const HONEYPOT_TTL_MAX: Duration = Duration::from_secs(30 * 86_400);
/// So many bytes of a note are kept.
const NOTE_MAX: usize = 64;
/// Names of a request that are told to be wrong at most.
const TOLD: usize = 8;

/// One name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Honeypot {
    /// The name; a wildcard stands for all below the rest of it.
    pub name: DomainName,
    /// Until when it counts.
    pub until: SystemTime,
    /// Why, as who added it says.
    pub note: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Honeypots {
    names: Mutex<BTreeMap<DomainName, (SystemTime, String)>>,
    changes: watch::Sender<u64>,
}

impl Honeypots {
    /// Takes names, or makes those longer that are there; how many there are now.
    ///
    /// # Errors
    /// [`HubError::HoneypotsFull`]; nothing was changed then.
    pub fn add(&self, new: Vec<Honeypot>, now: SystemTime) -> Result<usize, HubError> {
        let mut names = self.lock();
        names.retain(|_, (until, _)| *until > now);
        let more = new.iter().filter(|one| !names.contains_key(&one.name)).count();
        if names.len() + more > HONEYPOTS_MAX {
            return Err(HubError::HoneypotsFull(HONEYPOTS_MAX));
        }
        for Honeypot { name, until, note } in new {
            let entry = names.entry(name).or_insert_with(|| (until, String::new()));
            *entry = (entry.0.max(until), note);
        }
        Ok(self.changed(&names))
    }

    /// Removes names; how many there are now.
    ///
    /// # Errors
    /// [`HubError::NoHoneypot`]: the first that is not there. Nothing was changed then.
    pub fn remove(&self, gone: &[DomainName]) -> Result<usize, HubError> {
        let mut names = self.lock();
        if let Some(missing) = gone.iter().find(|name| !names.contains_key(*name)) {
            return Err(HubError::NoHoneypot(missing.to_string()));
        }
        gone.iter().for_each(|name| drop(names.remove(name)));
        Ok(self.changed(&names))
    }

    /// Those that count at `now`, by name.
    pub fn all(&self, now: SystemTime) -> Vec<Honeypot> {
        let one = |(name, (until, note)): (&DomainName, &(SystemTime, String))| Honeypot {
            name: name.clone(),
            until: *until,
            note: note.clone(),
        };
        self.lock().iter().map(one).filter(|one| one.until > now).collect()
    }

    /// The same as the import of a feed.
    pub fn import(&self, now: SystemTime) -> Import {
        let all = self.all(now);
        Import::own_names(all.iter().map(|one| (one.name.clone(), one.until, one.note.as_str())))
    }

    /// Tells when something has been added or removed.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self, names: &BTreeMap<DomainName, (SystemTime, String)>) -> usize {
        self.changes.send_modify(|changes| *changes += 1);
        names.len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DomainName, (SystemTime, String)>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// Adds names for `ttl`, all of them or none; workers judge by them soon. How many there are now.
    ///
    /// # Errors
    /// [`HubError::NoDns`]; [`HubError::BadHoneypots`], each with its place; [`HubError::HoneypotsFull`].
    pub async fn add_honeypots(
        &self,
        names: &[String],
        ttl: Duration,
        note: &str,
        now: SystemTime,
    ) -> Result<usize, HubError> {
        self.dns_config().await?;
        let note = bounded(note);
        let until = now + ttl.clamp(Duration::from_secs(1), HONEYPOT_TTL_MAX);
        let one = |name| Honeypot { name, until, note: note.clone() };
        let total = self.inner.honeypots.add(parse(names)?.into_iter().map(one).collect(), now)?;
        self.inner.shelf.touched();
        Ok(total)
    }

    /// Removes names, all of them or none. How many there are now.
    ///
    /// # Errors
    /// [`HubError::NoDns`], [`HubError::BadHoneypots`], [`HubError::NoHoneypot`].
    pub async fn remove_honeypots(&self, names: &[String]) -> Result<usize, HubError> {
        self.dns_config().await?;
        let total = self.inner.honeypots.remove(&parse(names)?)?;
        self.inner.shelf.touched();
        Ok(total)
    }

    /// Those that count now, by name.
    pub fn honeypots(&self, now: SystemTime) -> Vec<Honeypot> {
        self.inner.honeypots.all(now)
    }

    /// Takes back what was kept.
    pub(crate) fn restore_honeypots(&self, kept: Vec<Honeypot>, now: SystemTime) -> Result<usize, HubError> {
        let total = self.inner.honeypots.add(kept, now)?;
        self.inner.shelf.touched();
        Ok(total)
    }
}

/// The names, or what is wrong with the first few of those that cannot be any.
fn parse(texts: &[String]) -> Result<Vec<DomainName>, HubError> {
    let (mut names, mut wrong, mut more) = (Vec::new(), Vec::new(), 0);
    for (place, text) in (1..).zip(texts) {
        match name(text) {
            Ok(name) => names.push(name),
            Err(what) if wrong.len() < TOLD => wrong.push(format!("name {place}: {what}")),
            Err(_) => more += 1,
        }
    }
    if more > 0 {
        wrong.push(format!("and {more} more"));
    }
    if names.is_empty() && wrong.is_empty() {
        wrong.push("no name is given".to_owned());
    }
    if wrong.is_empty() { Ok(names) } else { Err(HubError::BadHoneypots(wrong.join("; "))) }
}

fn name(text: &str) -> Result<DomainName, String> {
    let name: DomainName = text
        .trim()
        .parse()
        .map_err(|error: repute_model::DomainNameError| error.to_string().escape_debug().to_string())?;
    if is_everybodys(&name) {
        return Err(format!(
            "`{name}` is a public suffix, all below one, or a machine's own name: honest people ask for it"
        ));
    }
    Ok(name)
}

fn bounded(note: &str) -> String {
    let clean: String = note.trim().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    clean[..clean.floor_char_boundary(NOTE_MAX)].to_owned()
}

#[cfg(test)]
mod tests {
    use repute_feeds::Until;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    fn honeypot(name: &str, until: u64) -> Honeypot {
        Honeypot { name: name.parse().unwrap(), until: at(until), note: format!("until {until}") }
    }

    #[test]
    fn names_count_for_a_while() {
        let names = Honeypots::default();
        assert_eq!(
            names.add(vec![honeypot("a.example.org", 60), honeypot("*.b.example.org", 90)], at(0)).unwrap(),
            2
        );
        names.add(vec![honeypot("a.example.org", 30)], at(0)).unwrap();
        assert_eq!(names.all(at(0))[0].until.max(names.all(at(0))[1].until), at(90));
        let ends = |now| names.import(at(now)).next_end(at(now)).map(Until::time);
        assert_eq!(ends(0), Some(at(60)), "a later request makes nothing shorter");
        let listed =
            |now| names.import(at(now)).names().iter().map(|one| one.name.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(59), ["*.b.example.org", "a.example.org"]);
        assert_eq!(listed(60), ["*.b.example.org"]);
        assert_eq!((ends(60), ends(90)), (Some(at(90)), None));
        names.add(vec![honeypot("c.example.org", 200)], at(100)).unwrap();
        assert_eq!(names.all(at(0)).len(), 1, "what is over makes room");
    }

    #[test]
    fn all_or_nothing() {
        let names = Honeypots::default();
        names.add(vec![honeypot("a.example.org", 60)], at(0)).unwrap();
        let gone = |list: &[&str]| list.iter().map(|name| name.parse().unwrap()).collect::<Vec<DomainName>>();
        let error = names.remove(&gone(&["a.example.org", "b.example.org"])).unwrap_err();
        assert!(error.to_string().contains("b.example.org") && names.all(at(0)).len() == 1, "{error}");
        assert_eq!(names.remove(&gone(&["a.example.org"])).unwrap(), 0);
        let many = |n: usize| (0..n).map(|n| honeypot(&format!("n{n}.example.org"), 60)).collect::<Vec<_>>();
        names.add(many(HONEYPOTS_MAX), at(0)).unwrap();
        names.add(many(9), at(0)).unwrap();
        let full = names.add(vec![honeypot("more.example.org", 60)], at(0)).unwrap_err();
        assert!(matches!(full, HubError::HoneypotsFull(_)) && names.all(at(0)).len() == HONEYPOTS_MAX);
    }

    #[test]
    fn bad_names_are_told_by_their_places_and_no_suffix_is_taken() {
        let texts = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let good = ["trap.example", "*.trap.example", "co.example.uk", "shop.co.uk", "*.shop.co.uk", "A.b."];
        assert_eq!(parse(&texts(&good)).unwrap().len(), good.len());
        for bad in ["", ".", "*", "com", "*.com", "co.uk", "*.co.uk", "a..b", "b\u{e4}d.example"] {
            let told = parse(&texts(&["fine.example.org", bad])).unwrap_err().to_string();
            assert!(told.contains("name 2: "), "{bad}: {told}");
        }
        let told = parse(&texts(&["com"; 20])).unwrap_err().to_string();
        assert!(
            told.contains("name 8: ") && !told.contains("name 9: ") && told.contains("and 12 more"),
            "{told}"
        );
        assert!(parse(&[]).is_err());
        assert_eq!(bounded(&format!(" a\nb{}", "\u{e4}".repeat(99))).len(), 63);
    }
}
