//! What the control plane does: policy, feeds, events, store, API.

use std::fmt;

use super::shown;
use crate::family::{About, Families, Labels, seconds};
use crate::{
    BoxSnapshot, DnstapSnapshot, EventInput, EventSink, FeedSnapshot, GardenSnapshot, GeoSnapshot, Named,
    StoreSnapshot,
};

const fn about(name: &'static str, unit: &'static str, help: &'static str) -> About {
    About { name, unit, help }
}

/// Writes it all; returns how many elements of lists were left out.
pub(super) fn export(snapshot: &BoxSnapshot, families: &mut Families) -> Result<usize, fmt::Error> {
    let build = &snapshot.build;
    let labels: Labels =
        vec![("version", &build.version), ("revision", &build.revision), ("dpdk", &build.dpdk)];
    families.info(about("build", "", "What runs."), labels)?;
    let single = |value: Option<f64>| value.map(|value| (vec![], value));
    let begun = about("start_time", "seconds", "When reputed began, in seconds since 1970.");
    families.gauge(begun, single(seconds(snapshot.started)))?;
    let version = about("policy_version", "", "Version of the latest policy.");
    families.gauge(version, single(Some(snapshot.policy.version as f64)))?;
    let applied = about("policy_applied_timestamp", "seconds", "When the latest policy was applied.");
    families.gauge(applied, single(seconds(snapshot.policy.applied)))?;
    let shadow = about(
        "policy_shadow",
        "",
        "1 where the latest policy is in shadow mode: all is judged, nothing done.",
    );
    families.gauge(shadow, single(Some(f64::from(u8::from(snapshot.policy.shadow)))))?;
    let active = about("mitigations_active", "", "Sources that are limited now.");
    families.gauge(active, single(Some(snapshot.mitigations_active as f64)))?;
    export_crowds(snapshot, families)?;
    let feeds = shown(&snapshot.feeds, |feed| &feed.name);
    let sinks = shown(&snapshot.sinks, |sink| &sink.name);
    let inputs = shown(&snapshot.inputs, |input| &input.name);
    export_feeds(&feeds, families)?;
    export_geo(&snapshot.geo, families)?;
    export_events(&sinks, &inputs, families)?;
    export_store(snapshot.store.as_ref(), families)?;
    export_garden(snapshot.garden.as_ref(), families)?;
    export_dnstap(snapshot.dnstap.as_ref(), families)?;
    let requests = snapshot.requests.iter().map(|series| {
        let labels: Labels = vec![("method", &series.key.method), ("code", &series.key.code)];
        (labels, series)
    });
    families.histogram(
        about("api_request_duration", "seconds", "How long requests to the API took."),
        requests,
    )?;
    let all = snapshot.feeds.len() + snapshot.sinks.len() + snapshot.inputs.len();
    Ok(all - feeds.len() - sinks.len() - inputs.len())
}

fn export_crowds(snapshot: &BoxSnapshot, families: &mut Families) -> fmt::Result {
    let flooded =
        about("crowds_in_flood", "", "Crowds in flood now: destinations and prefixes of destinations.");
    let kinds = snapshot.crowds_in_flood.iter();
    families.gauge(flooded, kinds.map(|kind| (of("flood", &kind.name), kind.count as f64)))?;
    let changes = about("crowd_changes", "", "How often crowds went to the state, by kind of flood.");
    let all = snapshot.crowd_changes.iter();
    families.counter(
        changes,
        all.map(|change| (vec![("flood", change.flood), ("state", change.state)], change.count)),
    )
}

fn export_feeds(feeds: &[&FeedSnapshot], families: &mut Families) -> fmt::Result {
    let entries = about("feed_entries", "", "Entries of the feed in force.");
    families.gauge(entries, feeds.iter().map(|feed| (of("feed", &feed.name), feed.entries as f64)))?;
    let refreshed =
        about("feed_last_success_timestamp", "seconds", "When the feed was last imported or unchanged.");
    let times = feeds.iter().filter_map(|feed| Some((of("feed", &feed.name), seconds(feed.refreshed)?)));
    families.gauge(refreshed, times)?;
    let refreshes = about("feed_refreshes", "", "Refreshes of the feed that were tried.");
    families.counter(refreshes, feeds.iter().map(|feed| (of("feed", &feed.name), feed.refreshes)))?;
    let failures =
        about("feed_refresh_failures", "", "Refreshes of the feed that failed; what it said before holds.");
    families.counter(failures, feeds.iter().map(|feed| (of("feed", &feed.name), feed.failures)))?;
    let failing = about("feed_failing", "", "Whether the last refresh of the feed failed: 1 or 0.");
    families.gauge(failing, feeds.iter().map(|feed| (of("feed", &feed.name), f64::from(feed.failing))))
}

