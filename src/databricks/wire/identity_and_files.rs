//! Identity, secrets, workspace files, volumes and OAuth.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{lenient, or_default};

/// `GET /api/2.0/preview/scim/v2/Me`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Me {
    /// Its id.
    pub id: String,
    /// A user's address, or a service principal's application id: the principal of grants.
    #[serde(rename = "userName")]
    pub user_name: String,
    /// For people.
    #[serde(rename = "displayName")]
    pub display_name: Option<String>,
    /// It may sign in.
    pub active: bool,
}

/// `GET /api/2.0/secrets/get`: the value in base64. It prints nothing of it.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// Its key.
    pub key: String,
    /// Base64 of its bytes; empty where it is no text.
    #[serde(deserialize_with = "text_or_nothing")]
    pub value: String,
}

impl Secret {
    /// Its text without the line ends that `echo` leaves; empty where it holds no text.
    pub fn decode_text(&self) -> String {
        let bytes = STANDARD.decode(self.value.trim()).unwrap_or_default();
        let text = String::from_utf8(bytes).unwrap_or_default();
        text.trim_end_matches(['\r', '\n']).to_owned()
    }
}

/// A text; of anything else nothing, not even in a message.
fn text_or_nothing<'de, D: serde::Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let value = serde_json::Value::deserialize(value)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("key", &self.key).finish_non_exhaustive()
    }
}

/// `GET /api/2.0/workspace/list`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Objects {
    /// What is in the folder; absent where nothing is.
    #[serde(deserialize_with = "or_default")]
    pub objects: Vec<ObjectInfo>,
}

/// A file or folder of a workspace, also from `GET /api/2.0/workspace/get-status`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ObjectInfo {
    /// `FILE`, `DIRECTORY`, `NOTEBOOK` …
    pub object_type: String,
    /// Where it is.
    pub path: String,
    /// Epoch milliseconds.
    #[serde(deserialize_with = "lenient")]
    pub modified_at: i64,
}

/// `GET /api/2.0/fs/directories/Volumes/…`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct DirectoryPage {
    /// One page of what is in it.
    #[serde(deserialize_with = "or_default")]
    pub contents: Vec<DirectoryEntry>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// A file or folder of a volume.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct DirectoryEntry {
    /// Where it is.
    pub path: String,
    /// Its name alone.
    pub name: String,
    /// It is a folder.
    pub is_directory: bool,
}

/// `GET /.well-known/databricks-config`, asked without a token.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HostMetadata {
    /// Where OAuth is.
    pub oidc_endpoint: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// The workspace.
    pub workspace_id: Option<String>,
    /// Audiences that federation takes.
    #[serde(deserialize_with = "or_default")]
    pub token_federation_default_oidc_audiences: Vec<String>,
}

/// `GET /oidc/.well-known/oauth-authorization-server`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct OidcEndpoints {
    /// Where tokens are.
    pub token_endpoint: String,
    /// Who gives them.
    pub issuer: Option<String>,
}

/// `POST /oidc/v1/token`. It prints nothing of the token.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TokenAnswer {
    /// The token.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: Option<String>,
    /// Seconds.
    #[serde(deserialize_with = "lenient")]
    pub expires_in: i64,
    /// Why there is no token.
    pub error: Option<String>,
    /// The same for people.
    pub error_description: Option<String>,
}

impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAnswer").field("error", &self.error).finish_non_exhaustive()
    }
}
