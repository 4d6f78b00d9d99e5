//! The two hashes that a journal may hold over a data object: Jenkins' lookup3, and SipHash-2-4 keyed by the file.
//!
//! Sources: Bob Jenkins, `lookup3.c` (`hashlittle2`, both seeds zero, the first result in the upper half, as systemd's
//! `jenkins_hash64`); Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
//!
//! **Invariant:** total: any bytes have a hash.

/// systemd's `jenkins_hash64`.
pub(super) fn lookup3(bytes: &[u8]) -> u64 {
    // The algorithm counts lengths in 32 bits; what is hashed here is far shorter.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let start = 0xdead_beef_u32.wrapping_add(length);
    let mut state = [start; 3];
    let mut rest = bytes;
    while rest.len() > 12 {
        let (block, behind) = rest.split_at(12);
        add(&mut state, block);
        mix(&mut state);
        rest = behind;
    }
    if !rest.is_empty() {
        add(&mut state, rest);
        finish(&mut state);
    }
    let [_, b, c] = state;
    u64::from(c) << 32 | u64::from(b)
}

/// Adds up to twelve bytes as three little-endian words; those that are missing are zero.
fn add(state: &mut [u32; 3], bytes: &[u8]) {
    for (word, four) in state.iter_mut().zip(bytes.chunks(4)) {
        let mut padded = [0; 4];
        for (to, from) in padded.iter_mut().zip(four) {
            *to = *from;
        }
        *word = word.wrapping_add(u32::from_le_bytes(padded));
    }
}

fn mix([a, b, c]: &mut [u32; 3]) {
    let turn = |x: &mut u32, y: &mut u32, z: &mut u32, bits: u32| {
        *x = x.wrapping_sub(*z) ^ z.rotate_left(bits);
        *z = z.wrapping_add(*y);
    };
    turn(a, b, c, 4);
    turn(b, c, a, 6);
    turn(c, a, b, 8);
    turn(a, b, c, 16);
    turn(b, c, a, 19);
    turn(c, a, b, 4);
}

fn finish([a, b, c]: &mut [u32; 3]) {
    let turn = |x: &mut u32, y: &u32, bits: u32| *x = (*x ^ y).wrapping_sub(y.rotate_left(bits));
    turn(c, b, 14);
    turn(a, c, 11);
    turn(b, a, 25);
    turn(c, b, 16);
    turn(a, c, 4);
    turn(b, a, 14);
    turn(c, b, 24);
}

/// SipHash-2-4 with that key.
pub(super) fn siphash24(bytes: &[u8], key: [u8; 16]) -> u64 {
    let key = u128::from_le_bytes(key);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the key")]
    let (k0, k1) = (key as u64, (key >> 64) as u64);
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        absorb(&mut v, u64::from_le_bytes(*word));
    }
    let mut last = (bytes.len() as u64) << 56;
    for (place, byte) in rest.iter().enumerate() {
        last |= u64::from(*byte) << (8 * place);
    }
    absorb(&mut v, last);
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn absorb(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    round(v);
    round(v);
    v[0] ^= word;
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_those_that_their_authors_published() {
        // lookup3.c, driver5.
        let four_score = b"Four score and seven years ago";
        for (text, expected) in
            [(b"".as_slice(), 0xdead_beef_dead_beef), (four_score.as_slice(), 0x1777_0551_ce72_26e6)]
        {
            assert_eq!(lookup3(text), expected, "{text:?}");
        }
        // The paper, appendix A, and the first and last of the reference implementation's vectors.
        let key: [u8; 16] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let input: Vec<u8> = (0..63).collect();
        for (length, expected) in [(0, 0x726f_db47_dd0e_0e31), (15, 0xa129_ca61_49be_45e5), (63, 0x958a_324c_eb06_4572)]
        {
            assert_eq!(siphash24(&input[..length], key), expected, "{length} bytes");
        }
    }
}
