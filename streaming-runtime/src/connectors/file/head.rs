//! What the first bytes of a file say about its encoding.

/// How many bytes are looked at.
pub(super) const HEAD: usize = 10;

/// The byte order mark of UTF-8, which is no text.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// How files begin that are no text in UTF-8, and what they are. The first that fits counts.
const OTHERS: [(&[u8], &str); 17] = [
    (b"\xff\xfe\0\0", "UTF-32, by its byte order mark"),
    (b"\0\0\xfe\xff", "UTF-32, by its byte order mark"),
    (b"\xff\xfe", "UTF-16, by its byte order mark"),
    (b"\xfe\xff", "UTF-16, by its byte order mark"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\x1f\x9d", "compressed with compress"),
    (b"\x1f\xa0", "compressed with compress"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4"),
    (b"\x02\x21\x4c\x18", "compressed with LZ4"),
    (b"\xff\x06\0\0sNaPpY", "compressed with Snappy"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\x89LZO\0\r\n\x1a\n", "compressed with LZO"),
];

/// What a file is that is no text in UTF-8, if its first bytes say so.
pub(super) fn other_than_text(head: &[u8]) -> Option<&'static str> {
    // Letters and a digit, and then the first block or the end: pi, or the square root of it.
    let is_bzip2 = head.len() == HEAD
        && head.starts_with(b"BZh")
        && head[3].is_ascii_digit()
        && [&b"1AY&SY"[..], b"\x17\x72\x45\x38\x50\x90"].contains(&&head[4..]);
    // A frame that a reader of Zstandard or LZ4 leaves out, as some tools write first.
    let is_skippable = head.len() >= 4 && head[0] & 0xf0 == 0x50 && head[1..4] == *b"\x2a\x4d\x18";
    let known = OTHERS.iter().find(|(bytes, _)| head.starts_with(bytes)).map(|(_, what)| *what);
    known
        .or(is_bzip2.then_some("compressed with bzip2"))
        .or(is_skippable.then_some("compressed with Zstandard or LZ4"))
}
