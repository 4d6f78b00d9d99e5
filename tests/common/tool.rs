//! Running the tools that make images.

use std::path::Path;
use std::process::Command;

/// Runs a tool that must succeed; Debian keeps some of them where only root's path leads.
pub fn run(tool: &str, arguments: &[&str]) -> String {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(tool).args(arguments).env("PATH", path).output();
    let output = output.unwrap_or_else(|error| panic!("{tool} could not be run: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{tool} {arguments:?} failed: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A path as the tools take it.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary folder in UTF-8")
}

/// One change to an ext image by debugfs, which must not complain.
pub fn debugfs(image: &Path, request: &str) -> String {
    run("debugfs", &["-w", "-R", request, text(image)])
}
