//! Bytes that arrived and were not read yet.

/// How much a reader wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// Up to the next line end, which is taken but not given.
    Line,
    /// Everything until the end.
    Rest,
    /// At most so many bytes; fewer only at the end.
    Bytes(usize),
    /// So many code points of UTF-8.
    Chars(usize),
    /// Nothing, as soon as it is known whether the end is reached.
    Peek,
}

/// What is there for a reader.
#[derive(PartialEq, Eq, Debug)]
pub enum Got {
    Bytes(Vec<u8>),
    /// Nothing, and nothing will come. ([`Want::Rest`] gets an empty text instead.)
    End,
    /// Read more and ask again.
    More,
}

#[derive(Default)]
pub struct Buffered {
    bytes: Vec<u8>,
    /// Bytes before this are read.
    at: usize,
    /// Bytes before this hold no line end: a long line is searched once, however small its pieces are.
    searched: usize,
    /// No more bytes will come.
    pub ended: bool,
}

impl Buffered {
    /// All of a text, ended.
    pub fn text(text: String) -> Buffered {
        Buffered { bytes: text.into_bytes(), ended: true, ..Buffered::default() }
    }

    pub fn unread(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub fn push(&mut self, bytes: &[u8]) {
        if self.at > 0 && self.at >= self.bytes.len() / 2 {
            self.bytes.drain(..self.at);
            self.searched = self.searched.saturating_sub(self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Forgets what is unread.
    pub fn clear(&mut self) {
        *self = Buffered { ended: self.ended, ..Buffered::default() };
    }

    fn consume(&mut self, n: usize) -> Vec<u8> {
        let from = self.at;
        self.at += n;
        self.bytes[from..self.at].to_vec()
    }

    pub fn take(&mut self, want: Want) -> Got {
        let unread = &self.bytes[self.at..];
        if unread.is_empty() && self.ended && want != Want::Rest {
            return Got::End;
        }
        let n = match want {
            Want::Line => {
                let from = self.searched.max(self.at);
                match self.bytes[from..].iter().position(|&b| b == b'\n') {
                    Some(i) => {
                        let mut line = self.consume(from + i - self.at);
                        self.at += 1;
                        self.searched = self.at;
                        if line.last() == Some(&b'\r') {
                            line.pop();
                        }
                        return Got::Bytes(line);
                    }
                    None => {
                        self.searched = self.bytes.len();
                        None
                    }
                }
            }
            Want::Rest => None,
            Want::Peek => (!unread.is_empty()).then_some(0),
            Want::Bytes(n) => (unread.len() >= n).then_some(n),
            Want::Chars(n) => chars(unread, n),
        };
        match n {
            Some(n) => Got::Bytes(self.consume(n)),
            None if self.ended => Got::Bytes(self.consume(self.unread())),
            None => Got::More,
        }
    }
}

/// Bytes of the first `n` code points. Invalid bytes count as one each, so that the caller comes to see them.
fn chars(bytes: &[u8], n: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..n {
        let width = match *bytes.get(at)? {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        at += width;
        if at > bytes.len() {
            return None;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(s: &str) -> Got {
        Got::Bytes(s.as_bytes().to_vec())
    }

    #[test]
    fn lines_come_without_their_ends() {
        let mut b = Buffered::text("a\r\n\nlast".to_owned());
        assert_eq!(
            [b.take(Want::Line), b.take(Want::Line), b.take(Want::Line)],
            [bytes("a"), bytes(""), bytes("last")]
        );
        assert_eq!(b.take(Want::Line), Got::End);
        assert_eq!(b.take(Want::Rest), bytes(""));
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let mut b = Buffered::default();
        assert_eq!(b.take(Want::Line), Got::More);
        b.push(b"ab");
        assert_eq!(b.take(Want::Line), Got::More);
        b.push(b"c\nd");
        assert_eq!(b.take(Want::Line), bytes("abc"));
        assert_eq!(b.take(Want::Rest), Got::More);
        b.ended = true;
        assert_eq!(b.take(Want::Rest), bytes("d"));
    }

    #[test]
    fn bytes_and_code_points() {
        let mut b = Buffered::default();
        b.push("h\u{e9}llo".as_bytes());
        assert_eq!(b.take(Want::Chars(2)), bytes("h\u{e9}"));
        assert_eq!(b.take(Want::Bytes(2)), bytes("ll"));
        assert_eq!(b.take(Want::Bytes(2)), Got::More);
        assert_eq!(b.take(Want::Chars(0)), bytes(""));
        b.push(&[0xC3]);
        assert_eq!(b.take(Want::Chars(2)), Got::More);
        b.ended = true;
        assert_eq!(b.take(Want::Chars(9)), Got::Bytes(vec![b'o', 0xC3]));
        assert_eq!(b.take(Want::Bytes(1)), Got::End);
    }

    #[test]
    fn read_bytes_are_given_back() {
        let mut b = Buffered::default();
        for _ in 0..1000 {
            b.push(&[b'x'; 99]);
            b.push(b"\n");
            assert_eq!(b.take(Want::Line), Got::Bytes(vec![b'x'; 99]));
        }
        assert!(b.bytes.len() < 1000);
    }
}