fn export_geo(geo: &GeoSnapshot, families: &mut Families) -> fmt::Result {
    let built = about("geo_database_build_timestamp", "seconds", "When the geo database was built.");
    let times = shown(&geo.databases, |(kind, _)| kind);
    let times = times.into_iter().filter_map(|(kind, at)| Some((of("database", kind), seconds(Some(*at))?)));
    families.gauge(built, times)?;
    let subjects = about("geo_subjects", "", "Accounts, tokens and services whose places are known.");
    families.gauge(subjects, [(vec![], geo.subjects as f64)])?;
    let lowered = about("geo_lowered_sources", "", "Sources lowered for an unlikely place and remembered.");
    families.gauge(lowered, [(vec![], geo.lowered as f64)])
}

fn export_events(sinks: &[&EventSink], inputs: &[&EventInput], families: &mut Families) -> fmt::Result {
    let queued = about("events_queued", "", "Events that wait for the sink now.");
    families.gauge(queued, sinks.iter().map(|sink| (of("sink", &sink.name), sink.queued as f64)))?;
    let capacity = about("events_queue_capacity", "", "Events that may wait for the sink.");
    families.gauge(capacity, sinks.iter().map(|sink| (of("sink", &sink.name), sink.capacity as f64)))?;
    let sent = about("events_sent", "", "Events that the sink took.");
    families.counter(sent, sinks.iter().map(|sink| (of("sink", &sink.name), sink.sent)))?;
    let dropped = about("events_dropped", "", "Events dropped: the queue was full or the sink refused them.");
    families.counter(dropped, sinks.iter().map(|sink| (of("sink", &sink.name), sink.dropped)))?;
    let received = about("events_received", "", "Events taken from the input.");
    families.counter(received, inputs.iter().map(|input| (of("input", &input.name), input.received)))?;
    let refused = about("events_refused", "", "Events of the input that no parser or rule understood.");
    families.counter(refused, inputs.iter().map(|input| (of("input", &input.name), input.refused)))
}

fn export_store(store: Option<&StoreSnapshot>, families: &mut Families) -> fmt::Result {
    let gauge = |value: fn(&StoreSnapshot) -> Option<f64>| store.and_then(value).map(|value| (vec![], value));
    let bytes = about("store_file", "bytes", "Size of the file that survives a restart.");
    families.gauge(bytes, gauge(|store| Some(store.file_bytes as f64)))?;
    let round =
        about("store_last_round_timestamp", "seconds", "When the last finished round of snapshots began.");
    families.gauge(round, gauge(|store| seconds(store.last_round)))?;
    let sources = about("store_sources", "", "Sources in the last finished round of snapshots.");
    families.gauge(sources, gauge(|store| Some(store.sources as f64)))?;
    let explanations = about("store_explanations", "", "Explanations that are kept.");
    families.gauge(explanations, gauge(|store| Some(store.explanations as f64)))?;
    let failures =
        about("store_write_failures", "", "Writes to the store that failed; what it held before stays.");
    families.counter(failures, store.map(|store| (vec![], store.failures)))
}

fn export_garden(garden: Option<&GardenSnapshot>, families: &mut Families) -> fmt::Result {
    let pages = about("garden_pages", "", "Pages of the walled garden that were given, each with a task.");
    families.counter(pages, garden.map(|garden| (vec![], garden.pages)))?;
    let named = |label, list: fn(&GardenSnapshot) -> &[Named]| {
        let rows = garden.map_or(&[][..], list).iter();
        rows.map(move |row| (of(label, &row.name), row.count))
    };
    let solutions = about(
        "garden_solutions",
        "",
        "Right solutions: proofs that count, and of sources nothing stands against.",
    );
    families.counter(solutions, named("outcome", |garden| &garden.solutions))?;
    let refused = about("garden_refusals", "", "Visitors of the walled garden that were refused.");
    families.counter(refused, named("reason", |garden| &garden.refused))
}

fn export_dnstap(dnstap: Option<&DnstapSnapshot>, families: &mut Families) -> fmt::Result {
    let one = |value: fn(&DnstapSnapshot) -> u64| dnstap.map(|dnstap| (vec![], value(dnstap)));
    let sent =
        about("dnstap_sent", "messages", "Copies of DNS messages that the receiver's connection took.");
    families.counter(sent, one(|dnstap| dnstap.sent))?;
    let lost = about("dnstap_lost", "messages", "Copies of DNS messages that were lost with a connection.");
    families.counter(lost, one(|dnstap| dnstap.lost))?;
    let connected = about("dnstap_connections", "", "Connections that a dnstap receiver has agreed to.");
    families.counter(connected, one(|dnstap| dnstap.connected))
}

fn of<'a>(label: &'static str, name: &'a str) -> Labels<'a> {
    vec![(label, name)]
}
