//! What TLS says of a connection that did not come about, with what to do about it.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{self, CertificateError, InvalidMessage};

/// What TLS says, among all that an error comes from.
pub(super) fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // `source` of an `io::Error` skips the error that it wraps, which only `get_ref` yields.
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        at = match within {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}

/// What it means, without the names of a certificate that is somebody else's.
pub(super) fn describe_tls_error(error: &rustls::Error) -> String {
    let other = "something else answers there: is the address right, or a proxy in between?";
    match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            format!("{error}; it does not speak TLS: is the address right?")
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => format!(
            "{error}; add the authority of a proxy in between to the system's certificates, or name its file in SSL_CERT_FILE"
        ),
        rustls::Error::InvalidCertificate(CertificateError::NotValidForName) => {
            format!("{error}; {other}")
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected,
            presented: _,
        }) => {
            let name = expected.to_str();
            format!("invalid peer certificate: certificate not valid for name \"{name}\"; {other}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;

    #[test]
    fn causes_of_tls_say_what_to_do_and_name_nobody_else() {
        let other = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("a.test").unwrap(),
            presented: vec!["DnsName(\"b.test\")".to_owned()],
        };
        assert_eq!(
            describe_tls_error(&rustls::Error::InvalidCertificate(other)),
            "invalid peer certificate: certificate not valid for name \"a.test\"; something else answers there: is the address right, or a proxy in between?"
        );
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert!(describe_tls_error(&unknown).ends_with("SSL_CERT_FILE"));
        let plain = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        assert!(describe_tls_error(&plain).contains("it does not speak TLS"));
    }

    #[test]
    fn what_tls_says_is_found_wherever_it_stands() {
        let error = io::Error::other(io::Error::other(rustls::Error::DecryptError));
        assert_eq!(of_tls(&error), Some(&rustls::Error::DecryptError));
        assert_eq!(of_tls(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
    }
}
