//! What it costs an attacker with real hosts, and what still limits him: a botnet completes every handshake.
//!
//! The numbers are in `docs/floods.md`.

use repute_model::Policy;

use crate::common::town::{Aim, Attack, Conduct, Kind, Town};
use crate::common::{ingress, policy};

/// Ten thousand hosts come while a forged flood of SYNs has made the box ask strangers to repeat themselves.
#[test]
fn ten_thousand_hosts_pay_a_packet_and_a_second_each_to_be_let_in() {
    const BOTS: usize = 10_000;
    let mut town = Town::new(ingress(), 71, 24, 700, 0);
    let (kind, aim) = (Kind::Syn, Aim::One);
    town.attack(Attack { kind, per_s: 1_000, from_ms: 2_000, for_ms: 60_000, aim, network: None });
    town.botnet(BOTS, 5_000, Conduct::Asks, 5_000);
    town.run(17_000);
    let (toll, count) = (town.toll, town.count);
    let each = |sum: u64| sum as f64 / toll.earned as f64;
    println!(
        "{} of {BOTS} bots let in after {:.2} packets and {:.0} ms each; forged packets stopped {} of {}",
        toll.earned,
        each(toll.packets),
        each(toll.ms),
        count.stopped,
        count.attack
    );
    assert!(toll.earned as usize >= BOTS * 99 / 100, "{toll:?}");
    assert!((2.95..3.3).contains(&each(toll.packets)), "two SYNs and a request: {}", each(toll.packets));
    assert!(each(toll.ms) >= 1_000.0, "the box waits for a retransmission: {} ms", each(toll.ms));
    assert!(count.stopped as f64 >= 0.97 * count.attack as f64 && count.known_lost == 0, "{count:?}");
}

/// What bots get that do so much for twenty seconds after they were let in: packets and connections a second and bot.
fn gets(policy: Policy, bots: usize, every_ms: u64, conduct: Conduct) -> (f64, f64) {
    let mut town = Town::new(policy, 72, 4, 0, 0);
    town.botnet(bots, every_ms, conduct, 0);
    town.run(6_000);
    town.toll = Default::default();
    town.run(20_000);
    let toll = town.toll;
    let per_s = |sum: u64| sum as f64 / bots as f64 / 20.0;
    let (sent, passed, connections) = (per_s(toll.sent), per_s(toll.passed), per_s(toll.connections));
    println!(
        "{conduct:?}, connecting every {every_ms} ms: {sent:.0} packets/s sent, {passed:.1} passed, {connections:.1} connections/s"
    );
    (passed, connections)
}

/// Per source: `connections` refuses from about 45 a second on, so that no rate brings a bot more.
#[test]
fn a_bot_that_connects_faster_gets_less() {
    let gets = |every_ms| gets(ingress(), 20, every_ms, Conduct::Asks).1;
    let slow: Vec<f64> = [1000, 200, 50].into_iter().map(gets).collect();
    assert!(slow[0] > 0.95 && slow[1] > 4.5 && slow[2] > 18.0, "as fast as people are is let pass: {slow:?}");
    let fast: Vec<f64> = [33, 25, 20, 10, 5].into_iter().map(gets).collect();
    assert!(fast.iter().all(|&per_s| per_s <= 45.0), "{fast:?}");
    assert!(fast[2..].iter().all(|&per_s| per_s <= 3.0), "beyond it there is next to nothing: {fast:?}");
    let open = [50, 10].map(|every_ms| self::gets(ingress(), 20, every_ms, Conduct::Opens).1);
    assert!(open[0] <= 45.0 && open[1] <= 3.0, "asking nothing brings no more: {open:?}");
}

/// In a connection that was used nobody counts what is not answered: what somebody may pour into it is what the meter of
/// his band says, and by default good sources have none.
#[test]
fn what_a_bot_pours_into_its_connection_is_limited_by_a_meter_alone() {
    let pours = |policy: Policy| gets(policy, 10, 60_000, Conduct::Pours(1_000)).0;
    assert!(pours(ingress()) > 990.0);
    let meter = "{ meter = { packets = \"200pps\", packet_burst = 100 } }";
    let bands =
        ["excellent", "good", "neutral", "poor", "malicious"].map(|band| format!("{band} = {meter}\n"));
    let metered = policy(&format!("[profiles.ingress.treatments]\n{}", bands.concat()));
    assert!((195.0..=206.0).contains(&pours(metered)));
}
