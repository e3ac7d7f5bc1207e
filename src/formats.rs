//! The documents that drsync writes: what each says of its kind and of its version, in one table. Pure.
//!
//! A document that grows gets another minor version here; readers of the same major version read it.

/// What a document says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Its `kind`.
    pub kind: &'static str,
    /// Its `format_version`, as this drsync writes it: a major and a minor number.
    pub version: &'static str,
}

/// A stored plan.
pub const PLAN: Format = Format { kind: "drsync.plan", version: "1.6" };
/// A run record.
pub const RUN: Format = Format { kind: "drsync.run", version: "1.7" };
/// What servers answered to the messages of an apply.
pub const TOLD: Format = Format { kind: "drsync.told", version: "1.0" };
/// How every group stands.
pub const STATUS: Format = Format { kind: "drsync.status", version: "1.5" };
/// How a stored plan stands now.
pub const CHECK: Format = Format { kind: "drsync.check", version: "1.0" };
/// What changed between two plans.
pub const DIFF: Format = Format { kind: "drsync.diff", version: "1.0" };
/// The cut log.
pub const HISTORY: Format = Format { kind: "drsync.history", version: "1.2" };
/// What is wrong with a configuration, and which groups are ready.
pub const VALIDATION: Format = Format { kind: "drsync.validation", version: "1.2" };

/// Why a command could not do what it was asked for.
pub const ERROR: Format = Format { kind: "drsync.error", version: "1.0" };

/// All of them.
pub const ALL: [Format; 9] = [PLAN, RUN, TOLD, STATUS, CHECK, DIFF, HISTORY, VALIDATION, ERROR];

impl Format {
    /// The major version.
    pub fn major(self) -> &'static str {
        self.version.split_once('.').map_or(self.version, |(major, _)| major)
    }

    /// Says why a document of a version is not read: of the same major version every minor one is.
    ///
    /// # Errors
    /// A fragment that begins with `its`.
    pub(crate) fn check_version(self, version: &str) -> Result<(), String> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits && (text == "0" || !text.starts_with('0'))
        };
        let ours = self.version;
        let parts = version.split_once('.');
        let Some((major, _)) = parts.filter(|(major, minor)| number(major) && number(minor)) else {
            return Err(format!(
                "its format version is {version:?}, which is not a major and a minor number as {ours} is"
            ));
        };
        if major == self.major() {
            Ok(())
        } else {
            Err(format!(
                "its format version is {version:?}; this drsync reads {ours}: use a newer drsync"
            ))
        }
    }

    /// Says why a document of a kind is not this one.
    ///
    /// # Errors
    /// A fragment that begins with `its`.
    pub(crate) fn check_kind(self, kind: Option<&str>) -> Result<(), String> {
        if kind == Some(self.kind) { Ok(()) } else { Err(format!("its kind is not {}", self.kind)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_version_is_read_and_another_major_one_is_not() {
        assert_eq!(RUN.check_version("1.0"), Ok(()));
        assert_eq!(RUN.check_version("1.99"), Ok(()));
        for wrong in ["2.0", "1", "", "1.x", "01.0", "1.05"] {
            assert!(RUN.check_version(wrong).is_err_and(|why| why.starts_with("its ")), "{wrong}");
        }
        assert!(PLAN.check_kind(Some("drsync.run")).is_err());
    }
}
