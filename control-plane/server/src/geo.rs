//! `[geo]`: where addresses are, for people who ask; workers never do.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use repute_feeds::geo::{Atlas, GeoError, Where};
use repute_model::Source;
use repute_policy::Checked;

/// Opens and checks the files that a config names. May take a while: not on the thread that serves everybody.
///
/// # Errors
/// The first file that cannot be used, and why.
pub fn open(checked: &Checked) -> Result<Atlas, GeoError> {
    let geo = &checked.config().geo;
    let files: Vec<_> = geo.country.iter().chain(&geo.asn).map(|text| Path::new(text.as_str())).collect();
    Atlas::open(&files)
}

/// The files in force.
#[derive(Debug)]
pub(crate) struct Geography(RwLock<Arc<Atlas>>);

impl Geography {
    /// The files of the first config; one that cannot be used is told, and nothing is known then.
    pub fn new(checked: &Checked) -> Self {
        let atlas = open(checked).unwrap_or_else(|error| {
            tracing::error!("nothing is known of places: {error}");
            Atlas::default()
        });
        Self(RwLock::new(Arc::new(atlas)))
    }

    /// What is asked from now on.
    pub fn replace(&self, atlas: Arc<Atlas>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = atlas;
    }

    /// What is known about where a source is: its first address counts.
    pub fn find(&self, source: Source) -> Where {
        let atlas = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        atlas.find(source.first().to_ip())
    }
}
