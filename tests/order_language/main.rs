//! The order language: every rule of it is a finding of its own, all are shown at once, and the page that teaches it
//! is true.

mod bound;
mod broken;
mod file;
mod meaning;
mod page;

use extract::order::{self, Diagnostic, Given, ManifestText, Manifests, Severity};

/// The example of the specification.
const GOOD: &str = r#"schema = "order/1"

[order]
id = "2024-17"
legal_basis = "pace-sch1"
authority = "Example Constabulary"
court = "Crown Court at Example"
reference = "OP-123"
made = 2024-04-08
served = 2024-04-09T09:40:00Z
due = "P7D"
expires = 2024-05-08
zone = "Europe/London"

[[source]]
name = "mail01"
zone = "Europe/London"

[[clause]]
id = "3a"
text = "all e-mails between alice@shop.example and bob@supplies.example from 25 March to 7 April 2024"
source = "mail01"
category = "content"
paths = ["/var/mail/alice", "/home/alice/Maildir/**"]
take = "records"
identifiers = [{ email = "alice@shop.example", role = ["from", "to", "cc"] }]
with = [{ email = "bob@supplies.example", role = ["from", "to", "cc"] }]
window = { from = 2024-03-25, through = 2024-04-07, clock = "date-header" }
limit = { records = 500 }
"#;

const GOOD_PROVIDER: &str = r#"schema = "provider/1"
salt = "000102030405060708090a0b0c0d0e0f"
custodian = "Duty officer 7"

[[source]]
name = "mail01"
path = "../examples/mail01.qcow2"
mounts = { "p2" = "/", "vg/var" = "/var" }

[[withhold]]
class = "privileged"
identifiers = [{ domain = "lawfirm.example" }]
"#;

fn order_text(bytes: &[u8]) -> ManifestText<'_> {
    ManifestText { name: "order.toml", bytes }
}

fn provider_text(bytes: &[u8]) -> ManifestText<'_> {
    ManifestText { name: "order.provider.toml", bytes }
}

fn run(order: &str, provider: Option<&str>) -> Result<Manifests, Vec<Diagnostic>> {
    order::read(order_text(order.as_bytes()), provider.map(|text| provider_text(text.as_bytes())), &Given::default())
}

fn findings(result: Result<Manifests, Vec<Diagnostic>>) -> Vec<Diagnostic> {
    match result {
        Ok(manifests) => manifests.warnings,
        Err(findings) => {
            assert!(findings.iter().any(|one| one.severity == Severity::Error), "refused without an error");
            findings
        }
    }
}

/// `text` with each of the changes made at its one place.
fn with(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (old, new) in changes {
        assert_eq!(text.matches(old).count(), 1, "{old:?} must stand in the text once");
        text = text.replace(old, new);
    }
    text
}
