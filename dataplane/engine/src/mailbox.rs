//! The two SPSC rings between a worker and the control plane.

use repute_model::{Command, Report};
use rtrb::{Consumer, Producer, RingBuffer};

/// The worker's end.
#[derive(Debug)]
pub struct Mailbox {
    commands: Consumer<Command>,
    reports: Producer<Report>,
    /// A report that must not be lost (it carries an old policy) and found the ring full.
    held: Option<Report>,
    lost: u64,
    /// Reports that were not made for want of room since the last one of their kind.
    unmentioned: u32,
    /// Slots of the ring of reports.
    slots: usize,
}

/// The control plane's end.
#[derive(Debug)]
pub struct Handle {
    /// To the worker.
    pub commands: Producer<Command>,
    /// From the worker.
    pub reports: Consumer<Report>,
}

/// A pair of rings of these many slots.
pub fn mailbox(commands: usize, reports: usize) -> (Mailbox, Handle) {
    let (to_worker, commands) = RingBuffer::new(commands);
    let (reports, from_worker) = RingBuffer::new(reports);
    let mailbox = Mailbox { commands, slots: reports.slots(), reports, held: None, lost: 0, unmentioned: 0 };
    (mailbox, Handle { commands: to_worker, reports: from_worker })
}

impl Mailbox {
    /// The next command, unless an old policy still waits to be handed back.
    pub fn command(&mut self) -> Option<Command> {
        if let Some(held) = self.held.take() {
            self.must_send(held);
        }
        if self.held.is_some() { None } else { self.commands.pop().ok() }
    }

    /// Sends a report if there is room; else it is lost and counted.
    pub fn send(&mut self, report: Report) {
        if self.reports.push(report).is_err() {
            self.lost += 1;
        }
    }

    /// Sends what is worth telling only while half of the ring is free, so that a flood of it takes no other report's
    /// place. `report` is told how many were left out before.
    pub fn mention(&mut self, report: impl FnOnce(u32) -> Report) {
        if self.reports.slots() * 2 <= self.slots {
            self.unmentioned = self.unmentioned.saturating_add(1);
            return;
        }
        let report = report(std::mem::take(&mut self.unmentioned));
        self.send(report);
    }

    /// Sends a report that must arrive: it is kept while there is no room.
    pub fn must_send(&mut self, report: Report) {
        if let Err(rtrb::PushError::Full(report)) = self.reports.push(report) {
            self.held = Some(report);
        }
    }

    /// Room for this many reports now.
    pub fn room(&self) -> usize {
        self.reports.slots()
    }

    /// Reports that found the ring full.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use repute_model::{Filter, Token};

    #[test]
    fn what_must_arrive_waits_for_room_and_commands_wait_with_it() {
        let (mut mailbox, mut handle) = mailbox(4, 1);
        mailbox.send(Report::Page(Token(1), None));
        mailbox.send(Report::Page(Token(2), None));
        assert_eq!(mailbox.lost(), 1);
        mailbox.must_send(Report::Page(Token(3), None));
        let list = Command::List { token: Token(4), cursor: 0, limit: 1, filter: Filter::ALL };
        handle.commands.push(list).unwrap();
        assert!(mailbox.command().is_none());
        assert!(matches!(handle.reports.pop(), Ok(Report::Page(Token(1), None))));
        assert!(matches!(mailbox.command(), Some(Command::List { .. })));
        assert!(matches!(handle.reports.pop(), Ok(Report::Page(Token(3), None))));
    }

    #[test]
    fn what_is_only_worth_telling_leaves_half_of_the_ring() {
        let (mut mailbox, mut handle) = mailbox(4, 4);
        let mut told = Vec::new();
        for n in 0..6 {
            mailbox.mention(|untold| {
                told.push((n, untold));
                Report::Page(Token(n), None)
            });
        }
        assert_eq!(told, [(0, 0), (1, 0)]);
        assert_eq!((mailbox.room(), mailbox.lost()), (2, 0));
        while handle.reports.pop().is_ok() {}
        mailbox.mention(|untold| Report::Page(Token(u64::from(untold)), None));
        assert!(matches!(handle.reports.pop(), Ok(Report::Page(Token(4), None))));
    }
}
