//! A mail server for tests: it takes every mail that it is sent, by SMTP, and keeps it for the test to read. As long as a test wants that, it
//! refuses them for good.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use crate::waiting::SOON;

/// A mail as it arrived.
#[derive(Debug)]
pub struct Mail {
    /// Whom it is for.
    pub to: String,
    /// Its head and its text.
    pub text: String,
}

impl Mail {
    /// Returns the token in it.
    #[track_caller]
    pub fn token(&self) -> String {
        let (_, behind) = self.text.split_once("Enter this token:").expect("a token");
        let token = behind.split_whitespace().next();
        token.expect("a token").to_owned()
    }
}

/// The server, which ends with the test.
pub struct MailServer {
    address: SocketAddr,
    mails: Mutex<mpsc::UnboundedReceiver<Mail>>,
    refuses: Arc<AtomicBool>,
    serving: tokio::task::JoinHandle<()>,
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, mails) = mpsc::unbounded_channel();
        let (sender, refuses) = (Arc::new(sender), Arc::<AtomicBool>::default());
        let refusing = refuses.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sender, refusing) = (sender.clone(), refusing.clone());
                tokio::spawn(timeout(SOON, async move {
                    let _ = serve(stream, &sender, &refusing).await;
                }));
            }
        });
        Self {
            address,
            mails: Mutex::new(mails),
            refuses,
            serving,
        }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Refuses every mail from now on, or takes them again.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Returns the next mail.
    pub async fn next(&self) -> Mail {
        let mut mails = self.mails.lock().await;
        let mail = timeout(SOON, mails.recv()).await;
        mail.expect("a mail in time").expect("a mail")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    stream: TcpStream,
    mails: &mpsc::UnboundedSender<Mail>,
    refuses: &AtomicBool,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example.org\r\n").await?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        let upper = command.to_ascii_uppercase();
        let is_refused = upper.starts_with("RCPT") && refuses.load(Ordering::Relaxed);
        let answer: &[u8] = if is_refused {
            b"550 nobody is there\r\n"
        } else if let Some(path) = upper.strip_prefix("RCPT TO:<") {
            let begins = command.len() - path.len();
            to = command[begins..]
                .split('>')
                .next()
                .unwrap_or_default()
                .to_owned();
            b"250 ok\r\n"
        } else if upper == "DATA" {
            stream.write_all(b"354 go on\r\n").await?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                if stream.read_line(&mut text).await? == 0 {
                    return Ok(());
                }
            }
            let mail = Mail {
                to: std::mem::take(&mut to),
                text,
            };
            // The test may be over.
            let _ = mails.send(mail);
            b"250 taken\r\n"
        } else if upper == "QUIT" {
            stream.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            b"250 ok\r\n"
        };
        stream.write_all(answer).await?;
    }
}
