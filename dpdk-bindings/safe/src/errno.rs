//! Error numbers as DPDK reports them: errno values and a few of its own.
//!
//! Called by every module whose calls can fail; displayed with DPDK's own text.

use std::ffi::{CStr, c_int};
use std::fmt;

use dpdk_sys::{dpdk_errno, rte_strerror};

/// A positive error number: errno, or one of DPDK's own (1001 and up).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// A failure without a number.
    pub const UNSPECIFIED: Self = Self(-1);
    /// `ENOMEM`: no memory of the asked size.
    pub const NO_MEMORY: Self = Self(12);
    /// `EEXIST`: the name is taken.
    pub const EXISTS: Self = Self(17);
    /// `ENOTSUP`: the driver has no such operation.
    pub const NOT_SUPPORTED: Self = Self(95);

    /// What the last failed call of this thread left in `rte_errno`.
    pub(crate) fn last() -> Self {
        // SAFETY: reads a thread-local of libdpdk.
        Self(unsafe { dpdk_errno() })
    }

    /// `Err` when a call returned a negative error number. Drivers also return a bare -1 for "failed".
    pub(crate) fn check(returned: c_int) -> Result<(), Self> {
        match returned {
            0.. => Ok(()),
            -1 => Err(Self::UNSPECIFIED),
            code => Err(Self(code.saturating_neg())),
        }
    }

    /// `Err` when a call returned a negative number and left its reason in `rte_errno`.
    pub(crate) fn check_last(returned: c_int) -> Result<(), Self> {
        if returned >= 0 { Ok(()) } else { Err(Self::last()) }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::UNSPECIFIED {
            return f.write_str("failed without an error number");
        }
        // SAFETY: rte_strerror answers any number with a string that lives in a per-thread buffer or in libc; it is
        // copied out before this thread can call it again.
        let text = unsafe { CStr::from_ptr(rte_strerror(self.0)) };
        write!(f, "{} (errno {})", text.to_string_lossy(), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_from_dpdk() {
        assert_eq!(Errno(2).to_string(), "No such file or directory (errno 2)");
    }

    #[test]
    fn a_negative_return_is_its_errno() {
        assert_eq!(Errno::check(-95), Err(Errno::NOT_SUPPORTED));
        assert_eq!(Errno::check(0), Ok(()));
        assert_eq!(Errno::check(3), Ok(()));
    }

    #[test]
    fn a_bare_minus_one_is_not_called_a_permission_problem() {
        let error = Errno::check(-1).unwrap_err();
        assert_eq!(error.to_string(), "failed without an error number");
    }
}
