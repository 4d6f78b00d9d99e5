//! A tar taken apart into its members' headers, bytes and padding, and put together again: for writing broken ones.

use std::fmt::Write as _;

const BLOCK: usize = 512;

/// One member as it stands in the tar.
#[derive(Clone, Debug)]
pub struct Raw {
    pub header: Vec<u8>,
    pub bytes: Vec<u8>,
    pub padding: Vec<u8>,
}

/// A tar.
#[derive(Clone, Debug)]
pub struct Tape {
    pub members: Vec<Raw>,
    pub end: Vec<u8>,
}

impl Raw {
    /// A member with the header that a package's member of that name has.
    pub fn new(name: &str, bytes: Vec<u8>) -> Self {
        let header = extract::package::layout::header(name.as_bytes(), bytes.len() as u64);
        let padding = vec![0; (BLOCK - bytes.len() % BLOCK) % BLOCK];
        Self { header, bytes, padding }
    }

    pub fn name(&self) -> String {
        let field = self.header[..100].split(|byte| *byte == 0).next().unwrap();
        String::from_utf8(field.to_vec()).unwrap()
    }

    /// Overwrites a stretch of the header and makes its checksum anew.
    pub fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
        self.header[148..156].copy_from_slice(b"        ");
        let sum: u32 = self.header[..BLOCK].iter().map(|byte| u32::from(*byte)).sum();
        let mut text = String::new();
        write!(text, "{sum:06o}\0 ").unwrap();
        self.header[148..156].copy_from_slice(text.as_bytes());
    }
}

impl Tape {
    /// Takes a well-formed tar of plain members apart.
    pub fn read(tar: &[u8]) -> Self {
        let mut members = Vec::new();
        let mut at = 0;
        while tar[at] != 0 {
            let header = tar[at..at + BLOCK].to_vec();
            let size = usize::from_str_radix(std::str::from_utf8(&header[124..135]).unwrap(), 8).unwrap();
            at += BLOCK;
            let bytes = tar[at..at + size].to_vec();
            at += size;
            let padding = vec![0; (BLOCK - size % BLOCK) % BLOCK];
            at += padding.len();
            members.push(Raw { header, bytes, padding });
        }
        Self { members, end: tar[at..].to_vec() }
    }

    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for member in &self.members {
            out.extend_from_slice(&member.header);
            out.extend_from_slice(&member.bytes);
            out.extend_from_slice(&member.padding);
        }
        out.extend_from_slice(&self.end);
        out
    }

    /// The top folder.
    pub fn top(&self) -> String {
        self.members[0].name().split('/').next().unwrap().to_owned()
    }

    /// The place of the member of that name below the top folder.
    pub fn place(&self, name: &str) -> usize {
        let wanted = format!("{}/{name}", self.top());
        let found = self.members.iter().position(|member| member.name() == wanted);
        found.unwrap_or_else(|| panic!("no member {name}"))
    }

    pub fn has(&self, name: &str) -> bool {
        let wanted = format!("{}/{name}", self.top());
        self.members.iter().any(|member| member.name() == wanted)
    }

    pub fn get(&self, name: &str) -> &[u8] {
        &self.members[self.place(name)].bytes
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.get(name).to_vec()).unwrap()
    }

    /// Gives a member other bytes, with the header that fits them.
    pub fn put(&mut self, name: &str, bytes: Vec<u8>) {
        let full = format!("{}/{name}", self.top());
        let place = self.place(name);
        self.members[place] = Raw::new(&full, bytes);
    }

    /// The names below the top folder that begin with `prefix`.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let top = self.top() + "/";
        let names = self.members.iter().filter_map(|member| member.name().strip_prefix(&top).map(str::to_owned));
        names.filter(|name| name.starts_with(prefix)).collect()
    }
}
