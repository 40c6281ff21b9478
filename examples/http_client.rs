//! The little of an HTTP client that the tests of services need.
#![allow(dead_code, reason = "each service needs some of it")]

use std::net::SocketAddr;

use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Request,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection.
pub struct Client(SendRequest<String>);

/// An answer, whose body comes as it is read.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        let (client, connection) = handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
        tokio::spawn(connection);
        Client(client)
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub async fn post(&mut self, path: &str, json: &str) -> Answer {
        self.send("POST", path, json).await
    }

    async fn send(&mut self, method: &str, path: &str, json: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.header("content-type", "application/json").body(json.to_owned());
        self.0.ready().await.expect("it is not closed");
        let answer = self.0.send_request(request.expect("a request")).await.expect("an answer");
        let (head, body) = answer.into_parts();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }
}

impl Answer {
    /// The rest of the body.
    pub async fn text(self) -> String {
        let body = self.body.collect().await.expect("a whole body").to_bytes();
        String::from_utf8(body.into()).expect("text")
    }

    /// Reads on until `wanted` has come.
    pub async fn until(&mut self, wanted: &str) {
        let mut so_far = String::new();
        while !so_far.contains(wanted) {
            let frame = self.body.frame().await.expect("it goes on").expect("it is read");
            so_far.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
        }
    }
}
