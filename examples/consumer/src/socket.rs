//! A WebSocket of tokio-tungstenite as graphql-ws-client wants it. That library has this for older versions of tungstenite.

use futures::{SinkExt, StreamExt};
use graphql_ws_client::{Connection, Error, Message};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self,
        client::IntoClientRequest,
        http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::{CloseFrame, Message as Frame},
    },
};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(url: &str) -> tungstenite::Result<Self> {
        let mut request = url.into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        let (stream, _) = connect_async(request).await?;
        Ok(Self(stream))
    }
}

impl Connection for Socket {
    async fn receive(&mut self) -> Option<Message> {
        loop {
            return match self.0.next().await?.ok()? {
                Frame::Text(text) => Some(Message::Text(text.to_string())),
                Frame::Close(frame) => Some(Message::Close {
                    code: frame.as_ref().map(|frame| frame.code.into()),
                    reason: frame.map(|frame| frame.reason.to_string()),
                }),
                // tungstenite answers pings by itself.
                _ => continue,
            };
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        let frame = match message {
            Message::Text(text) => Frame::text(text),
            Message::Close { code, reason } => Frame::Close(code.map(|code| CloseFrame {
                code: code.into(),
                reason: reason.unwrap_or_default().into(),
            })),
            Message::Ping => Frame::Ping(Vec::new().into()),
            Message::Pong => Frame::Pong(Vec::new().into()),
        };
        let sent = self.0.send(frame).await;
        sent.map_err(|error| Error::Send(error.to_string()))
    }
}
