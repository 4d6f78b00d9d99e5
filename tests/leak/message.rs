//! Mail of the tree: every header, name and word of it marked.
//!
//! **Invariant:** which addresses, date and words a message holds is noted as it is written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset};

use super::tree::{ADDRESSES, Builder, Mail, WORDS};

impl Builder {
    pub(super) fn mbox(&mut self, count: usize) -> (Vec<Mail>, Vec<u8>) {
        let mut mails = Vec::new();
        let mut stream = Vec::new();
        for number in 0..count {
            if number > 0 {
                stream.extend_from_slice(b"\n");
            }
            let mark = self.word("a From_ line");
            stream.extend_from_slice(format!("From {mark}@out.example Mon Apr  1 10:00:00 2024\n").as_bytes());
            let mut mail = self.message();
            mail.offset = stream.len();
            stream.extend_from_slice(&mail.bytes);
            mails.push(mail);
        }
        (mails, stream)
    }

    pub(super) fn message(&mut self) -> Mail {
        let mut mail = Mail::default();
        let mut text = String::new();
        let mark = self.word("a trace header");
        text.push_str(&format!("Received: from out.example ([203.0.113.9]) by in.example with ESMTP id {mark}\n"));
        for (role, header, percent) in [
            ("from", "From", 100),
            ("to", "To", 100),
            ("cc", "Cc", 30),
            ("bcc", "Bcc", 10),
            ("sender", "Sender", 10),
            ("reply-to", "Reply-To", 15),
        ] {
            if self.random.chance(percent) {
                let address = *self.random.pick(&ADDRESSES);
                let shown = if self.random.chance(20) { address.to_ascii_uppercase() } else { address.to_owned() };
                let name = self.word("a display name");
                text.push_str(&format!("{header}: \"{name}\" <{shown}>\n"));
                mail.addresses.push((role, address.to_owned()));
            }
        }
        self.date(&mut mail, &mut text);
        mail.message_id = format!("{}@host.example", self.word("a Message-ID"));
        text.push_str(&format!("Message-ID: <{}>\n", mail.message_id));
        let subject = self.word("a subject");
        if self.random.chance(15) {
            let hidden = *self.random.pick(&WORDS);
            let plain = format!("{subject} {hidden}");
            let encoded = STANDARD.encode(&plain);
            text.push_str(&format!("Subject: =?utf-8?B?{encoded}?=\n"));
            mail.decoded.extend_from_slice(plain.as_bytes());
        } else {
            text.push_str(&format!("Subject: {subject}\n"));
        }
        if self.random.chance(35) {
            self.parts(&mut mail, &mut text);
        } else {
            self.body(&mut mail, &mut text);
            mail.without = Some((text.clone().into_bytes(), 0));
        }
        mail.bytes = text.into_bytes();
        mail
    }

    fn date(&mut self, mail: &mut Mail, text: &mut String) {
        match self.random.below(14) {
            0 => {}
            1 => text.push_str("Date: sometime soon\n"),
            _ => {
                let time = self.time("the Date of a message");
                let zone = self.random.pick(&[0, 3600, -18_000]);
                let offset = FixedOffset::east_opt(*zone).unwrap();
                let local = DateTime::from_timestamp(time, 0).unwrap().with_timezone(&offset);
                text.push_str(&format!("Date: {}\n", local.format("%a, %d %b %Y %H:%M:%S %z")));
                mail.date = Some(time);
            }
        }
    }

    /// A text and attachments. Now and then nothing says where the last part ends.
    fn parts(&mut self, mail: &mut Mail, text: &mut String) {
        let (boundary, words) = (self.word("a boundary"), self.word("the words of a message with parts"));
        let shown = *self.random.pick(&WORDS);
        text.push_str(&format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\n\n"));
        text.push_str(&format!("--{boundary}\nContent-Type: text/plain\n\nDear {shown}, {words}\n"));
        let mut without = text.clone();
        let count = 1 + self.random.below(3);
        for number in 0..count {
            let (name, content) = (self.word("the name of an attachment"), self.word("the bytes of an attachment"));
            let hidden = *self.random.pick(&WORDS);
            let plain = format!("{content} {hidden}\n");
            let head = match number {
                0 => format!("Content-Type: application/pdf; name=\"{name}.pdf\"\nContent-Transfer-Encoding: base64\n"),
                1 => format!("Content-Type: text/plain\nContent-Disposition: attachment; filename={name}.txt\n"),
                _ => format!("Content-Type: message/rfc822\n\nSubject: {name}\n"),
            };
            let body = if number == 0 { STANDARD.encode(&plain) + "\n" } else { plain.clone() };
            if number == 0 {
                mail.decoded.extend_from_slice(format!(" {plain}").as_bytes());
            }
            text.push_str(&format!("--{boundary}\n{head}\n{body}"));
            without.push_str(&format!("--{boundary}\n"));
        }
        if self.random.chance(15) {
            return;
        }
        text.push_str(&format!("--{boundary}--\n"));
        without.push_str(&format!("--{boundary}--\n"));
        mail.without = Some((without.into_bytes(), count as u64));
    }

    fn body(&mut self, mail: &mut Mail, text: &mut String) {
        let mark = self.word("the words of a message");
        let word = *self.random.pick(&WORDS);
        let shown = if self.random.chance(40) { word } else { "nobody" };
        let plain = format!("Dear {shown},\n>From the {mark} on\nyours\n");
        if self.random.chance(20) {
            let encoded = STANDARD.encode(&plain);
            text.push_str("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n");
            text.push_str(&format!("Content-Transfer-Encoding: base64\n\n{encoded}\n"));
            mail.decoded.extend_from_slice(b" ");
            mail.decoded.extend_from_slice(plain.as_bytes());
        } else {
            text.push_str(&format!("\n{plain}"));
        }
    }
}
