//! A proxy between client and sandbox that does one thing wrong, once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 429 with `Retry-After` in seconds; nothing is done.
    Throttled,
    /// 429 with `Retry-After` as a date; nothing is done.
    ThrottledUntil,
    /// The workspace's own refusal of this status; nothing is done.
    Refused(u16),
    /// A gateway's page of this status; nothing is done.
    Page(u16),
    /// A gateway's page of this status, after the effect.
    PageAfter(u16),
    /// Half of an answer, as if it were whole.
    Half,
    /// The answer breaks off.
    Torn,
    /// The answer comes later than its neighbours'.
    Late,
    /// The connection is dropped before the effect.
    DropBefore,
    /// The connection is dropped after the effect.
    DropAfter,
}

impl Fault {
    pub(crate) const ALL: [Fault; 17] = [
        Fault::Throttled,
        Fault::ThrottledUntil,
        Fault::Refused(500),
        Fault::Refused(503),
        Fault::Refused(504),
        Fault::Page(200),
        Fault::Page(500),
        Fault::Page(502),
        Fault::Page(503),
        Fault::PageAfter(200),
        Fault::PageAfter(502),
        Fault::PageAfter(504),
        Fault::Half,
        Fault::Torn,
        Fault::Late,
        Fault::DropBefore,
        Fault::DropAfter,
    ];

    fn before(self) -> bool {
        match self {
            Fault::Throttled
            | Fault::ThrottledUntil
            | Fault::Refused(_)
            | Fault::Page(_)
            | Fault::DropBefore => true,
            Fault::PageAfter(_) | Fault::Half | Fault::Torn | Fault::Late | Fault::DropAfter => {
                false
            }
        }
    }
}

/// Which requests a fault meets, and what happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meeting {
    /// The place of the first, from 1.
    pub(crate) place: usize,
    pub(crate) fault: Fault,
    /// All that follow, too.
    pub(crate) lasting: bool,
}

impl Meeting {
    fn includes(self, place: usize) -> bool {
        place == self.place || (self.lasting && place > self.place)
    }
}

/// What the proxies of both workspaces have in common.
#[derive(Debug)]
pub(crate) struct Between {
    state: Mutex<State>,
    /// One for every connection: to make one reads the machine's certificates.
    http: reqwest::Client,
    /// What the clock of the service shows.
    now: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct State {
    /// Requests so far: method and path.
    seen: Vec<String>,
    meeting: Option<Meeting>,
    /// Addresses of the service with those of its proxies.
    addresses: Vec<(String, String)>,
    /// Every secret that passed.
    secrets: BTreeSet<String>,
}

/// A request or an answer: its first line, its headers, its body.
struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Between {
    pub(crate) fn new(now: DateTime<Utc>) -> Arc<Between> {
        Arc::new(Between {
            state: Mutex::default(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            now,
        })
    }

    /// Puts a proxy before a service; it is there as long as the runtime.
    pub(crate) async fn stand_before(self: &Arc<Between>, service: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut state = self.state.lock().unwrap();
        state.addresses.push((service.to_owned(), url.clone()));
        drop(state);
        let (between, service) = (self.clone(), service.to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (between, service) = (between.clone(), service.clone());
                tokio::spawn(async move { between.serve(stream, &service).await });
            }
        });
        url
    }

