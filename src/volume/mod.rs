//! Volumes: windows on an image.
//!
//! This version reads images without a partition table: the one volume is `whole`. A partition table is refused by name,
//! and so is every other known content that is not a file system of ours.
//!
//! **Invariant:** a volume never reaches outside its image.

use std::sync::Arc;

use crate::image::{Image, Windowed, signature};
use crate::read_error::ReadError;

/// The name of the one volume of an image without a partition table.
pub const WHOLE: &str = "whole";

/// A window on an image.
pub struct Volume {
    /// Its name in an order's `mounts` and in the ledger.
    pub name: String,
    /// Its bytes.
    pub bytes: Arc<dyn Image>,
}

/// The volumes of an image, by number.
pub fn list(image: Arc<dyn Image>) -> Result<Vec<Volume>, ReadError> {
    let names = signature::of(image.as_ref())?;
    if names.as_slice() != [signature::EXT] {
        return Err(signature::refusal(&names));
    }
    Ok(vec![Volume { name: WHOLE.to_owned(), bytes: Arc::new(Windowed::new(image)) }])
}
