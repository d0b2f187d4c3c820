//! The list `alerts`: what rules of `[alerts]` have asked for, each with its end.
//!
//! The shelf owns it and joins it with the feeds. **Always holds:** there are at most [`ENTRIES_MAX`] entries; one more
//! is refused once those that have ended are gone. Of several about one prefix the heaviest counts while it lasts.

use std::collections::BTreeMap;
use std::time::SystemTime;

use repute_feeds::{FeedConfig, Import, Origin};
use repute_model::{Listing, Prefix};
use repute_policy::Checked;
use repute_policy::config::Treat;

use crate::HubError;

/// What explanations, events and the command line call it.
pub(crate) const ALERTS: &str = "alerts";
/// Entries at most.
const ENTRIES_MAX: usize = 65_536;

/// One treatment that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    pub prefix: Prefix,
    pub treat: Treat,
    pub until: SystemTime,
    /// By which rule, for which alert.
    pub note: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct AlertList {
    /// By prefix, the lighter first, so that the heavier counts.
    entries: BTreeMap<(Prefix, Treat), (SystemTime, String)>,
    /// What an entry has to say for each treatment under the config in force.
    comes_to: BTreeMap<Treat, Listing>,
}

impl AlertList {
    /// Entries say what this config makes of them; whether that changes what is listed.
    pub fn follow(&mut self, checked: &Checked) -> bool {
        let comes_to = Treat::ALL.iter().filter_map(|treat| Some((*treat, checked.entry(*treat)?))).collect();
        let changed = self.comes_to != comes_to && !self.entries.is_empty();
        self.comes_to = comes_to;
        changed
    }

    /// Takes an entry, or makes one longer that is there.
    ///
    /// # Errors
    /// [`HubError::AlertsFull`].
    pub fn add(&mut self, asked: Asked, now: SystemTime) -> Result<(), HubError> {
        let Asked { prefix, treat, until, note } = asked;
        let key = (prefix, treat);
        if self.entries.len() >= ENTRIES_MAX && !self.entries.contains_key(&key) {
            self.entries.retain(|_, (until, _)| *until > now);
            if self.entries.len() >= ENTRIES_MAX {
                return Err(HubError::AlertsFull(ENTRIES_MAX));
            }
        }
        let entry = self.entries.entry(key).or_insert_with(|| (until, String::new()));
        *entry = (entry.0.max(until), note);
        Ok(())
    }

    /// Ends what limits exactly this prefix; whether something did.
    pub fn lift(&mut self, prefix: Prefix) -> bool {
        let limits = [Treat::Limit, Treat::Drop];
        limits.map(|treat| self.entries.remove(&(prefix, treat)).is_some()).contains(&true)
    }

    /// What has not ended at `now`, to be joined with feeds; without what the config in force cannot give.
    pub fn import(&mut self, now: SystemTime) -> Import {
        self.entries.retain(|_, (until, _)| *until > now);
        let comes_to = &self.comes_to;
        let says = self.entries.iter().filter_map(|((prefix, treat), (until, note))| {
            Some((*prefix, *comes_to.get(treat)?, *until, note.as_str()))
        });
        Import::own(says)
    }

    /// Everything, to be kept.
    pub fn all(&self) -> Vec<Asked> {
        let one = |((prefix, treat), (until, note)): (&(Prefix, Treat), &(SystemTime, String))| Asked {
            prefix: *prefix,
            treat: *treat,
            until: *until,
            note: note.clone(),
        };
        self.entries.iter().map(one).collect()
    }
}

/// How it is shown: nobody asks for it and nobody brings it.
pub(super) fn shown_as() -> FeedConfig {
    FeedConfig::new(ALERTS, Origin::Pushed)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use repute_policy::Config;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    fn list(config: &str) -> AlertList {
        let mut list = AlertList::default();
        assert!(!list.follow(&Config::parse("test", config).unwrap()), "nothing is listed");
        list
    }

    fn asked(prefix: &str, treat: Treat, until: u64) -> Asked {
        Asked { prefix: prefix.parse().unwrap(), treat, until: at(until), note: format!("{treat} {until}") }
    }

    fn says(list: &mut AlertList, now: u64) -> Vec<(String, Listing, u64)> {
        let import = list.import(at(now));
        let one = |entry: &repute_feeds::Entry| {
            let until = entry.until.unwrap().time().duration_since(at(0)).unwrap();
            (entry.prefix.to_string(), entry.says, until.as_secs())
        };
        import.entries().iter().map(one).collect()
    }

    #[test]
    fn the_heavier_counts_while_it_lasts() {
        let mut list = list("[profiles.ingress]\n");
        let host = "192.0.2.7/32";
        list.add(asked(host, Treat::Drop, 60), at(0)).unwrap();
        list.add(asked(host, Treat::Limit, 120), at(0)).unwrap();
        assert_eq!(says(&mut list, 0), [(host.to_owned(), Listing::Deny(100), 60)]);
        list.add(asked(host, Treat::Drop, 30), at(0)).unwrap();
        assert_eq!(says(&mut list, 30)[0].2, 60, "a later alert makes nothing shorter");
        let [(_, Listing::Deny(percent), 120)] = says(&mut list, 60)[..] else { panic!("{list:?}") };
        assert!((1..100).contains(&percent), "{percent}");
        list.add(asked(host, Treat::Allow, 90), at(60)).unwrap();
        assert_eq!(says(&mut list, 60)[0].1, Listing::Allow);
        assert!(list.lift(host.parse().unwrap()) && !list.lift(host.parse().unwrap()));
        assert_eq!(list.all(), [asked(host, Treat::Allow, 90)]);
        assert!(says(&mut list, 90).is_empty() && list.all().is_empty());
    }

    #[test]
    fn the_config_in_force_says_what_comes_of_it() {
        let mut list = list("[profiles.ingress]\n");
        list.add(asked("192.0.2.0/24", Treat::Limit, 60), at(0)).unwrap();
        let none = "[profiles.ingress.treatments]\nneutral = \"pass\"\npoor = \"log\"\n";
        assert!(list.follow(&Config::parse("test", none).unwrap()));
        assert!(says(&mut list, 0).is_empty(), "nothing limits here");
        assert!(list.follow(&Config::parse("test", "[profiles.ingress]\n").unwrap()));
        assert_eq!(says(&mut list, 0).len(), 1);
    }

    #[test]
    fn a_full_list_refuses_until_something_ends() {
        let mut list = list("[profiles.ingress]\n");
        let host = |n: usize| Prefix::containing(repute_model::Address::v4(0x0a00_0000 + n as u32), 128);
        let asked = |n, until| Asked { prefix: host(n), ..asked("10.0.0.0/8", Treat::Drop, until) };
        for n in 0..ENTRIES_MAX {
            list.add(asked(n, 60 + n as u64), at(0)).unwrap();
        }
        assert!(matches!(list.add(asked(ENTRIES_MAX, 60), at(0)), Err(HubError::AlertsFull(_))));
        list.add(asked(7, 600), at(0)).unwrap();
        list.add(asked(ENTRIES_MAX, 600), at(60)).unwrap();
    }
}
