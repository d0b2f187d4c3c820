//! Which segments are softened, and how: handshakes of softened sources, and the first windows that they are told of.
//!
//! Called by the general way for segments that go on; what is to be changed is kept until the batch leaves. Always holds:
//! [`Flags::SOFTENED`] says of the conversation that a source was last seen in whether its windows are watched, so that the
//! short way lets what answers it pass again as soon as they are not.

use repute_model::{Packet, Soften, Verdict};
use repute_reputation::{Exchange, Flags, Parties, Slot};
use repute_wire::{Handshake, Parsed, Softened, tcp};

use super::{Worker, parse};
use crate::Batch;

/// One segment, as its softened end sees it.
#[derive(Clone, Copy)]
struct Segment<'a> {
    /// Names its connection, seen from that end.
    key: u64,
    exchange: &'a Exchange,
    flags: u16,
    /// What its options say, if it is a SYN.
    said: Handshake,
    /// The sequence number behind all that it carries.
    end: u32,
}

impl Segment<'_> {
    const fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

impl<P: Packet> Worker<P> {
    /// Whether any connection is softened, or may be.
    #[inline(always)]
    pub(super) const fn softens(&self) -> bool {
        !self.view.shadow && (self.view.softens || self.softener.live() > 0)
    }

    /// Softens a packet that was judged, if it goes on, on account of who sent it or of whom it is for.
    pub(super) fn soften(
        &mut self,
        packet: &P,
        parsed: &Parsed,
        x: &Exchange,
        parties: Parties,
        what: Verdict,
    ) {
        let goes_on = matches!(what, Verdict::Forward | Verdict::Queue);
        if !goes_on || !parsed.has_tcp_flags() {
            return;
        }
        let flags = parsed.tcp_flags;
        let is_syn = flags & tcp::SYN != 0;
        let said = if is_syn { Handshake::of(packet.bytes(), parsed) } else { Handshake::default() };
        let end = x.seq.wrapping_add(u32::from(is_syn)).wrapping_add(parsed.payload_len);
        let segment = |exchange, key| Segment { key, exchange, flags, said, end };
        let mut how = Softened::default();
        if let Some(sender) = parties.sender {
            how.mss = self.soften_sent(sender, &segment(x, self.shard.flow_key(x)));
        }
        if let Some(receiver) = parties.receiver {
            let told = self.soften_told(receiver, &segment(x, self.shard.flow_key(&x.turned())));
            how = Softened { mss: how.mss.into_iter().chain(told.mss).min(), ..told };
        }
        if !how.is_nothing() {
            self.rewrites.push((self.turn as u8, how));
        }
    }

    /// A segment of a softened source; the largest segment that it may ask for.
    fn soften_sent(&mut self, sender: Slot, segment: &Segment<'_>) -> Option<u16> {
        let (key, x) = (segment.key, segment.exchange);
        let soften = self.treatment(sender).soften.filter(|_| !segment.has(tcp::RST));
        if soften.is_none() {
            self.softener.forget(key);
        }
        if soften.is_some() && segment.has(tcp::SYN) {
            match segment.has(tcp::ACK) {
                false => self.softener.asks(key, &segment.said, x.seq.wrapping_add(1), self.now),
                true => self.softener.accepts(key, &segment.said, x.ack, segment.end, self.now),
            }
        }
        let watched = self.softener.holds(key);
        self.watch(sender, x, watched);
        soften.filter(|_| segment.has(tcp::SYN)).map(|soften| soften.mss)
    }

    /// A segment to a softened source.
    fn soften_told(&mut self, receiver: Slot, segment: &Segment<'_>) -> Softened {
        let Some(soften) = self.treatment(receiver).soften.filter(|_| !segment.has(tcp::RST)) else {
            self.let_go_on(receiver, segment);
            return Softened::default();
        };
        if segment.has(tcp::SYN) {
            let window = self.soften_handshake(&soften, segment);
            return Softened { mss: Some(soften.mss), window };
        }
        let window = self.softener.acknowledges(segment.key, segment.exchange.ack, self.now);
        if window.is_none() {
            self.let_go_on(receiver, segment);
        }
        Softened { mss: None, window }
    }

    /// The window that a SYN or SYN-ACK may tell of.
    fn soften_handshake(&mut self, soften: &Soften, segment: &Segment<'_>) -> Option<u16> {
        let (key, said) = (segment.key, &segment.said);
        if segment.has(tcp::ACK) {
            return self.softener.is_accepted(key, soften, said, segment.exchange.ack, self.now);
        }
        Some(self.softener.is_asked(key, soften, said, segment.end, self.now))
    }

    /// A connection is not softened, or no more: what follows in it may take the short way.
    fn let_go_on(&mut self, receiver: Slot, segment: &Segment<'_>) {
        self.softener.forget(segment.key);
        self.watch(receiver, &segment.exchange.turned(), false);
    }

    /// Notes of the conversation that a source was last seen in whether what comes back in it has to be looked at.
    fn watch(&mut self, source: Slot, x: &Exchange, watched: bool) {
        let hot = self.shard.hot(source);
        let ports = u32::from(x.sport) << 16 | u32::from(x.dport);
        if hot.talk == self.shard.talk(hot.fingerprint, x.dst, x.protocol, ports) {
            self.shard.hot_mut(source).flags.set(Flags::SOFTENED, watched);
        }
    }

    /// Changes what is to be changed of the batch under way. A packet that others read as well stays as it is.
    #[cold]
    pub(super) fn rewrite(&mut self, batch: &mut Batch<P>) {
        for (i, how) in self.rewrites.drain(..) {
            let Some(packet) = batch.packets.get_mut(usize::from(i)) else { continue };
            let parsed = parse(packet);
            let written = packet.bytes_mut().is_some_and(|bytes| how.write(bytes, &parsed));
            self.account.softened += u64::from(written);
        }
    }
}
