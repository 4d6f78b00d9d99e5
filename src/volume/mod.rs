//! Volumes: windows on an image.
//!
//! This version reads images without a partition table: the one volume is `whole`. A partition table is refused by name.
//!
//! **Invariant:** a volume never reaches outside its image.
