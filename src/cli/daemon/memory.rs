//! Memory of a process that lives for months. It replaces the process by itself, once, as it begins.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// How many heaps the allocator of glibc has at most.
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// Begins the program anew, as the same process, with two heaps of the allocator for all of its threads.
///
/// By itself glibc gives each thread a heap of its own, up to eight a core, and each keeps what the greatest work on it ever took:
/// rounds wander over all of them, and memory grows for weeks. The number is read from the environment when a process begins and
/// at no later time. Whoever set it has it as it is; where it cannot be done the daemon goes on as it is.
pub(super) fn bound_heaps() {
    let of_glibc = cfg!(all(target_os = "linux", target_env = "gnu"));
    if !of_glibc || env::var_os(ARENAS).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // It returns only where it failed.
    drop(again.args(arguments).env(ARENAS, "2").exec());
}
