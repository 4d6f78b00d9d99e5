//! Volumes: tables, arrays, groups and encryption, against what made them and against the corpora.
//!
//! A tool that is not installed is named, and what it would have checked is left out, unless EXTRACT_TOOLS is set.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

#[path = "volume/seen.rs"]
mod seen;

#[path = "volume/table.rs"]
mod table;

#[path = "volume/array.rs"]
mod array;

#[path = "volume/group.rs"]
mod group;

#[path = "volume/locked.rs"]
mod locked;
