//! Signatures beside a package, through the program: made with keys and agents, held against OpenSSH's own in both
//! directions, and every way in which one does not count.

#[path = "tamper/fixture.rs"]
mod fixture;
#[path = "fixture/said.rs"]
mod said;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extract::signature::{Key, KeyError, KeyFile, Message, Signer};
use said::{Said, said};
use sha2::Digest as _;
use signature::Signer as _;
use tempfile::TempDir;

/// A folder with a package in it, the keys that a test makes, and the files of allowed signers that it writes.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("made")).unwrap();
        let package = fixture::package(&folder.path().join("made"), fixture::ORDER, 3);
        fs::rename(package, folder.path().join("2024-17.tar")).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A key pair of that name, by ssh-keygen.
    fn key(&self, name: &str, kind: &[&str], passphrase: &str) -> &Self {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-N", passphrase, "-C", "", "-f"]).arg(self.path(name)).arg("-t").args(kind);
        assert!(keygen.status().unwrap().success(), "{name}");
        self
    }

    /// The file `allowed`, in which the provider has those keys, each line with these options.
    fn allow(&self, options: &str, keys: &[&str]) {
        let lines: Vec<String> =
            keys.iter().map(|key| format!("provider {options} {}", self.read(&format!("{key}.pub")))).collect();
        self.write("allowed", lines.concat());
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.0.path()).env_remove("SSH_AUTH_SOCK").stdin(Stdio::null());
        command
    }

    fn extract(&self, arguments: &[&str]) -> Said {
        said(self.command(env!("CARGO_BIN_EXE_extract"), arguments).output().unwrap())
    }

    fn sign(&self, key: &str) -> Said {
        self.extract(&["sign", "2024-17.tar", "--key", key])
    }

    /// Whether stock OpenSSH takes the signature for one of the provider's; the words of the README.
    fn openssh_takes(&self, signature: &str) -> bool {
        let line = format!(
            "tar -xOf 2024-17.tar 2024-17/tagmanifest-sha256.txt | \
             ssh-keygen -Y verify -f allowed -I provider -n extract-package -s {signature}"
        );
        self.command("bash", &["-c", &line]).output().unwrap().status.success()
    }

    /// A signature by stock OpenSSH, as the package's first.
    fn openssh_signs(&self, key: &str, namespace: &str, more: &[&str]) {
        let _ = fs::remove_file(self.path("2024-17.tar.sig"));
        let output = self.command("tar", &["-xOf", "2024-17.tar", "2024-17/tagmanifest-sha256.txt"]).output().unwrap();
        self.write("tags", output.stdout);
        let mut arguments = vec!["-Y", "sign", "-f", key, "-n", namespace];
        arguments.extend(more);
        arguments.push("tags");
        assert!(self.command("ssh-keygen", &arguments).output().unwrap().status.success());
        fs::rename(self.path("tags.sig"), self.path("2024-17.tar.sig")).unwrap();
    }

    /// What `verify` says, with the allowed signers: exit code, state of the check, the texts of its findings.
    fn verified(&self) -> (i32, String, Vec<String>) {
        let said = self.extract(&["verify", "2024-17.tar", "--json", "--allowed-signers", "allowed"]);
        state(&said)
    }
}

