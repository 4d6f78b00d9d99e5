//! `README.txt`: how a recipient checks the package with tools that every machine has.
//!
//! **Invariant:** it depends on the order's id alone.

/// The text for an order.
pub fn text(id: &str) -> String {
    format!(
        r#"DISCLOSURE UNDER ORDER {id}

This package holds what the order asks for, and nothing else. Begin with
report.html; it opens in any browser and needs no network.

  order.toml       the order, as it was carried out
  data/            what is disclosed, numbered
  exhibits.jsonl   one line an exhibit: where it was found, when, under which
                   clause of the order
  records/         where an exhibit is lines of a log: one line a record
  disclosure.json  what each clause came to, and what is short or undecided
  custody.jsonl    who did what when

File names in data/ are numbers. The names and places that the files had on
the server are in exhibits.jsonl.


HOW TO CHECK THIS PACKAGE

1. Unpack it:

     tar -xf {id}.tar
     cd {id}

2. Check that no file has changed since the package was made. Both commands
   must say OK for every file:

     sha256sum -c manifest-sha256.txt
     sha256sum -c tagmanifest-sha256.txt

   The package is also a BagIt bag (RFC 8493), so that any tool for such bags
   can check it.

3. Compare the digest of the disclosure with the one that the provider gives
   you by another way. The digest stands in disclosure.json; this computes it
   anew:

     sed 's/,"digest":"[0-9a-f]*"//' disclosure.json | sha256sum

   The same order, the same provider's file (what is held back) and the same
   sources always give the same digest.

4. With the program "extract", without a network and without the provider:

     extract verify {id}.tar

   It checks every sum and every count, and decides again, for each exhibit
   and each record, whether the order covers it.

"#
    ) + &limits(id)
}

/// The last part: what takes a signature, or the sources.
fn limits(id: &str) -> String {
    format!(
        r#"
WHAT THESE CHECKS CANNOT SHOW

This package itself is not signed. Whoever can change a file in it can also
change the sums. A signature, if one was made, lies beside the package as
{id}.tar.sig, those of further signers as {id}.tar.2.sig and so on. Each is
over tagmanifest-sha256.txt, which binds every other file. To check one, write
a file allowed_signers with one line: the word provider, a space, and the
provider's public key as you know it from elsewhere, never from where you have
this package from. Then, in the folder that holds {id}.tar, with OpenSSH:

     tar -xOf {id}.tar {id}/tagmanifest-sha256.txt |
       ssh-keygen -Y verify -f allowed_signers -I provider \
         -n extract-package -s {id}.tar.sig

or, for all signatures at once and with all the checks above:

     extract verify {id}.tar --allowed-signers allowed_signers

A time-stamp, if one was obtained, lies beside the package as {id}.tar.tsr,
later ones as {id}.tar.2.tsr and so on: an authority says that the package
existed, as it is now, at that time at the latest (RFC 3161). With the
certificate of the authority's root in CA.pem, as you know it from elsewhere:

     openssl ts -verify -data {id}/tagmanifest-sha256.txt \
       -in {id}.tar.tsr -CAfile CA.pem
     extract verify {id}.tar --tsa-ca CA.pem

No check of the package alone can show that nothing is missing. That can only
be shown with the sources, by running the order again and comparing digests.
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_names_the_checks_and_the_missing_signature() {
        let text = text("2024-17");
        for part in [
            "tar -xf 2024-17.tar",
            "sha256sum -c manifest-sha256.txt",
            "sha256sum -c tagmanifest-sha256.txt",
            "extract verify 2024-17.tar",
            "not signed",
            "2024-17.tar.sig",
            "tar -xOf 2024-17.tar 2024-17/tagmanifest-sha256.txt |",
            "ssh-keygen -Y verify",
            "extract verify 2024-17.tar --allowed-signers allowed_signers",
            "openssl ts -verify -data 2024-17/tagmanifest-sha256.txt",
            "extract verify 2024-17.tar --tsa-ca CA.pem",
        ] {
            assert!(text.contains(part), "{part}");
        }
        assert!(text.is_ascii() && text.ends_with('\n'));
    }
}
