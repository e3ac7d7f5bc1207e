//! One mail server: a few connections, one envelope a receiver, so that an address that is refused silences no other.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error as SmtpError, response::Response};
use lettre::{Address, Message};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;

use super::protected::Protected;
use super::{Letter, Replies, Secrets, ServerReply, oauth};
use crate::config::{Security, Smtp, SmtpAuth};
use crate::notify::letter::{Text, text};
use crate::notify::letters::Receiver;
use crate::secrets;
use crate::sentence::Sentence;

/// Connections to one server at once: one that is slow with an address is not slow with all.
const CONNECTIONS: usize = 4;
/// A server takes a connection, greets and signs in within this time, or is not there.
const CONNECTING: Duration = Duration::from_secs(20);
/// It takes a message within this time.
const TAKING: Duration = Duration::from_secs(30);

/// How one signs in, with the secret itself.
enum Login {
    Nobody,
    Password(Mechanism, Credentials),
    Token { user: String, token: SecretString },
}

/// Sends every mail that goes over one server.
pub(super) async fn send(
    smtp: &Smtp,
    mails: &[(usize, &Letter)],
    secrets: &dyn Secrets,
    replies: &Replies,
) {
    let workspace = mails.iter().find_map(|(_, letter)| match &letter.to {
        Receiver::Mail { workspace, .. } => Some(workspace.as_str()),
        Receiver::Webhook { .. } => None,
    });
    let login = match login(smtp, workspace.unwrap_or_default(), secrets).await {
        Ok(login) => login,
        Err(why) => {
            for (at, _) in mails {
                replies.set(*at, ServerReply::deferred(why.clone()));
            }
            return;
        }
    };
    let queue: Mutex<VecDeque<&(usize, &Letter)>> = Mutex::new(mails.iter().collect());
    let next = || queue.lock().expect("no panic while a mail is taken").pop_front();
    // A server that cannot be spoken to is asked once, not once a mail.
    let down: Mutex<Option<Sentence>> = Mutex::default();
    let worker = async || {
        let mut connection: Option<AsyncSmtpConnection> = None;
        while let Some((at, letter)) = next() {
            let known = down.lock().expect("no panic while it is noted").clone();
            if let Some(why) = known {
                replies.set(*at, ServerReply::deferred(why));
                continue;
            }
            if connection.is_none() {
                match connect(smtp, &login).await {
                    Ok(connected) => connection = Some(connected),
                    Err(why) => {
                        replies.set(*at, ServerReply::deferred(why.clone()));
                        *down.lock().expect("no panic while it is noted") = Some(why);
                        continue;
                    }
                }
            }
            if let Some(connected) = &mut connection {
                let (reply, usable) = take(smtp, letter, connected).await;
                replies.set(*at, reply);
                if !usable {
                    connection = None;
                }
            }
        }
        if let Some(mut connection) = connection {
            let _ = connection.quit().await;
        }
    };
    join_all((0..CONNECTIONS.min(mails.len())).map(|_| worker())).await;
}

async fn login(smtp: &Smtp, workspace: &str, secrets: &dyn Secrets) -> Result<Login, Sentence> {
    let password = async |secret: &Option<String>| {
        secrets.look_up(workspace, "DRSYNC_SMTP_PASSWORD", secret.as_deref()).await
    };
    let credentials = |user: &str, password: SecretString| {
        Credentials::new(user.to_owned(), password.expose_secret().to_owned())
    };
    match &smtp.auth {
        SmtpAuth::None => Ok(Login::Nobody),
        SmtpAuth::Plain { user, password_secret } => {
            let password = password(password_secret).await?;
            register(user, &password);
            Ok(Login::Password(Mechanism::Plain, credentials(user, password)))
        }
        SmtpAuth::Login { user, password_secret } => {
            let password = password(password_secret).await?;
            register(user, &password);
            Ok(Login::Password(Mechanism::Login, credentials(user, password)))
        }
        SmtpAuth::Xoauth2 { user, oauth } => {
            let secret = secrets
                .look_up(workspace, "DRSYNC_SMTP_CLIENT_SECRET", oauth.client_secret_key.as_deref())
                .await?;
            let token = oauth::token(oauth, &secret).await?;
            Ok(Login::Token { user: user.clone(), token })
        }
    }
}

/// Sees to it that a server that sends back what it was sent tells nobody the password.
fn register(user: &str, password: &SecretString) {
    let password = password.expose_secret();
    secrets::register(password);
    secrets::register(&STANDARD.encode(format!("\0{user}\0{password}")));
}

/// A connection that is signed in; otherwise why there is none.
async fn connect(smtp: &Smtp, login: &Login) -> Result<AsyncSmtpConnection, Sentence> {
    let Smtp { host, port, .. } = smtp;
    let opened = tokio::time::timeout(CONNECTING, open(smtp, login)).await;
    match opened {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(why)) => Err(format!("{host}:{port}: {why}").into()),
        Err(_) => Err(format!("{host}:{port}: no answer within {} s", CONNECTING.as_secs()).into()),
    }
}