fn state(said: &Said) -> (i32, String, Vec<String>) {
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let check = json["checks"].as_array().unwrap().iter().find(|check| check["name"] == "signature").unwrap();
    let findings = json["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == "signature");
    let texts = findings.map(|finding| finding["text"].as_str().unwrap().to_owned()).collect();
    (said.code, check["state"].as_str().unwrap().to_owned(), texts)
}

fn passed() -> (i32, String, Vec<String>) {
    (0, "passed".into(), Vec::new())
}

#[test]
fn every_kind_of_key_signs_for_openssh_and_for_verify_and_openssh_signs_for_us() {
    let place = Place::new();
    let kinds: [(&str, &[&str]); 6] = [
        ("ed25519", &["ed25519"]),
        ("p256", &["ecdsa", "-b", "256"]),
        ("p384", &["ecdsa", "-b", "384"]),
        ("p521", &["ecdsa", "-b", "521"]),
        ("rsa2048", &["rsa", "-b", "2048"]),
        ("rsa4096", &["rsa", "-b", "4096"]),
    ];
    let before = fs::read(place.path("2024-17.tar")).unwrap();
    for (name, kind) in kinds {
        place.key(name, kind, "").allow("", &[name]);
        let made = place.sign(name);
        assert_eq!((made.code, made.err.as_str()), (0, ""), "{name}");
        assert!(made.out.starts_with("signed: 2024-17.tar.sig, with the key SHA256:"), "{made:?}");
        assert!(place.openssh_takes("2024-17.tar.sig"), "{name}");
        assert_eq!(place.verified(), passed(), "{name}");
        for hash in ["sha512", "sha256"] {
            place.openssh_signs(name, "extract-package", &["-O", &format!("hashalg={hash}")]);
            assert_eq!(place.verified(), passed(), "{name} by OpenSSH over {hash}");
        }
        fs::remove_file(place.path("2024-17.tar.sig")).unwrap();
    }
    assert!(fs::read(place.path("2024-17.tar")).unwrap() == before, "signing changes no byte of a package");
}

/// OpenSSH writes a private number without the zeros that it begins with: one key of P-521 in four is so.
#[test]
fn a_key_whose_number_begins_with_zeros_signs_with_and_without_a_passphrase() {
    let place = Place::new();
    let is_short = |name: &str| ssh_key::PrivateKey::from_openssh(place.read(name)).is_err();
    let names: Vec<String> = (0..80).map(|number| format!("p521-{number}")).collect();
    let short = names.iter().find(|name| {
        place.key(name, &["ecdsa", "-b", "521"], "").allow("", &[name]);
        is_short(name)
    });
    let name = short.expect("of eighty keys one is short, but for one time in ten thousand millions");
    let made = place.sign(name);
    assert_eq!((made.code, made.err.as_str()), (0, ""));
    assert!(place.openssh_takes("2024-17.tar.sig") && place.verified() == passed());
    let path = place.path(name);
    let locked = place.command("ssh-keygen", &["-q", "-p", "-P", "", "-N", "secret", "-f", name]).output().unwrap();
    assert!(locked.status.success(), "{locked:?}");
    let KeyFile::Locked(key) = KeyFile::read(&path).unwrap() else { panic!("it is locked") };
    assert!(matches!(key.open("another"), Err(KeyError::Passphrase)));
    let key = key.open("secret").unwrap();
    assert_eq!(
        key.public().fingerprint(),
        Key::of_line(&place.read(&format!("{name}.pub"))).unwrap().unwrap().fingerprint()
    );
    let message = Message::of(&b"tags"[..]).unwrap();
    Signer::Key(Box::new(key)).sign(&message).unwrap().verify(&message).unwrap();
}

#[test]
fn further_signers_get_files_of_their_own_and_nothing_is_replaced() {
    let place = Place::new();
    place.key("one", &["ed25519"], "").key("two", &["ecdsa"], "").key("three", &["ed25519"], "");
    assert_eq!(place.sign("one").code, 0);
    let first = place.read("2024-17.tar.sig");
    assert_eq!(place.sign("two").code, 0);
    let again = place.sign("one");
    assert!(again.code == 1 && again.err.contains("this key has signed it already: 2024-17.tar.sig"), "{again:?}");
    assert_eq!(place.read("2024-17.tar.sig"), first);
    assert!(!place.path("2024-17.tar.3.sig").exists());
    place.allow("", &["one", "two"]);
    assert!(place.openssh_takes("2024-17.tar.sig") && place.openssh_takes("2024-17.tar.2.sig"));
    assert_eq!(place.verified(), passed());
    // All that lie there must be of keys that count.
    assert_eq!(place.sign("three").code, 0);
    let (code, state, texts) = place.verified();
    assert_eq!((code, state.as_str(), texts.len()), (1, "failed", 1));
    assert!(texts[0].starts_with("2024-17.tar.3.sig is by the key SHA256:"), "{texts:?}");
}

#[test]
fn without_allowed_signers_the_key_is_told_and_that_nobody_said_whose_it_is() {
    let place = Place::new();
    place.key("one", &["ed25519"], "");
    let unsigned = place.extract(&["verify", "2024-17.tar"]);
    assert!(unsigned.code == 0 && unsigned.out.contains("NOT SIGNED. No signature lies beside it"), "{unsigned:?}");
    place.allow("", &["one"]);
    let (code, check, texts) = place.verified();
    assert_eq!((code, check.as_str()), (1, "failed"));
    assert!(texts[0].starts_with("it is not signed: no signature lies beside it as 2024-17.tar.sig"), "{texts:?}");

    assert_eq!(place.sign("one").code, 0);
    let shown = place.command("ssh-keygen", &["-l", "-f", "one.pub"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let fingerprint = shown.split(' ').nth(1).unwrap();
    let plain = place.extract(&["verify", "2024-17.tar"]);
    for part in [
        &format!("2024-17.tar.sig: signed with the key {fingerprint} (ssh-ed25519)"),
        "Nobody has said whose key that is",
        "signature     not-run       signed, and nobody said whose key that is",
    ] {
        assert!(plain.out.contains(part), "{part} in\n{}", plain.out);
    }
    assert!(plain.code == 0 && !plain.out.contains("NOT SIGNED"));
    let named = place.extract(&["verify", "2024-17.tar", "--allowed-signers", "allowed"]);
    assert!(named.out.contains("The allowed signers say that this key is that of provider."), "{named:?}");
    assert!(named.out.contains("signature     passed"));
}

#[test]
fn every_way_of_not_counting_has_words_of_its_own() {
    let place = Place::new();
    place.key("one", &["ed25519"], "").key("other", &["ed25519"], "").key("weak", &["rsa", "-b", "1024"], "");
    place.sign("one");
    let good = place.read("2024-17.tar.sig");
    place.openssh_signs("one", "file", &[]);
    let other_namespace = place.read("2024-17.tar.sig");
    place.openssh_signs("weak", "extract-package", &[]);
    let weak = place.read("2024-17.tar.sig");
    // The same order over the same source, run at another time, is another package.
    place.write("tags", "d41d8cd9  order.toml\n");
    place.command("ssh-keygen", &["-Y", "sign", "-f", "one", "-n", "extract-package", "tags"]).output().unwrap();
    let other_package = place.read("tags.sig");
    let body: String = good.lines().filter(|line| !line.starts_with("--")).collect();
    let armored = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = STANDARD.decode(&body).unwrap();
        change(&mut bytes);
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(bytes))
    };
    let rows: [(&str, String, &str); 14] = [
        ("another namespace", other_namespace, "made for the namespace \"file\""),
        ("another package", other_package, "over this package: it was made over another one"),
        ("cut in its text", good[..good.len() / 2].to_owned(), "it is cut off"),
        ("cut within", armored(&|bytes| bytes.truncate(90)), "it ends too early"),
        ("not armored", body.clone(), "it is not an armored SSH signature"),
        ("empty", String::new(), "it is not an armored SSH signature"),
        ("not base64", good.replacen("U1NI", "U1N*", 1), "is not base64"),
        ("two in one file", format!("{good}{good}"), "something stands behind its end"),
        ("no magic", armored(&|bytes| bytes[0] = b'X'), "does not begin with SSHSIG"),
        ("another version", armored(&|bytes| bytes[9] = 2), "it is of version 2"),
        ("a tail", armored(&|bytes| bytes.push(0)), "something stands behind its last part"),
        (
            "a bit of the signature",
            armored(&|bytes| *bytes.last_mut().unwrap() ^= 1),
            "it is no signature of the key SHA256:",
        ),
        ("a weak key", weak, "its RSA key has 1024 bits"),
        ("another kind of key", armored(&|bytes| bytes[24] = b'8'), "is not read"),
    ];
    place.allow("", &["one", "weak"]);
    let mut told = Vec::new();
    for (what, text, words) in rows {
        place.write("2024-17.tar.sig", text);
        let (code, check, texts) = place.verified();
        assert_eq!((code, check.as_str(), texts.len()), (1, "failed", 1), "{what}: {texts:?}");
        assert!(
            texts[0].starts_with("2024-17.tar.sig does not count: ") && texts[0].contains(words),
            "{what}: {texts:?}"
        );
        // The same without a word on whose keys count: what does not fit is objected to.
        let (code, check, _) = state(&place.extract(&["verify", "2024-17.tar", "--json"]));
        assert_eq!((code, check.as_str()), (1, "failed"), "{what}");
        // Nor is anything signed beside it.
        assert!(place.sign("other").err.contains("move that away first"), "{what}");
        told.push(texts[0].clone());
    }
    place.write("2024-17.tar.sig", &good);
    for (options, keys, words) in [
        ("", &["other"][..], "no line of the allowed signers names it"),
        ("namespaces=\"git\"", &["one"], "but not for extract-package"),
        ("valid-before=\"20200101Z\"", &["one"], "give it to provider, but only until 2020-01-01 00:00:00 UTC"),
        ("valid-after=\"29990101Z\"", &["one"], "give it to provider, but only from 2999-01-01 00:00:00 UTC on"),
    ] {
        place.allow(options, keys);
        let (code, check, texts) = place.verified();
        assert_eq!((code, check.as_str(), texts.len()), (1, "failed", 1), "{words}: {texts:?}");
        assert!(texts[0].contains(words) && !place.openssh_takes("2024-17.tar.sig"), "{texts:?}");
        told.push(texts[0].clone());
    }
    told.sort();
    let count = told.len();
    told.dedup();
    // An empty file is not armored either, and whether a bit or the package is another cannot be told.
    assert_eq!(told.len(), count - 2);
}

#[test]
fn a_signature_of_a_gibibyte_a_pipe_and_a_folder_are_not_read() {
    let place = Place::new();
    place.key("one", &["ed25519"], "").allow("", &["one"]);
    fs::File::create(place.path("2024-17.tar.sig")).unwrap().set_len(1 << 30).unwrap();
    assert!(Command::new("mkfifo").arg(place.path("2024-17.tar.2.sig")).status().unwrap().success());
    fs::create_dir(place.path("2024-17.tar.3.sig")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.path("2024-17.tar.4.sig")).unwrap();
    let (code, check, texts) = place.verified();
    assert_eq!((code, check.as_str(), texts.len()), (1, "failed", 4), "{texts:?}");
    for (text, words) in texts.iter().zip(["has 1073741824 bytes", "regular file", "regular file", "cannot be read"]) {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn no_damage_to_a_signature_counts_or_panics() {
    let place = Place::new();
    for (name, kind) in [("one", &["ed25519"][..]), ("two", &["ecdsa"]), ("three", &["rsa", "-b", "2048"])] {
        place.key(name, kind, "");
        assert_eq!(place.sign(name).code, 0);
    }
    let output = place.command("tar", &["-xOf", "2024-17.tar", "2024-17/tagmanifest-sha256.txt"]).output().unwrap();
    let message = extract::signature::Message::of(output.stdout.as_slice()).unwrap();
    for name in ["2024-17.tar.sig", "2024-17.tar.2.sig", "2024-17.tar.3.sig"] {
        let text = place.read(name);
        let verified = |text: &str| {
            extract::signature::Envelope::read(text.as_bytes()).and_then(|envelope| envelope.verify(&message))
        };
        assert_eq!(verified(&text), Ok(()));
        let body: String = text.lines().filter(|line| !line.starts_with("--")).collect();
        let bytes = STANDARD.decode(&body).unwrap();
        for at in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= change;
                let changed =
                    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(bytes));
                assert!(verified(&changed).is_err(), "{name}: byte {at} ^ {change}");
            }
        }
    }
}

