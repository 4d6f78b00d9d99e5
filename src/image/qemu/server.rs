//! A `qemu-nbd` process: started for one image, confined as far as it goes, and ended with it.
//!
//! It works in a private folder that holds two sockets and a file without a name for what it says. It has no environment,
//! may write no file to speak of, and leaves by itself when the last connection ends, so that none is left over even where
//! this program is killed.
//!
//! **Invariant:** when this value is dropped, or could not be made, there is no process, no socket and no folder any more.

use std::fs::{File, Permissions};
use std::io::{Read as _, Seek as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Rlimit};
use tempfile::TempDir;

use super::export::{Export, Exports};
use crate::limits;
use crate::read_error::ReadError;

/// The socket on which QEMU is given files, from its working folder.
pub const GIVEN: &str = "/proc/self/cwd/given";
/// The socket on which it gives the image.
const GIVES: &str = "/proc/self/cwd/gives";
/// Where Debian and its kin keep the program. The environment is not asked.
const PROGRAMS: [&str; 3] = ["/usr/bin/qemu-nbd", "/usr/local/bin/qemu-nbd", "/bin/qemu-nbd"];

/// A running `qemu-nbd`.
pub struct Server {
    child: Child,
    program: &'static str,
    _exports: Exports,
    /// Keeps the way to the sockets short: a socket's path has at most 107 bytes.
    handle: OwnedFd,
    _folder: TempDir,
    format: &'static str,
    /// What it says.
    said: File,
}

impl Server {
    /// Starts it, and connects to it.
    pub fn start(
        format: &'static str,
        description: &str,
        snapshot: Option<&str>,
        exports: Vec<Export>,
        scratch: &Path,
    ) -> Result<(Self, UnixStream), ReadError> {
        let io = |error: std::io::Error| ReadError::io(0, error);
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix(".extract-").permissions(private).tempdir_in(scratch);
        let folder = folder.map_err(io)?;
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::PATH;
        let handle = rustix::fs::open(folder.path(), flags, Mode::empty()).map_err(|error| io(error.into()))?;
        let exports = Exports::serve(&short(&handle, "given"), exports)?;
        let said = tempfile::tempfile_in(folder.path()).map_err(io)?;
        let (program, child) = spawn(format, description, snapshot, folder.path(), &said)?;
        let mut server = Self { child, program, _exports: exports, handle, _folder: folder, format, said };
        server.confine()?;
        let place = server.place();
        for _ in 0..limits::NBD_ATTEMPTS {
            if let Ok(stream) = UnixStream::connect(&place) {
                return Ok((server, stream));
            }
            if server.has_ended() {
                return Err(refusal(server.format, &mut server.said));
            }
            std::thread::sleep(limits::NBD_PAUSE);
        }
        Err(io(std::io::ErrorKind::TimedOut.into()))
    }

    /// Why it did not shake hands: it listens before it opens the image, and ends where it cannot.
    pub fn refusal(mut self, error: ReadError) -> ReadError {
        for _ in 0..limits::NBD_END_ATTEMPTS {
            if self.has_ended() {
                return refusal(self.format, &mut self.said);
            }
            std::thread::sleep(limits::NBD_PAUSE);
        }
        error
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// What the program says of itself: `qemu-nbd` and its version. It is asked by itself, without an image.
    pub fn version(&self) -> String {
        let mut asked = Command::new(self.program);
        asked.arg("--version").env_clear().env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null());
        let said = asked.output().map(|output| output.stdout).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let line = said.lines().next().unwrap_or_default().trim();
        if line.is_empty() { format!("{} (it does not say its version)", self.program) } else { line.to_owned() }
    }

    /// Where it listens.
    pub fn place(&self) -> PathBuf {
        short(&self.handle, "gives")
    }

    /// Memory, files and processes that a hostile image could make it take.
    fn confine(&self) -> Result<(), ReadError> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let limits = [
            (Resource::As, limits::QEMU_MEMORY_BYTES),
            (Resource::Fsize, limits::QEMU_FILE_BYTES),
            (Resource::Nofile, limits::QEMU_FILES),
            (Resource::Core, 0),
        ];
        for (resource, most) in limits {
            let most = Rlimit { current: Some(most), maximum: Some(most) };
            match rustix::process::prlimit(pid, resource, most) {
                // It has ended already, and will be found so.
                Ok(_) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(ReadError::io(0, error.into())),
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn short(folder: &OwnedFd, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))
}

fn spawn(
    format: &'static str,
    description: &str,
    snapshot: Option<&str>,
    folder: &Path,
    said: &File,
) -> Result<(&'static str, Child), ReadError> {
    for program in PROGRAMS {
        let mut command = Command::new(program);
        command.arg("--read-only").arg(format!("--shared={}", limits::NBD_CLIENTS));
        command.arg(format!("--socket={GIVES}"));
        if let Some(name) = snapshot {
            // A comma in a value is written twice.
            command.arg(format!("--load-snapshot=snapshot.name={}", name.replace(',', ",,")));
        }
        command.arg(description).env_clear().env("LC_ALL", "C").current_dir(folder).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(said.try_clone().map_err(|error| ReadError::io(0, error))?);
        match command.spawn() {
            Ok(child) => return Ok((program, child)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ReadError::io(0, error)),
        }
    }
    let what = format!("{format} without the program qemu-nbd; install Debian's package qemu-utils");
    Err(ReadError::Unsupported { offset: 0, what })
}

/// What its words come to. They may quote the image: they go no further.
fn refusal(format: &'static str, said: &mut File) -> ReadError {
    let mut words = Vec::new();
    let read = said.rewind().and_then(|()| said.take(limits::QEMU_WORDS_BYTES).read_to_end(&mut words));
    let words = String::from_utf8_lossy(&words).to_lowercase();
    let unsupported = |what: String| ReadError::Unsupported { offset: 0, what };
    if read.is_err() {
        return ReadError::io(0, std::io::Error::other("the reader of this image's format did not start"));
    }
    if words.contains("needs to be replayed") {
        return unsupported(format!("{format} with a log that was not replayed: the image was not closed"));
    }
    if words.contains("unknown driver") {
        return unsupported(format!("{format}: this machine's QEMU has no driver for it"));
    }
    if words.contains("not supported") || words.contains("unsupported") {
        return unsupported(format!("{format} with a feature that QEMU does not read"));
    }
    ReadError::Corrupt { offset: 0, what: "the image's own tables: the reader of its format refuses them" }
}
