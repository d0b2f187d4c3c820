//! Checks of `[limits]`: packets that are held leave buffers for those that come.

use super::at;
use crate::config::Config;
use crate::read::Reader;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let (held, mbufs) = (config.limits.queue_packets.get(), config.limits.mbufs.get());
    if !reader.sound("limits") || held * 2 <= mbufs {
        return;
    }
    let [packets, buffers] = ["limits.queue_packets", "limits.mbufs"];
    // One of the two may be a default, which has no place to point at.
    let (key, label) = if reader.places.has(packets) {
        (packets, format!("more than half of `mbufs` = {mbufs}"))
    } else {
        (buffers, format!("less than twice `queue_packets` = {held}"))
    };
    let found = at(reader, key, "held packets could take more than half of the buffers")
        .label(label)
        .help(format!("set `queue_packets` to {} at most, or `mbufs` to {} at least", mbufs / 2, held * 2));
    reader.findings.push(found);
}