#[test]
fn a_signature_over_what_was_changed_does_not_pass() {
    let place = Place::new();
    place.key("one", &["ed25519"], "").allow("", &["one"]);
    place.sign("one");
    let mut bytes = fs::read(place.path("2024-17.tar")).unwrap();
    let at = bytes.windows(5).position(|window| window == b"id=1 ").unwrap();
    bytes[at + 3] = b'7';
    place.write("2024-17.tar", bytes);
    // The signature fits the sums, and the sums do not fit the bytes.
    assert_eq!(place.verified(), (1, "not-run".into(), Vec::new()));
    fs::remove_file(place.path("2024-17.tar.sig")).unwrap();
    let refused = place.sign("one");
    assert!(refused.code == 1 && refused.err.contains("does not pass its checks, so it is not signed"), "{refused:?}");
    assert!(!place.path("2024-17.tar.sig").exists());
}

#[test]
fn a_file_of_allowed_signers_that_is_not_understood_is_refused_as_a_whole() {
    let place = Place::new();
    place.key("one", &["ed25519"], "");
    place.sign("one");
    for (options, words) in [("cert-authority", "cert-authority"), ("valid-after=20200101", "no zone"), ("x", "\"x\"")]
    {
        place.allow(options, &["one"]);
        let refused = place.extract(&["verify", "2024-17.tar", "--allowed-signers", "allowed"]);
        assert!(refused.code == 2 && refused.out.is_empty(), "{refused:?}");
        assert!(refused.err.contains("allowed: line 1: ") && refused.err.contains(words), "{refused:?}");
    }
    let missing = place.extract(&["verify", "2024-17.tar", "--allowed-signers", "missing"]);
    assert!(missing.code == 2 && missing.err.contains("missing"), "{missing:?}");
}

