//! Tokens of others that a workspace trusts: of GitHub Actions, from a file, from a variable.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::super::refusal::Refusal;
use super::oauth::TokenService;
use super::refused;
use crate::files;
use crate::limits::SMALL_FILE;

/// Where such a token comes from; it is read afresh each time, because it lives for minutes.
#[derive(Debug)]
pub(super) enum IdToken {
    /// The runner of a GitHub workflow gives it.
    GitHub { url: Url, bearer: SecretString },
    /// It is in a file that something else renews.
    File(PathBuf),
    /// It is in the environment.
    Variable(SecretString),
}

/// GitHub's answer.
#[derive(Deserialize)]
struct Given {
    value: SecretString,
}

impl IdToken {
    pub(super) async fn read(
        &self,
        service: &TokenService,
        audience: &str,
    ) -> Result<SecretString, Refusal> {
        match self {
            IdToken::Variable(token) => Ok(token.clone()),
            IdToken::File(path) => {
                let text = files::read_text(path, &SMALL_FILE)
                    .map_err(|error| refused(format!("{}: {error}", path.display())))?;
                match text.trim() {
                    "" => Err(refused(format!("{} is empty", path.display()))),
                    token => Ok(SecretString::from(token.to_owned())),
                }
            }
            IdToken::GitHub { url, bearer } => {
                let mut url = url.clone();
                url.query_pairs_mut().append_pair("audience", audience);
                let Some((body, _)) = service.get_with(url.as_str(), Some(bearer)).await? else {
                    return Err(refused(
                        "GitHub gives no id token: has the job `permissions: id-token: write`?",
                    ));
                };
                let given: Given = serde_json::from_slice(&body)
                    .map_err(|_| refused("GitHub's answer is no id token"))?;
                Ok(given.value)
            }
        }
    }
}
