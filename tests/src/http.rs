//! A small HTTP/1.1 client over one TCP connection, for exact bytes, for hanging up half-way, and for little overhead in the
//! benchmark. Everything else goes through `graphql::Client`, which uses it.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// Returns a header's value; the name must be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The start of a response's body, and how its end is recognized.
struct Head {
    status: u16,
    start: usize,
    framing: Framing,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Closes the sending side: no more requests will come.
    pub async fn finish_writing(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Returns whether the other side has hung up, or sent something unasked.
    pub fn is_stale(&self) -> bool {
        let mut byte = [0];
        !matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a request and reads its response.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<Response> {
        self.stream.write_all(request).await?;
        self.read_response().await
    }

    /// Reads the next response: its headers and its whole body.
    pub async fn read_response(&mut self) -> io::Result<Response> {
        self.buffer.clear();
        let head = self.read_head().await?;
        let headers = all_headers(&self.buffer)?;
        let body = match head.framing {
            Framing::Length(length) => {
                self.fill_to(head.start + length).await?;
                self.buffer[head.start..head.start + length].to_vec()
            }
            Framing::Chunked => {
                self.read_chunks(head.start).await?;
                joined_chunks(&self.buffer[head.start..])?
            }
            Framing::UntilClosed => {
                while self.stream.read_buf(&mut self.buffer).await? > 0 {}
                self.buffer[head.start..].to_vec()
            }
        };
        Ok(Response {
            status: head.status,
            headers,
            body,
        })
    }

    /// Does the same for a hot loop: reads only the status and the body's bytes, including any chunk headers.
    pub async fn send_quickly(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = self.read_head().await?;
        match head.framing {
            Framing::Length(length) => self.fill_to(head.start + length).await?,
            Framing::Chunked => self.read_chunks(head.start).await?,
            Framing::UntilClosed => return Err(io::Error::other("a response without a length")),
        }
        Ok((head.status, &self.buffer[head.start..]))
    }

    async fn read_head(&mut self) -> io::Result<Head> {
        loop {
            self.fill().await?;
            if let Some(head) = parse_head(&self.buffer)? {
                return Ok(head);
            }
        }
    }

    async fn read_chunks(&mut self, start: usize) -> io::Result<()> {
        while !chunks_complete(&self.buffer[start..])? {
            self.fill().await?;
        }
        Ok(())
    }

    async fn fill_to(&mut self, length: usize) -> io::Result<()> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )),
            _ => Ok(()),
        }
    }
}

fn parse_head(buffer: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(buffer).map_err(io::Error::other)?
    else {
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    let mut framing = if status == 204 || status == 304 {
        Framing::Length(0)
    } else {
        Framing::UntilClosed
    };
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = std::str::from_utf8(header.value).map_err(io::Error::other)?;
            framing = Framing::Length(length.parse().map_err(io::Error::other)?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        }
    }
    Ok(Some(Head {
        status,
        start,
        framing,
    }))
}

fn all_headers(buffer: &[u8]) -> io::Result<Vec<(String, String)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(buffer).map_err(io::Error::other)?;
    let owned = |header: &httparse::Header<'_>| {
        (
            header.name.to_ascii_lowercase(),
            String::from_utf8_lossy(header.value).into_owned(),
        )
    };
    Ok(response.headers.iter().map(owned).collect())
}

fn chunks_complete(mut rest: &[u8]) -> io::Result<bool> {
    loop {
        match httparse::parse_chunk_size(rest).map_err(|_| io::Error::other("not a chunk size"))? {
            httparse::Status::Partial => return Ok(false),
            httparse::Status::Complete((head, size)) => {
                let next = head + size as usize + 2;
                if rest.len() < next {
                    return Ok(false);
                }
                if size == 0 {
                    return Ok(true);
                }
                rest = &rest[next..];
            }
        }
    }
}

fn joined_chunks(mut rest: &[u8]) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((head, size))) = httparse::parse_chunk_size(rest) {
        if size == 0 {
            return Ok(body);
        }
        let end = head + size as usize;
        body.extend_from_slice(&rest[head..end]);
        rest = &rest[end + 2..];
    }
    Err(io::Error::other("a body without a last chunk"))
}

/// Returns the bytes of a POST request with a JSON body.
pub fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n",
        body.len()
    );
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        request.push_str("content-type: application/json\r\n");
    }
    finish(request, headers, body)
}

/// Returns the bytes of a request without a body.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    finish(
        format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n"),
        headers,
        &[],
    )
}

fn finish(mut head: String, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