#[test]
fn a_passphrase_is_asked_for_at_the_terminal_and_refused_without_one() {
    let place = Place::new();
    place.key("one", &["ed25519"], "correct horse").allow("", &["one"]);
    let program = env!("CARGO_BIN_EXE_extract");
    let refused =
        said(place.command("setsid", &["-w", program, "sign", "2024-17.tar", "--key", "one"]).output().unwrap());
    assert!(refused.code == 2 && refused.err.contains("no terminal to ask for it at"), "{refused:?}");
    assert!(refused.err.contains("hint: load the key into ssh-agent (ssh-add KEY)"), "{refused:?}");
    for (typed, code) in [("wrong", 2), ("correct horse", 0)] {
        let line = format!("'{program}' sign 2024-17.tar --key one");
        let mut command = place.command("script", &["-qec", &line, "/dev/null"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut shown = Vec::new();
        let mut out = child.stdout.take().unwrap();
        // Typed only once it is asked for: what is typed before may be thrown away.
        let mut byte = [0];
        while !shown.ends_with(b"Passphrase of one: ") && out.read(&mut byte).unwrap() == 1 {
            shown.push(byte[0]);
        }
        // A person takes longer than the terminal does to hide what is typed.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let mut keyboard = child.stdin.take().unwrap();
        keyboard.write_all(format!("{typed}\n").as_bytes()).unwrap();
        out.read_to_end(&mut shown).unwrap();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{shown}");
        assert!(!shown.contains(typed), "what is typed is not shown: {shown}");
        assert_eq!(shown.contains("this is not the passphrase of the key"), code == 2, "{shown}");
    }
    assert!(place.openssh_takes("2024-17.tar.sig"));
}

#[test]
fn keys_that_cannot_be_used_are_refused_with_what_to_do() {
    let place = Place::new();
    place.key("one", &["ed25519"], "").key("weak", &["rsa", "-b", "1024"], "").key("pem", &["rsa", "-m", "PEM"], "");
    place.write("nonsense", "nothing\n");
    place.write("long", vec![b'x'; 100_000]);
    for (key, words) in [
        ("missing", "cannot be read"),
        ("nonsense", "no key of OpenSSH"),
        ("long", "at most 65536 bytes"),
        (".", "regular file"),
        ("weak", "its RSA key has 1024 bits"),
        ("pem", "not in OpenSSH's format\nhint: ssh-keygen -p"),
        ("one.pub", "SSH_AUTH_SOCK names no ssh-agent"),
    ] {
        let refused = place.sign(key);
        assert!(refused.code == 2 && refused.err.contains(words), "{key}: {refused:?}");
    }
    assert!(!place.path("2024-17.tar.sig").exists());
}

#[test]
fn an_agent_signs_with_the_keys_that_it_holds() {
    let place = Place::new();
    place.key("one", &["ed25519"], "").key("two", &["rsa", "-b", "3072"], "").key("absent", &["ecdsa"], "");
    let mut agent = place.command("ssh-agent", &["-D", "-a", "socket"]).stdout(Stdio::null()).spawn().unwrap();
    let socket = place.path("socket");
    for _ in 0..500 {
        if UnixStream::connect(&socket).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let with_agent = |program: &str, arguments: &[&str]| {
        said(place.command(program, arguments).env("SSH_AUTH_SOCK", &socket).output().unwrap())
    };
    let added = with_agent("ssh-add", &["-q", "one", "two"]);
    let results: Vec<Said> = ["one.pub", "two.pub", "absent.pub"]
        .map(|key| with_agent(env!("CARGO_BIN_EXE_extract"), &["sign", "2024-17.tar", "--key", key]))
        .into();
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!((results[0].code, results[1].code, results[2].code), (0, 0, 2), "{results:?}");
    assert!(results[2].err.contains("ssh-agent does not hold the key SHA256:"), "{results:?}");
    place.allow("", &["one", "two"]);
    assert!(place.openssh_takes("2024-17.tar.sig") && place.openssh_takes("2024-17.tar.2.sig"));
    assert_eq!(place.verified(), passed());
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// An agent that holds a key as hardware would: it signs what FIDO's authenticators sign, or answers with `instead`.
fn hardware(socket: &Path, key: ssh_key::private::Ed25519Keypair, blob: Vec<u8>, instead: Option<Vec<u8>>) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            let answer = if request[0] == 11 {
                [&[12, 0, 0, 0, 1][..], &string(&blob), &string(b"a key in hardware")].concat()
            } else if let Some(instead) = &instead {
                instead.clone()
            } else {
                let data = &request[1 + 4 + blob.len() + 4..request.len() - 4];
                let tail = [1, 0, 0, 0, 9];
                let hash = |bytes: &[u8]| sha2::Sha256::digest(bytes).to_vec();
                let signed = [hash(b"ssh:"), tail.to_vec(), hash(data)].concat();
                let signature: ssh_key::Signature = key.sign(&signed);
                let body =
                    [string(b"sk-ssh-ed25519@openssh.com"), string(signature.as_bytes()), tail.to_vec()].concat();
                [vec![14], string(&body)].concat()
            };
            // The program may have gone: what it was told was too long.
            let _ = stream.write_all(&string(&answer));
        }
    });
}

