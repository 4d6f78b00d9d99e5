//! Image formats that QEMU's own drivers read, through a `qemu-nbd` that we start and end.
//!
//! QEMU opens no file of the operator: it is given every byte over a private socket by [`export`], and gives the image
//! back over another one. The driver is said to it and never found out, and so is what stands behind the image, so that it
//! follows no path that an image names.
//!
//! **Invariant:** what QEMU cannot read, or did not get, is an error; what it says of an image in words is never passed on.

mod client;
mod export;
mod server;
mod wire;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Image;
use crate::read_error::ReadError;
use client::Client;
pub use export::Export;
use server::Server;

/// An image for QEMU.
pub struct Disk {
    /// Its format, as a source's kind in the package.
    pub format: &'static str,
    /// QEMU's driver of that format.
    pub driver: &'static str,
    /// The stored file.
    pub file: Export,
    /// What it stands on.
    pub backing: Option<Arc<dyn Image>>,
    /// Options of the driver.
    pub options: Vec<(&'static str, &'static str)>,
    /// The internal snapshot to read, by its name.
    pub snapshot: Option<String>,
    /// Its size by its own header, in bytes. QEMU knows whole sectors only.
    pub size_bytes: Option<u64>,
}

impl Disk {
    /// A stored file and nothing beside it, whose size is not known.
    pub fn new(format: &'static str, driver: &'static str, bytes: Arc<dyn Image>, endless: bool) -> Self {
        let file = Export { bytes, endless, blank: Vec::new() };
        Self { format, driver, file, backing: None, options: Vec::new(), snapshot: None, size_bytes: None }
    }

    /// Starts QEMU on it. `scratch`: where a private folder may be kept as long as the image is open.
    pub fn open(self, scratch: &Path) -> Result<Arc<dyn Image>, ReadError> {
        let mut layer = Map::new();
        layer.insert("driver".to_owned(), self.driver.into());
        layer.insert("file".to_owned(), at(0));
        layer.insert("backing".to_owned(), Value::Null);
        for (name, value) in self.options {
            layer.insert(name.to_owned(), value.into());
        }
        let mut exports = vec![self.file];
        if let Some(bytes) = self.backing {
            layer.insert("backing".to_owned(), json!({ "driver": "raw", "file": at(1) }));
            exports.push(Export { bytes, endless: false, blank: Vec::new() });
        }
        let description = format!("json:{}", Value::Object(layer));
        let (server, stream) = Server::start(self.format, &description, self.snapshot.as_deref(), exports, scratch)?;
        let client = match Client::new(&server.place(), stream) {
            Ok(client) => client,
            Err(error) => return Err(server.refusal(error)),
        };
        let size_bytes = match self.size_bytes {
            Some(size) if size > client.size_bytes() => {
                return Err(ReadError::Corrupt { offset: 0, what: "the image holds less than its header says" });
            }
            Some(size) => size,
            None => client.size_bytes(),
        };
        Ok(Arc::new(Qemu { client, size_bytes, server }))
    }
}

/// Where QEMU finds an export: relative to its own working folder, whose path may be too long for a socket's name.
fn at(number: u32) -> Value {
    let server = json!({ "type": "unix", "path": server::GIVEN });
    json!({ "driver": "nbd", "server": server, "export": number.to_string() })
}

struct Qemu {
    client: Client,
    size_bytes: u64,
    /// It ends when the image is dropped.
    server: Server,
}

impl Image for Qemu {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if offset.checked_add(length).is_none_or(|end| end > self.size_bytes) {
            return Err(ReadError::Corrupt { offset, what: "the image ends before this" });
        }
        self.client.read_at(offset, buffer)
    }

    fn program(&self) -> Option<String> {
        Some(self.server.version())
    }
}
