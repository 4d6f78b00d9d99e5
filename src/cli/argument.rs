//! The words of the command line, as the contract fixes them.
//!
//! **Invariant:** nothing is read or written here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::time_stamp::Hash;

/// Discloses the letter of a court order and nothing else, in a package that anyone can check.
#[derive(Debug, Parser)]
#[command(name = "extract", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    after_help = "Exit codes: 0 complete; 1 refused, findings, or a replay that differs; 2 usage or an invalid order; \
3 sealed or previewed with something short, undecided or a clause not answered."
)]
pub struct Arguments {
    /// What else to do than to run an order.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to run.
    #[command(flatten)]
    pub run: RunArguments,
}

/// What the command line says of the sources of an order.
#[derive(Debug, Args)]
pub struct GivenSources {
    /// Where a source is: overrides the provider file. May be given for each source.
    #[arg(long = "source", value_name = "NAME=PATH", value_parser = source)]
    pub sources: Vec<SourceArgument>,
    /// What opens the encrypted volumes of a source: a file that holds its passphrase or key, and nothing else.
    #[arg(long = "key", value_name = "SOURCE=FILE", value_parser = key)]
    pub keys: Vec<SourceArgument>,
}

/// Running an order.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The order (orders/2024-17.toml); its provider file is looked for beside it (orders/2024-17.provider.toml).
    #[arg(long, value_name = "ORDER", required = true)]
    pub order: Option<PathBuf>,
    /// Where its sources are, and what opens them.
    #[command(flatten)]
    pub given: GivenSources,
    /// The package to write [default: the order's id and .tar, or .tar.age with --recipient, in this folder]. An existing
    /// file is never overwritten.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Who runs the disclosure: overrides the provider file.
    #[arg(long, value_name = "NAME")]
    pub custodian: Option<String>,
    /// Encrypt the package, so that this recipient can open it and nobody else: a public key of age (age1...) or of SSH
    /// (ssh-ed25519 or ssh-rsa), or a file with one a line. May be given for each recipient.
    #[arg(long = "recipient", value_name = "KEY|FILE", conflicts_with = "dry_run")]
    pub recipients: Vec<OsString>,
    /// Sign the package once it is sealed, as `extract sign` does: a private key of OpenSSH, or a public one (.pub) whose
    /// private key ssh-agent holds. The signature lies beside the package.
    #[arg(long, value_name = "KEY", conflicts_with = "dry_run")]
    pub sign: Option<PathBuf>,
    /// Read and hash what the run would, say what would be disclosed by clause, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Say the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// No progress and no summary.
    #[arg(long)]
    pub quiet: bool,
    /// Streams read at the same time [default: one a core]. The result does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check an order and its provider file, and say what they mean.
    Check {
        /// The order.
        order: PathBuf,
        /// Give the provider file a new random salt where it has none.
        #[arg(long)]
        fix_salt: bool,
    },
    /// Check a package, offline and without its sources.
    Verify(VerifyArguments),
    /// Sign a package that passes every check; the signature is a file beside it, and the package stays as it is.
    Sign {
        /// The package.
        package: PathBuf,
        /// A private key of OpenSSH, or a public one (.pub) whose private key ssh-agent holds, as those in hardware.
        #[arg(long, value_name = "KEY")]
        key: PathBuf,
        /// What opens an encrypted package, as for verify.
        #[arg(long = "identity", value_name = "FILE")]
        identities: Vec<PathBuf>,
    },
    /// Have a package that passes every check stamped by a time-stamp authority (RFC 3161), in two steps without a network.
    ///
    /// --request writes PACKAGE.tsq, which you send to an authority; --attach takes its answer, and lays it beside the package
    /// as PACKAGE.tsr. A later stamp over the same package has the next number: PACKAGE.2.tsq, PACKAGE.2.tsr.
    Stamp(StampArguments),
    /// Run the order of a package again on its sources, and say whether the same comes of it.
    ///
    /// Where it does not: which exhibits differ, and which parts of the two runs explain it. Nothing is written. Exit codes: 0
    /// identical, also where the package says itself that something is short; 1 different, or refused; 2 usage or an invalid order.
    Replay(ReplayArguments),
    /// Write the receipt that a recipient signs back, for a package that passes every check; or say whether one is for it.
    ///
    /// Exit codes: 0 written, or the receipt is for this package and its signature counts; 1 refused; 2 usage.
    Receipt(ReceiptArguments),
    /// Say by which comparison a file or a record is in, outside, withheld or undecided. For the provider's staff.
    Explain(ExplainArguments),
    /// Say what an order's sources hold: images, volumes, file systems, and what of it is not read. Of files it tells no name.
    /// It needs of the order its sources alone. For the provider's staff.
    Sources(SourcesArguments),
}

/// Verifying a package.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The package; signatures and time-stamps are looked for beside its tar (2024-17.tar.sig, 2024-17.tar.2.sig, ...,
    /// 2024-17.tar.tsr, ...).
    pub package: PathBuf,
    /// What opens an encrypted package: a file of age's identities, or a private key of OpenSSH. May be given several times.
    #[arg(long = "identity", value_name = "FILE")]
    pub identities: Vec<PathBuf>,
    /// Whose signatures count: a file in the allowed_signers format of ssh-keygen. With it, an unsigned package is a finding.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Whose time-stamps count: certificates of authorities in PEM, as openssl's -CAfile. With it, a package without a
    /// time-stamp is a finding.
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Option<PathBuf>,
    /// Say the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Having a package stamped.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("step").required(true).args(["request", "attach"]))]
