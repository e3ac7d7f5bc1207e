//! What of a workspace's configuration is compared as it is written: those keys of the one table that say so, with their values.
//! Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Compared, KEYS, Level, WorkspaceConfig, WrittenKeys};

impl WorkspaceConfig {
    /// Of each key that is compared as it is written its value, by what the key is called (`smtp.port`); `None`: it is not set. Keys
    /// of an object that is not there are left out: that tells whoever compares the object.
    pub fn as_written(&self) -> BTreeMap<String, Option<String>> {
        let file = Value::Object(self.file(&WrittenKeys::default(), false));
        let keys = KEYS.iter().filter(|key| key.compared == Compared::AsWritten);
        let values = keys.filter_map(|key| {
            let object = file.pointer(pointer_of_level(key.level)?)?.as_object()?;
            Some((key.called(), object.get(key.name).and_then(text)))
        });
        values.collect()
    }
}

/// Where the one object of a level stands in the file of one workspace; `None`: there may be several.
fn pointer_of_level(level: Level) -> Option<&'static str> {
    match level {
        Level::File => Some(""),
        Level::Workspace | Level::WorkspaceOrGroup | Level::FileOrWorkspace => {
            Some("/workspaces/0")
        }
        Level::Notifications => Some("/workspaces/0/notifications"),
        Level::Smtp => Some("/workspaces/0/notifications/smtp"),
        Level::OAuth => Some("/workspaces/0/notifications/smtp/oauth"),
        Level::Heartbeat => Some("/workspaces/0/notifications/heartbeat"),
        Level::Group | Level::Webhook => None,
    }
}

/// A value as text; what is empty says as much as what is not there.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_compared_as_it_is_written_stands_in_one_place() {
        let keys = KEYS.iter().filter(|key| key.compared == Compared::AsWritten);
        let nowhere: Vec<&str> =
            keys.filter(|key| pointer_of_level(key.level).is_none()).map(|key| key.name).collect();
        assert!(nowhere.is_empty(), "{nowhere:?}");
    }
}
