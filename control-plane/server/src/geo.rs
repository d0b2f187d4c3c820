//! `[geo]`: where addresses are, for people who ask, what `[lists]` selects by that, and where the requesters of a DNS server
//! are at home.
//!
//! A selection becomes prefixes when the files are opened, and goes to the workers as a feed does: a new file is a new
//! edition. **Always holds:** a file that cannot be used, or from which too much is selected, leaves what was there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use repute_feeds::geo::{Atlas, Country, GeoError, Pick, Selection, Where};
use repute_feeds::{Action, Import, Limits, Terms};
use repute_model::{Homes, Source};
use repute_policy::Checked;
use repute_policy::config::{Lists, PLACES};

use crate::apply::blocking;
use crate::hub::Inner;
use crate::source::width;
use crate::{Hub, HubError};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Prefixes of a selection at most: all of the internet by country takes about half of it.
const SELECTED_MAX: usize = 1 << 20;

/// What `[lists]` selects with one effect.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    /// What the feed of it is called.
    pub name: &'static str,
    pub action: Action,
    /// The first file that was asked.
    pub file: PathBuf,
    pub import: Arc<Import>,
    /// When that was.
    pub at: SystemTime,
}

/// The files of a config at one moment, and what it selects from them.
#[derive(Debug, Default)]
pub struct Places {
    pub(crate) atlas: Arc<Atlas>,
    pub(crate) selected: Vec<Selected>,
    /// Where sources are at home, for policies that judge queries.
    pub(crate) homes: Homes,
}

/// Opens and checks the files that a config names, and makes its selections. May take a while: not on the thread that
/// serves everybody.
///
/// # Errors
/// The first file that cannot be used, and why; a selection that is too large.
pub fn open(checked: &Checked) -> Result<Places, GeoError> {
    let files: Vec<&Path> = checked.config().geo.files().collect();
    let (atlas, now) = (Arc::new(Atlas::open(&files)?), SystemTime::now());
    let mut selected = Vec::new();
    for ((name, action), selection) in
        PLACES.into_iter().zip([Action::Allow, Action::Deny]).zip(selections(&checked.config().lists))
    {
        let Some(file) = files.first().filter(|_| !selection.0.is_empty()) else { continue };
        let limits =
            Limits { entries: SELECTED_MAX, width: width(checked, &checked.limits()), ..Limits::default() };
        let terms = Terms { action, limits, ..Terms::new(name, now) };
        let import = Arc::new(atlas.select(&selection, &terms)?);
        if import.entries().is_empty() {
            tracing::warn!("{name}: the databases of [geo] know no address of what [lists] selects");
        }
        selected.push(Selected { name, action, file: file.to_path_buf(), import, at: now });
    }
    let homes = if checked.home_files().is_empty() { Homes::default() } else { atlas.homes()? };
    Ok(Places { atlas, selected, homes })
}

/// To allow, to deny.
fn selections(lists: &Lists) -> [Selection; 2] {
    let country = |code: &dyn std::fmt::Display| Country::new(&code.to_string()).map(Pick::Country);
    let network = |asn: u64| Pick::Network(asn as u32);
    let allow: BTreeMap<Pick, u8> = (lists.allow_countries.iter().filter_map(|code| country(code)))
        .chain(lists.allow_asns.iter().map(|asn| network(asn.get())))
        .map(|pick| (pick, 100))
        .collect();
    let sure = |pick: Pick, confidence: u64| (pick, confidence as u8);
    let countries = lists
        .deny_countries
        .iter()
        .filter_map(|deny| Some(sure(country(&deny.country)?, deny.confidence.get())));
    let asns = lists.deny_asns.iter().map(|deny| sure(network(deny.asn.get()), deny.confidence.get()));
    [Selection(allow), Selection(countries.chain(asns).collect())]
}

/// The files in force.
#[derive(Debug, Default)]
pub(crate) struct Geography(RwLock<(Arc<Atlas>, Homes)>);

impl Geography {
    /// Whether sources are at home elsewhere now.
    fn replace(&self, atlas: Arc<Atlas>, homes: Homes) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let moved = known.1 != homes;
        *known = (atlas, homes);
        moved
    }

    fn atlas(&self) -> Arc<Atlas> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Where sources are at home.
    pub fn homes(&self) -> Homes {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Kind and build time (seconds since 1970) of every database.
    pub fn kinds(&self) -> Vec<(String, u64)> {
        self.atlas().kinds()
    }

    /// What is known about where a source is: its first address counts.
    pub fn find(&self, source: Source) -> Where {
        self.atlas().find(source.first().to_ip())
    }
}

impl Hub {
    /// What is asked, and what is selected, from now on.
    pub(crate) fn take_places(&self, places: Places) {
        let moved = self.inner.geo.replace(places.atlas, places.homes);
        self.inner.shelf.select(places.selected, moved);
    }

    /// Reads the files of the config in force again, whether they have changed or not.
    ///
    /// # Errors
    /// A file that cannot be used, a selection that is too large: everything stays as it was.
    pub(crate) async fn refresh_places(&self) -> Result<(), HubError> {
        // No policy comes between what it says and what is made of it.
        let _road = self.inner.road.lock().await;
        let checked = self.config().await?;
        match blocking(move || Ok(open(&checked)?)).await {
            Ok(places) => {
                self.take_places(places);
                Ok(())
            }
            Err(error) => {
                self.inner.shelf.select_failed(&error.to_string());
                Err(error)
            }
        }
    }

    async fn look_at_places(&self) -> Result<(), HubError> {
        let (checked, atlas) = (self.config().await?, self.inner.geo.atlas());
        if blocking(move || Ok(atlas.is_current(&checked.config().geo.files().collect::<Vec<_>>()))).await? {
            self.inner.shelf.select_confirmed(SystemTime::now());
            return Ok(());
        }
        self.refresh_places().await
    }
}

/// Looks at the files until the hub is gone.
pub(crate) async fn watch(hub: Weak<Inner>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(inner) = hub.upgrade() else { return };
        if let Err(error) = (Hub { inner }).look_at_places().await {
            tracing::warn!("what was known of places before stays in force: {error}");
        }
    }
}