    /// Counts from the beginning, and meets what it is to meet.
    pub(crate) fn meet(&self, meeting: Option<Meeting>) {
        let mut state = self.state.lock().unwrap();
        state.seen.clear();
        state.meeting = meeting;
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Every token and every secret that passed, either way.
    pub(crate) fn secrets(&self) -> BTreeSet<String> {
        self.state.lock().unwrap().secrets.clone()
    }

    /// One connection, request after request, until it is dropped.
    async fn serve(&self, stream: TcpStream, service: &str) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream).await {
            let fault = self.note(&request);
            let answer = match fault {
                Some(Fault::DropBefore) => return,
                Some(fault) if fault.before() => instead(fault, &request, self.now),
                Some(_) | None => self.forward(service, &request).await,
            };
            let answer = match fault {
                Some(Fault::DropAfter) => return,
                Some(fault @ Fault::PageAfter(_)) => instead(fault, &request, self.now),
                Some(Fault::Late) => {
                    tokio::time::sleep(Duration::from_millis(60)).await;
                    answer
                }
                Some(Fault::Half) => {
                    Message { body: answer.body[..answer.body.len() / 2].to_vec(), ..answer }
                }
                _ => answer,
            };
            let torn = fault == Some(Fault::Torn);
            if write(&mut stream, &answer, torn).await.is_err() || torn {
                return;
            }
        }
    }

    fn note(&self, request: &Message) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let line = request.first.split(' ').take(2).collect::<Vec<_>>();
        state.seen.push(line.join(" "));
        for (name, value) in &request.headers {
            if name.eq_ignore_ascii_case("authorization") {
                let secret = value.split_once(' ').unwrap().1.to_owned();
                state.secrets.insert(secret);
            }
        }
        let place = state.seen.len();
        let met = state.meeting.filter(|meeting| meeting.includes(place));
        met.map(|meeting| meeting.fault)
    }

    /// Asks the service; its own address never reaches the client.
    async fn forward(&self, service: &str, request: &Message) -> Message {
        let mut words = request.first.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let method = method.parse().unwrap();
        let mut forwarded = self.http.request(method, format!("{service}{path}"));
        for (name, value) in &request.headers {
            if ![HOST, CONTENT_LENGTH, CONNECTION]
                .iter()
                .any(|it| name.eq_ignore_ascii_case(it.as_str()))
            {
                forwarded = forwarded.header(name, value);
            }
        }
        let answer = forwarded.body(request.body.clone()).send().await.unwrap();
        let status = answer.status();
        let headers = answer
            .headers()
            .iter()
            .filter(|(name, _)| ![&CONTENT_LENGTH, &TRANSFER_ENCODING, &CONNECTION].contains(name))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let mut body = String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap();
        let mut state = self.state.lock().unwrap();
        for (own, proxy) in &state.addresses {
            body = body.replace(own, proxy);
        }
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&body)
            && let Some(token) = value["access_token"].as_str()
        {
            state.secrets.insert(token.to_owned());
        }
        Message { first: format!("HTTP/1.1 {status}"), headers, body: body.into_bytes() }
    }
}

/// What comes instead of the service's answer. As proxies under repair do, it shows what it was asked, the token too.
fn instead(fault: Fault, request: &Message, now: DateTime<Utc>) -> Message {
    let date = |time: DateTime<Utc>| time.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let shown: String = request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .map(|(_, value)| value.clone())
        .collect();
    let body = String::from_utf8_lossy(&request.body);
    let json = |code: &str| {
        let text = format!("The proxy was told to say so to {shown} {body}");
        serde_json::json!({"error_code": code, "message": text}).to_string()
    };
    let (status, kind, body) = match fault {
        Fault::Throttled | Fault::ThrottledUntil => {
            (429, "application/json", json("REQUEST_LIMIT_EXCEEDED"))
        }
        Fault::Refused(503) => (503, "application/json", json("TEMPORARILY_UNAVAILABLE")),
        Fault::Refused(status) => (status, "application/json", json("INTERNAL_ERROR")),
        Fault::Page(status) | Fault::PageAfter(status) => {
            let page = format!("<html><head><title>Sorry {shown} {body}</title></head></html>");
            (status, "text/html", page)
        }
        Fault::Half | Fault::Torn | Fault::Late | Fault::DropBefore | Fault::DropAfter => {
            unreachable!("an answer of the service")
        }
    };
    let mut headers =
        vec![("content-type".to_owned(), kind.to_owned()), ("date".to_owned(), date(now))];
    match fault {
        Fault::Throttled => headers.push(("retry-after".to_owned(), "1".to_owned())),
        Fault::ThrottledUntil => {
            let until = date(now + chrono::Duration::seconds(2));
            headers.push(("retry-after".to_owned(), until));
        }
        _ => {}
    }
    Message { first: format!("HTTP/1.1 {status} Told"), headers, body: body.into_bytes() }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Message> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let first = lines.next()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Message { first, headers, body })
}

async fn write(
    stream: &mut BufReader<TcpStream>,
    answer: &Message,
    torn: bool,
) -> std::io::Result<()> {
    let mut bytes = format!("{}\r\n", answer.first).into_bytes();
    for (name, value) in &answer.headers {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", answer.body.len()).into_bytes());
    let end = if torn { answer.body.len() / 2 } else { answer.body.len() };
    bytes.extend(&answer.body[..end]);
    stream.write_all(&bytes).await?;
    stream.flush().await
}