#[test]
fn a_key_in_hardware_signs_through_its_agent_and_an_agent_that_answers_nonsense_does_not() {
    let place = Place::new();
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&[7; 32]);
    let blob = [string(b"sk-ssh-ed25519@openssh.com"), string(&pair.public.0), string(b"ssh:")].concat();
    place.write("sk.pub", format!("sk-ssh-ed25519@openssh.com {} held\n", STANDARD.encode(&blob)));
    place.allow("", &["sk"]);
    let signed = |socket: &str, instead: Option<Vec<u8>>| {
        let socket = place.path(socket);
        hardware(&socket, pair.clone(), blob.clone(), instead);
        let mut command = place.command(env!("CARGO_BIN_EXE_extract"), &["sign", "2024-17.tar", "--key", "sk.pub"]);
        said(command.env("SSH_AUTH_SOCK", socket).output().unwrap())
    };
    let mut long = vec![14];
    long.resize(300_000, 0);
    for (number, (instead, words)) in [
        (vec![5], "ssh-agent refused to sign"),
        (vec![14, 0, 0, 0, 9], "no answer to the question"),
        (long, "no answer to the question"),
        ([vec![14], string(&[&string(b"ssh-ed25519")[..], &string(&[0; 64])].concat())].concat(), "is no signature"),
        (Vec::new(), "refused to sign"),
    ]
    .into_iter()
    .enumerate()
    {
        let refused = signed(&format!("socket{number}"), Some(instead));
        assert!(refused.code == 1 && refused.err.contains(words), "{words}: {refused:?}");
        assert!(!place.path("2024-17.tar.sig").exists(), "{words}");
    }
    let made = signed("socket", None);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(place.openssh_takes("2024-17.tar.sig"));
    assert_eq!(place.verified(), passed());
}

