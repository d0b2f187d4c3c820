//! What all workers have published by service, under the names of the config in force.

use repute_engine::ServiceAccount;
use repute_model::Standing;
use repute_policy::Checked;

use crate::{HourView, Hub};

/// One service, over all workers.
#[derive(Clone, PartialEq, Debug)]
pub struct ServiceView {
    /// Its name in the config; empty = whatever belongs to none.
    pub name: String,
    /// 0 to 1; 0.5 of none.
    pub criticality: f64,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// What is counted.
    pub counts: ServiceAccount,
    /// What is known of the hour of the week under way; `None` where hours do not count.
    pub hour: Option<HourView>,
}

impl ServiceView {
    /// How it stands over its sources; `None` where it has none.
    pub fn standing(&self) -> Option<Standing> {
        self.counts.roll_up().standing(self.criticality)
    }
}

impl Hub {
    /// All services of a config, as the workers that judge by this version of it have published them. Asks no worker.
    pub(crate) fn by_service(&self, version: u64, checked: &Checked) -> Vec<ServiceView> {
        let boards: Vec<_> = self.inner.published.iter().map(|published| published.read_services()).collect();
        let sum = |service: Option<u8>| {
            let rows = boards.iter().filter(|board| board.policy_version == version);
            rows.map(|board| *board.row(service)).reduce(|mut sum, row| {
                sum.add(&row);
                sum
            })
        };
        let terms = checked.hour_terms();
        let named = checked.config().services.iter().zip(0..).map(|((name, service), number)| ServiceRow {
            name,
            criticality: service.criticality.get(),
            owner: service.owner.as_ref().map_or("", |owner| owner.as_str()),
            number: Some(number),
        });
        let none = ServiceRow { name: "", criticality: 0.5, owner: "", number: None };
        let view = |row: ServiceRow<'_>| {
            let ServiceRow { name, criticality, owner, number } = row;
            let hour =
                terms.filter(|_| number.is_some()).and_then(|terms| self.inner.hours.now(name, &terms));
            let counts = sum(number)?;
            Some(ServiceView { name: name.into(), criticality, owner: owner.into(), counts, hour })
        };
        named.chain([none]).filter_map(view).collect()
    }
}

/// What the config says of a row.
struct ServiceRow<'a> {
    name: &'a str,
    criticality: f64,
    owner: &'a str,
    number: Option<u8>,
}