pub struct StampArguments {
    /// The package.
    pub package: PathBuf,
    /// Write the request for an authority.
    #[arg(long)]
    pub request: bool,
    /// The hash of the package that the authority sees.
    #[arg(long, value_name = "HASH", conflicts_with = "attach", default_value = "sha256", value_parser = hash)]
    pub hash: Hash,
    /// Lay an authority's answer beside the package, once it was found to be a stamp over it.
    #[arg(long, value_name = "FILE")]
    pub attach: Option<PathBuf>,
    /// Attach only a stamp that leads to one of these authorities: certificates in PEM, as openssl's -CAfile.
    #[arg(long, value_name = "FILE", conflicts_with = "request")]
    pub tsa_ca: Option<PathBuf>,
    /// What opens an encrypted package, as for verify.
    #[arg(long = "identity", value_name = "FILE")]
    pub identities: Vec<PathBuf>,
}

/// Replaying a package.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The package. It is verified first, and one with findings is not replayed.
    pub package: PathBuf,
    /// What opens an encrypted package, as for verify.
    #[arg(long = "identity", value_name = "FILE")]
    pub identities: Vec<PathBuf>,
    /// The order: byte for byte the one in the package. Its provider file is looked for beside it.
    #[arg(long)]
    pub order: PathBuf,
    /// Where its sources are, and what opens them.
    #[command(flatten)]
    pub given: GivenSources,
    /// Say the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// No progress and no result but the exit code (and --json).
    #[arg(long)]
    pub quiet: bool,
    /// Streams read at the same time [default: one a core]. The result does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// Writing or checking a receipt.
#[derive(Debug, Args)]
pub struct ReceiptArguments {
    /// The package, as it was received.
    pub package: PathBuf,
    /// Who receives it, as it shall stand in the receipt.
    #[arg(long, value_name = "NAME", required_unless_present = "check", conflicts_with = "check")]
    pub recipient_name: Option<String>,
    /// What opens an encrypted package, as for verify.
    #[arg(long = "identity", value_name = "FILE", conflicts_with = "check")]
    pub identities: Vec<PathBuf>,
    /// The receipt to write [default: beside the package, 2024-17.tar.receipt]. An existing file is never overwritten.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub output: Option<PathBuf>,
    /// Sign the receipt as `ssh-keygen -Y sign -n extract-receipt` does: a private key of OpenSSH, or a public one (.pub).
    #[arg(long, value_name = "KEY", conflicts_with = "check")]
    pub sign: Option<PathBuf>,
    /// Whose signatures count: on the package where a receipt is written, on the receipt where one is checked.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Check this receipt instead: is it for this package, and by whom is it signed (FILE.sig)?
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
}

/// Looking at sources.
#[derive(Debug, Args)]
pub struct SourcesArguments {
    /// The order; its clauses need not be written yet.
    #[arg(long)]
    pub order: PathBuf,
    /// Where its sources are, and what opens them.
    #[command(flatten)]
    pub given: GivenSources,
}

/// Explaining decisions.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The order.
    #[arg(long)]
    pub order: PathBuf,
    /// Where its sources are, and what opens them.
    #[command(flatten)]
    pub given: GivenSources,
    /// List every undecided file and record instead.
    #[arg(long)]
    pub undecided: bool,
    /// A path of the server; with :OFFSET the record that holds that byte of the (decompressed) stream.
    #[arg(value_name = "PATH[:OFFSET]", required_unless_present = "undecided")]
    pub places: Vec<OsString>,
}

/// `NAME=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceArgument {
    /// The source's name in the order.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

fn source(text: &str) -> Result<SourceArgument, String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok(SourceArgument { name: name.to_owned(), path: PathBuf::from(path) })
        }
        _ => Err("write NAME=PATH".to_owned()),
    }
}

fn hash(text: &str) -> Result<Hash, String> {
    Hash::ALL.into_iter().find(|hash| hash.name() == text).ok_or_else(|| "write sha256, sha384 or sha512".to_owned())
}

fn key(text: &str) -> Result<SourceArgument, String> {
    source(text).map_err(|_| "write SOURCE=FILE; a key itself never stands on the command line".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_order_is_required_unless_a_command_is_given() {
        assert!(Arguments::try_parse_from(["extract"]).is_err());
        assert!(Arguments::try_parse_from(["extract", "--order", "o.toml"]).is_ok());
        assert!(Arguments::try_parse_from(["extract", "verify", "p.tar"]).is_ok());
        assert!(Arguments::try_parse_from(["extract", "--order", "o.toml", "--source", "mail01"]).is_err());
        assert!(Arguments::try_parse_from(["extract", "explain", "--order", "o.toml"]).is_err());
        assert!(Arguments::try_parse_from(["extract", "explain", "--order", "o.toml", "--undecided"]).is_ok());
    }
}
