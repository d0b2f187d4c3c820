//! After boot the daemon keeps the capabilities that its ports need, and no others (capabilities(7)).
//!
//! The daemon calls [`drop_to`] on its main thread when the ports are up and before it starts workers and the
//! control thread: threads are born with what their parent has. Capabilities belong to a **thread**: those that
//! exist already (DPDK's own) keep what they have, and [`stragglers`] names them. The unit
//! `configs/reputed.service` confines all of them from the first instruction on; this is the second lock.
//!
//! **Always holds:** nothing is ever gained; what is given up does not come back, not by `execve` either.

mod device;

use std::fmt;
use std::fs;
use std::io;

use rustix::thread::{
    CapabilitySet, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

pub use device::Device;

/// A capability that a port may need after boot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cap {
    /// Locked memory without limit.
    IpcLock,
    /// Interfaces up and down, promiscuous mode, XDP programs.
    NetAdmin,
    /// Packet sockets.
    NetRaw,
    /// BPF maps and programs.
    Bpf,
}

impl Cap {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::IpcLock, Self::NetAdmin, Self::NetRaw, Self::Bpf];

    /// As capabilities(7) and systemd call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::IpcLock => "CAP_IPC_LOCK",
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
            Self::Bpf => "CAP_BPF",
        }
    }

    fn set(self) -> CapabilitySet {
        match self {
            Self::IpcLock => CapabilitySet::IPC_LOCK,
            Self::NetAdmin => CapabilitySet::NET_ADMIN,
            Self::NetRaw => CapabilitySet::NET_RAW,
            Self::Bpf => CapabilitySet::BPF,
        }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why capabilities could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The system refused.
    #[error(
        "cannot {what}: {error}; start reputed by `configs/reputed.service`, which confines it from outside"
    )]
    Refused {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// More than wanted is left.
    #[error(
        "capabilities {0:#x} are still there after they were given up; this kernel does not do as it says"
    )]
    Kept(u64),
}

/// A thread that has more than it should.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Straggler {
    /// Its id.
    pub thread: u32,
    /// Its name.
    pub name: String,
    /// Its permitted capabilities, one bit each.
    pub permitted: u64,
}

/// Gives up all capabilities of the calling thread but these, and the way to ever gain others. Returns those of
/// them that it has: what it never had it does not get.
///
/// # Errors
/// The system refuses. Some may be given up by then, none gained.
pub fn drop_to(keep: &[Cap]) -> Result<Vec<Cap>, PrivilegeError> {
    let refused =
        |what| move |error: rustix::io::Errno| PrivilegeError::Refused { what, error: error.into() };
    let wanted = wanted(keep);
    set_no_new_privs(true).map_err(refused("set no_new_privs"))?;
    let had = capabilities(None).map_err(refused("read capabilities"))?;
    if had.effective.contains(CapabilitySet::SETPCAP) {
        limit_bounds(wanted).map_err(refused("limit the bounding set"))?;
    }
    clear_ambient_capability_set().map_err(refused("clear the ambient set"))?;
    let left = had.permitted & wanted;
    let mut sets = had;
    (sets.effective, sets.permitted, sets.inheritable) = (left, left, CapabilitySet::empty());
    set_capabilities(None, sets).map_err(refused("give up capabilities"))?;
    let has = capabilities(None).map_err(refused("read capabilities"))?;
    let more = (has.effective | has.permitted | has.inheritable) - left;
    if !more.is_empty() {
        return Err(PrivilegeError::Kept(more.bits()));
    }
    Ok(keep.iter().copied().filter(|cap| left.contains(cap.set())).collect())
}

/// Takes everything else out of what the thread could ever be given. Without CAP_SETPCAP this is not allowed,
/// and not needed: `no_new_privs` keeps `execve` from giving anything.
fn limit_bounds(wanted: CapabilitySet) -> rustix::io::Result<()> {
    for bit in 0..u64::BITS {
        let cap = CapabilitySet::from_bits_retain(1 << bit);
        match capability_is_in_bounding_set(cap) {
            // Beyond the last one that this kernel knows.
            Err(rustix::io::Errno::INVAL) => return Ok(()),
            Ok(true) if !wanted.contains(cap) => remove_capability_from_bounding_set(cap)?,
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wanted(keep: &[Cap]) -> CapabilitySet {
    keep.iter().fold(CapabilitySet::empty(), |all, cap| all | cap.set())
}

/// Threads of this process that have more than `keep`: for a line in the log.
///
/// # Errors
/// `/proc` cannot be read.
pub fn stragglers(keep: &[Cap]) -> io::Result<Vec<Straggler>> {
    let wanted = wanted(keep).bits();
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        // A thread that ends meanwhile is none.
        let Ok(status) = fs::read_to_string(task?.path().join("status")) else { continue };
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let permitted = field("CapPrm:").and_then(|bits| u64::from_str_radix(bits, 16).ok());
        let thread = field("Pid:").and_then(|id| id.parse().ok());
        if let (Some(permitted), Some(thread)) = (permitted, thread)
            && permitted & !wanted != 0
        {
            found.push(Straggler { thread, name: field("Name:").unwrap_or_default().to_owned(), permitted });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a thread of its own: what it gives up is lost to it alone.
    fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::spawn(work).join().unwrap()
    }

    fn this_thread() -> u32 {
        rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned()
    }

    #[test]
    fn what_is_given_up_is_gone() {
        on_a_thread(|| {
            let had = capabilities(None).unwrap().permitted;
            let kept = drop_to(&[Cap::NetRaw]).unwrap();
            let has = capabilities(None).unwrap();
            assert_eq!(has.permitted, had & CapabilitySet::NET_RAW);
            assert_eq!(has.effective, has.permitted);
            assert!(has.inheritable.is_empty());
            assert_eq!(kept.contains(&Cap::NetRaw), had.contains(CapabilitySet::NET_RAW));
            assert!(rustix::thread::no_new_privs().unwrap());
            let own = this_thread();
            assert!(stragglers(&[Cap::NetRaw]).unwrap().iter().all(|other| other.thread != own));
            // Threads that it starts have no more, and nothing comes back.
            let child = on_a_thread(|| capabilities(None).unwrap().permitted);
            assert_eq!(child, has.permitted);
            assert_eq!(drop_to(&Cap::ALL).unwrap(), kept);
            assert_eq!(drop_to(&[]).unwrap(), []);
            assert!(capabilities(None).unwrap().permitted.is_empty());
        });
    }

    #[test]
    fn programs_get_nothing_back() {
        let status = on_a_thread(|| {
            drop_to(&[]).unwrap();
            std::process::Command::new("cat").arg("/proc/self/status").output().unwrap().stdout
        });
        let status = String::from_utf8(status).unwrap();
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert!(status.contains(&format!("{set}:\t0000000000000000\n")), "{status}");
        }
    }

    #[test]
    fn those_that_were_there_before_are_named() {
        let had = capabilities(None).unwrap().permitted;
        let own = this_thread();
        let named = stragglers(&[]).unwrap().into_iter().any(|other| other.thread == own);
        assert_eq!(named, !had.is_empty());
    }
}
