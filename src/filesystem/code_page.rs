//! Code page 437: what the bytes of a name mean that DOS wrote.
//!
//! FAT does not say in which code page its short names are. This is the one that `mount -t vfat` takes unless it is told
//! another one, so a name comes out as a server saw it that mounted the volume so and showed names in UTF-8. In a zip
//! archive it is the one that the format itself names.
//!
//! **Invariant:** different bytes give different signs, but for letters that the entry itself says are small ones.

/// What the bytes from 0x80 on mean.
const UPPER: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}"
);

/// The sign that a byte stands for.
pub(super) fn sign(byte: u8) -> char {
    let upper = byte.checked_sub(0x80).and_then(|index| UPPER.chars().nth(usize::from(index)));
    upper.unwrap_or(char::from(byte))
}

/// Its small letter, where the code page has it.
pub(super) fn small(sign: char) -> char {
    let mut small = sign.to_lowercase();
    match (small.next(), small.next()) {
        (Some(one), None) if one.is_ascii() || UPPER.contains(one) => one,
        _ => sign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_sign_and_small_letters_stay_in_the_code_page() {
        assert_eq!(UPPER.chars().count(), 128);
        let signs: std::collections::BTreeSet<char> = (0..=255).map(sign).collect();
        assert_eq!(signs.len(), 256);
        for (byte, expected) in [(0x41, 'a'), (0x80, 'ç'), (0x9a, 'ü'), (0xe2, 'Γ'), (0xe4, 'σ'), (0xe8, 'φ')] {
            assert_eq!(small(sign(byte)), expected, "{byte:#x}");
        }
    }
}