/// The example's order, into this place, with more arguments.
fn example(place: &Place, arguments: &[&str]) -> Said {
    let order = Path::new(env!("CARGO_MANIFEST_DIR")).join("orders/2024-17.toml");
    let mut all = vec!["--order", order.to_str().unwrap(), "--output", "example.tar", "--sign", "one"];
    all.extend(arguments);
    place.extract(&all)
}

#[test]
fn a_run_signs_what_it_sealed_and_the_three_ways_of_checking_it_hold() {
    let place = Place::new();
    place.key("one", &["ed25519"], "").allow("", &["one"]);
    let done = example(&place, &[]);
    assert!(done.code == 0 && done.out.contains("\nsigned: example.tar.sig, with the key SHA256:"), "{done:?}");
    // Word for word as the package's own README tells, which knows the package by its order.
    fs::rename(place.path("example.tar"), place.path("2024-17.tar")).unwrap();
    fs::rename(place.path("example.tar.sig"), place.path("2024-17.tar.sig")).unwrap();
    place.write("allowed_signers", place.read("allowed"));
    let readme = place.command("tar", &["-xOf", "2024-17.tar", "2024-17/README.txt"]).output().unwrap();
    let readme = String::from_utf8(readme.stdout).unwrap();
    let ours = format!("{} verify", env!("CARGO_BIN_EXE_extract"));
    let (_, checks) = readme.split_once("HOW TO CHECK THIS PACKAGE").unwrap();
    // What is told of time-stamps has a test of its own.
    let (checks, _) = checks.split_once("A time-stamp").unwrap();
    let lines: Vec<String> = checks
        .lines()
        .filter(|line| line.starts_with("     ") && !line.trim().is_empty())
        .map(|line| line.replace("extract verify", &ours))
        .collect();
    let commands =
        format!("set -eo pipefail\n{}", lines.join("\n")).replace("\n     cd 2024-17\n", "\n     pushd 2024-17\n");
    let (inside, outside) = commands.split_once(&format!("     {ours} 2024-17.tar\n")).unwrap();
    let commands = format!("{inside}popd\n{ours} 2024-17.tar\n{outside}");
    let output = said(place.command("bash", &["-c", &commands]).output().unwrap());
    assert_eq!(output.code, 0, "{commands}\n{output:?}");
    for part in ["Good \"extract-package\" signature for provider", "signature     passed", "data/000001.eml: OK"] {
        assert!(output.out.contains(part), "{part} in\n{}", output.out);
    }
    assert!(!readme.contains("SHA256:"), "the package does not say who signed it");
}