async fn open(smtp: &Smtp, login: &Login) -> Result<AsyncSmtpConnection, Sentence> {
    let Smtp { host, port, security, .. } = smtp;
    let said = |error: SmtpError| describe_with_causes(&error);
    let name = ClientId::default();
    let stream = TcpStream::connect((host.as_str(), *port)).await;
    let stream = stream.map_err(|error| error.to_string())?;
    // A message goes out in parts, each of which would wait for the one before to be acknowledged.
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let stream: Box<dyn AsyncTokioStream> = match security {
        Security::Tls => Box::new(Protected::over(stream, host).await?),
        Security::Starttls | Security::None => Box::new(stream),
    };
    let connected = AsyncSmtpConnection::connect_with_transport(stream, &name).await;
    let mut connection = connected.map_err(said)?;
    if *security == Security::Starttls {
        if !connection.can_starttls() {
            return Err("it offers no STARTTLS, and nothing was sent in the open".into());
        }
        let protection = TlsParameters::new(host.clone()).map_err(said)?;
        connection.starttls(protection, &name).await.map_err(said)?;
    }
    match login {
        Login::Nobody => {}
        Login::Password(mechanism, credentials) => {
            if !connection.server_info().supports_auth_mechanism(*mechanism) {
                return Err(format!("it offers no sign-in by {mechanism}").into());
            }
            let signed_in = connection.auth(&[*mechanism], credentials).await;
            signed_in.map_err(|error| refused_password(&error))?;
        }
        Login::Token { user, token } => {
            if !connection.server_info().supports_auth_mechanism(Mechanism::Xoauth2) {
                return Err("it offers no sign-in by XOAUTH2".into());
            }
            by_token(&mut connection, user, token).await?;
        }
    }
    Ok(connection)
}

fn refused_password(error: &SmtpError) -> String {
    format!("signing in was refused: {}", describe_with_causes(error))
}

/// Signs in by XOAUTH2, step by step: a server that refuses says why in a challenge, and waits for an empty line.
async fn by_token(
    connection: &mut AsyncSmtpConnection,
    user: &str,
    token: &SecretString,
) -> Result<(), Sentence> {
    let (secret, user) = (token.expose_secret(), user.replace(['\u{1}', '\r', '\n'], ""));
    let initial = STANDARD.encode(format!("user={user}\u{1}auth=Bearer {secret}\u{1}\u{1}"));
    secrets::register(&initial);
    let answered = connection.command(format!("AUTH XOAUTH2 {initial}\r\n")).await;
    let challenge = match answered {
        Ok(response) if response.has_code(235) => return Ok(()),
        Ok(response) => {
            let challenge = challenge_of(&response);
            let last = connection.command("\r\n").await;
            match last {
                Err(error) => format!("{}{}", describe_with_causes(&error), in_words(&challenge)),
                Ok(_) => format!("it answered nothing but a challenge{}", in_words(&challenge)),
            }
        }
        Err(error) => describe_with_causes(&error),
    };
    let causes = oauth::likely_causes(token);
    Err(format!("signing in by XOAUTH2 was refused: {challenge}; {causes}").into())
}

fn in_words(challenge: &str) -> String {
    if challenge.is_empty() { String::new() } else { format!(" ({challenge})") }
}

/// What the challenge says: JSON in base64.
fn challenge_of(response: &Response) -> String {
    let text = response.first_line().unwrap_or_default().trim();
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// What a server said of a mail, and whether the connection can go on being used.
async fn take(
    smtp: &Smtp,
    letter: &Letter,
    connection: &mut AsyncSmtpConnection,
) -> (ServerReply, bool) {
    let Receiver::Mail { address, .. } = &letter.to else {
        return (ServerReply::refused("it is no mail"), true);
    };
    let (envelope, bytes) = match written(smtp, letter, address) {
        Ok(written) => written,
        Err(why) => return (ServerReply::refused(why), true),
    };
    let sent = tokio::time::timeout(TAKING, connection.send(&envelope, &bytes)).await;
    match sent {
        Ok(Ok(response)) => {
            let code = response.code();
            let said = response.message().collect::<Vec<_>>().join(" ");
            (ServerReply::sent(format!("{code} {said}")), true)
        }
        Ok(Err(error)) if error.is_permanent() => {
            (ServerReply::refused(describe_with_causes(&error)), false)
        }
        Ok(Err(error)) => (ServerReply::deferred(describe_with_causes(&error)), false),
        Err(_) => {
            let seconds = TAKING.as_secs();
            let (host, port) = (&smtp.host, smtp.port);
            (ServerReply::deferred(format!("{host}:{port}: no answer within {seconds} s")), false)
        }
    }
}

/// The envelope, with one receiver, and the bytes of a mail.
fn written(smtp: &Smtp, letter: &Letter, address: &str) -> Result<(Envelope, Vec<u8>), Sentence> {
    let parsed = |text: &str| {
        let address = text.parse::<Address>();
        address.map_err(|_| "no mail can be sent to or from an address of this form".to_owned())
    };
    let from = smtp.from.as_deref().unwrap_or(address);
    let (from, to) = (parsed(from)?, parsed(address)?);
    let text = text(letter);
    let message = message(&text, &from, &to, letter)?;
    let envelope = Envelope::new(Some(from), vec![to]).map_err(|error| error.to_string())?;
    Ok((envelope, message.formatted()))
}

fn message(
    text: &Text,
    from: &Address,
    to: &Address,
    letter: &Letter,
) -> Result<Message, Sentence> {
    let domain = from.domain();
    let id = |id: &str| format!("<{id}@{domain}>");
    let mut builder = Message::builder()
        .from(Mailbox::new(Some("drsync".to_owned()), from.clone()))
        .to(Mailbox::new(None, to.clone()))
        .date(letter.at.into())
        .message_id(Some(id(&text.id)))
        .subject(text.subject.clone());
    if let Some(last) = text.before.last() {
        let before: Vec<String> = text.before.iter().map(|before| id(before)).collect();
        builder = builder.in_reply_to(id(last)).references(before.join(" "));
    }
    // No out-of-office answers, and no loops.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let builder = builder.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    let body = MultiPart::alternative_plain_html(text.plain.clone(), text.html.clone());
    builder.multipart(body).map_err(|error| error.to_string().into())
}

/// What an error says, with what it comes from.
fn describe_with_causes(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error).and_then(std::error::Error::source);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
