//! A scripted HTTP/1.1 server on loopback: one reply a connection, in order, and the requests it has seen.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What one connection gets.
pub enum Reply {
    /// Status line, header lines, body.
    Whole(&'static str, Vec<String>, Vec<u8>),
    /// A head that promises more bytes than come.
    Cut(Vec<u8>),
    /// A head and a piece of a body that never ends.
    Slow,
    /// Bytes without a stop.
    Endless,
}

/// A reply of 200 with a text.
pub fn ok(text: &str) -> Reply {
    Reply::Whole("200 OK", vec![], text.as_bytes().to_vec())
}

/// A reply of another status.
pub fn status(line: &'static str, headers: &[&str]) -> Reply {
    Reply::Whole(line, headers.iter().map(|&line| line.to_owned()).collect(), Vec::new())
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    seen: Vec<String>,
}

/// The server; it ends with the test.
pub struct Server {
    script: Arc<Mutex<Script>>,
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let task = tokio::spawn(serve(listener, Arc::clone(&script)));
        Self { script, url, task }
    }

    /// What the next connection gets that no other reply is meant for.
    pub fn reply(&self, reply: Reply) {
        self.script.lock().unwrap().replies.push_back(reply);
    }

    /// The heads of all requests so far.
    pub fn seen(&self) -> Vec<String> {
        self.script.lock().unwrap().seen.clone()
    }
}

async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&script)));
    }
}

async fn answer(mut stream: TcpStream, script: Arc<Mutex<Script>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let reply = {
        let mut script = script.lock().unwrap();
        script.seen.push(String::from_utf8_lossy(&head).into_owned());
        script.replies.pop_front().unwrap_or_else(|| status("503 Nothing Scripted", &[]))
    };
    match reply {
        Reply::Whole(status, headers, body) => {
            let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
            let length = if status.starts_with("304") { String::new() } else { length(body.len()) };
            let head = format!("HTTP/1.1 {status}\r\n{headers}{length}Connection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()?;
        }
        Reply::Cut(body) => {
            let head = format!("HTTP/1.1 200 OK\r\n{}Connection: close\r\n\r\n", length(body.len() + 100));
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()?;
        }
        Reply::Slow => {
            stream
                .write_all(format!("HTTP/1.1 200 OK\r\n{}\r\n192.0.2.1\n", length(1000)).as_bytes())
                .await
                .ok()?;
            // Until the client gives up.
            stream.read_u8().await.ok()?;
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await.ok()?;
            while stream.write_all(&[b'#'; 4096]).await.is_ok() {}
        }
    }
    stream.shutdown().await.ok()
}

fn length(bytes: usize) -> String {
    format!("Content-Length: {bytes}\r\n")
}