#[test]
fn a_run_that_cannot_sign_says_so_and_leaves_the_package_as_it_is() {
    let place = Place::new();
    place.write("one", "no key\n");
    let refused = example(&place, &[]);
    assert!(refused.code == 2 && refused.err.contains("no key of OpenSSH"), "{refused:?}");
    assert!(!place.path("example.tar").exists(), "a key that cannot be used is found before the run");

    fs::remove_file(place.path("one")).unwrap();
    place.key("one", &["ed25519"], "");
    place.write("example.tar.sig", "of another package\n");
    let refused = example(&place, &[]);
    assert!(refused.code == 1 && refused.err.contains("example.tar.sig lies where a signature"), "{refused:?}");
    assert!(!place.path("example.tar").exists());
    fs::remove_file(place.path("example.tar.sig")).unwrap();

    // An agent that holds the key and refuses when it comes to signing.
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&[7; 32]);
    let blob = [string(b"ssh-ed25519"), string(&pair.public.0)].concat();
    place.write("one", format!("ssh-ed25519 {} held\n", STANDARD.encode(&blob)));
    hardware(&place.path("socket"), pair, blob, Some(vec![5]));
    let order = Path::new(env!("CARGO_MANIFEST_DIR")).join("orders/2024-17.toml");
    let arguments = ["--order", order.to_str().unwrap(), "--output", "example.tar", "--sign", "one", "--json"];
    let mut command = place.command(env!("CARGO_BIN_EXE_extract"), &arguments);
    let unsigned = said(command.env("SSH_AUTH_SOCK", place.path("socket")).output().unwrap());
    assert_eq!(unsigned.code, 1, "{unsigned:?}");
    assert!(
        unsigned.err.contains("example.tar is sealed, and it is NOT SIGNED: ssh-agent refused to sign"),
        "{unsigned:?}"
    );
    assert!(!place.path("example.tar.sig").exists());
    assert_eq!(place.extract(&["verify", "example.tar"]).code, 0);
}

#[test]
fn a_preview_is_not_signed() {
    let place = Place::new();
    assert_eq!(example(&place, &["--dry-run"]).code, 2);
}
