//! An open file with one position for reading and writing, both buffered.
use crate::buffered::{Buffered, Got, Want};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};

const CHUNK: usize = 64 << 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Read,
    Write,
    Append,
    ReadWrite,
}

impl Mode {
    pub fn from_name(name: &str) -> Option<Mode> {
        Some(match name {
            "r" => Mode::Read,
            "w" => Mode::Write,
            "a" => Mode::Append,
            "r+" => Mode::ReadWrite,
            _ => return None,
        })
    }
}

pub struct FileStream {
    file: File,
    /// Read ahead. Empty while `out` is not.
    input: Buffered,
    /// Written, not yet handed to the system.
    out: Vec<u8>,
    chunk: Vec<u8>,
    mode: Mode,
}

impl FileStream {
    pub fn open(path: &str, mode: Mode) -> io::Result<FileStream> {
        let mut options = OpenOptions::new();
        match mode {
            Mode::Read => options.read(true),
            Mode::Write => options.write(true).create(true).truncate(true),
            Mode::Append => options.append(true).create(true),
            Mode::ReadWrite => options.read(true).write(true),
        };
        let file = options.open(path)?;
        // Unix opens directories for reading and fails at the first read; say so at once.
        if file.metadata()?.is_dir() {
            return Err(is_a_directory());
        }
        Ok(FileStream { file, input: Buffered::default(), out: Vec::new(), chunk: Vec::new(), mode })
    }

    /// `None`: at the end.
    pub fn read(&mut self, want: Want) -> io::Result<Option<Vec<u8>>> {
        self.flush()?;
        // The file may have grown since its end was seen.
        self.input.ended = false;
        loop {
            match self.input.take(want) {
                Got::Bytes(bytes) => return Ok(Some(bytes)),
                Got::End => return Ok(None),
                Got::More => self.fill()?,
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if matches!(self.mode, Mode::Write | Mode::Append) {
            return Err(io::Error::other("not open for reading"));
        }
        self.chunk.resize(CHUNK, 0);
        loop {
            match self.file.read(&mut self.chunk) {
                Ok(0) => self.input.ended = true,
                Ok(n) => self.input.push(&self.chunk[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            return Ok(());
        }
    }

    pub fn at_end(&mut self) -> io::Result<bool> {
        self.flush()?;
        if self.input.unread() == 0 {
            self.fill()?;
        }
        Ok(self.input.unread() == 0)
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.mode == Mode::Read {
            // The system says so only when the buffer is written out, which may be never.
            return Err(io::Error::other("not open for writing"));
        }
        self.drop_read_ahead()?;
        self.out.extend_from_slice(bytes);
        if self.out.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Puts the system's position where the program believes to be.
    fn drop_read_ahead(&mut self) -> io::Result<()> {
        let unread = self.input.unread();
        self.input.clear();
        if unread > 0 {
            self.file.seek(SeekFrom::Current(-(unread as i64)))?;
        }
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            // What could not be written is lost: trying again at close would repeat a part of it.
            let out = std::mem::take(&mut self.out);
            self.file.write_all(&out)?;
        }
        Ok(())
    }

    pub fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    pub fn seek(&mut self, at: u64) -> io::Result<()> {
        self.flush()?;
        self.input.clear();
        self.file.seek(SeekFrom::Start(at)).map(drop)
    }

    pub fn tell(&mut self) -> io::Result<u64> {
        if self.mode == Mode::Append && !self.out.is_empty() {
            self.flush()?;
        }
        Ok(self.file.stream_position()? - self.input.unread() as u64 + self.out.len() as u64)
    }
}

#[cfg(unix)]
fn is_a_directory() -> io::Error {
    rustix::io::Errno::ISDIR.into()
}

#[cfg(not(unix))]
fn is_a_directory() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "Is a directory")
}

impl Drop for FileStream {
    fn drop(&mut self) {
        // Whoever cares about the error calls `.close`.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(got: Option<Vec<u8>>) -> String {
        String::from_utf8(got.unwrap()).unwrap()
    }

    #[test]
    fn reading_and_writing_share_one_position() {
        let path = std::env::temp_dir().join(format!("gene-stream-{}", std::process::id()));
        let name = path.to_str().unwrap();
        std::fs::write(&path, "one\ntwo\nthree").unwrap();
        let mut s = FileStream::open(name, Mode::ReadWrite).unwrap();
        assert_eq!(text(s.read(Want::Line).unwrap()), "one");
        assert_eq!(s.tell().unwrap(), 4);
        s.write(b"TWO").unwrap();
        assert_eq!(s.tell().unwrap(), 7);
        assert_eq!(text(s.read(Want::Rest).unwrap()), "\nthree");
        assert!(s.at_end().unwrap());
        assert_eq!(s.read(Want::Line).unwrap(), None);
        s.seek(4).unwrap();
        assert_eq!(text(s.read(Want::Line).unwrap()), "TWO");
        drop(s);
        let mut s = FileStream::open(name, Mode::Append).unwrap();
        s.write(b"!").unwrap();
        assert_eq!(s.tell().unwrap(), 14);
        drop(s);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\nTWO\nthree!");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(FileStream::open("/", Mode::Read).err().unwrap().kind(), io::ErrorKind::IsADirectory);
    }
}
