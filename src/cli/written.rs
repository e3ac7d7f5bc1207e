//! The configuration as an apply keeps it with the evidence: of each workspace by itself, whole without anything beside it.

use std::collections::BTreeMap;
use std::path::Path;

use super::configuration::{LoadedConfiguration, environment};
use super::flags::Context;
use super::signature;
use crate::config::{self, WrittenKeys};
use crate::harmless;
use crate::render::clean;
use crate::secrets;

/// Of each workspace its configuration. One that cannot be written so is told and left out: nothing else depends on it.
pub(super) fn written_configurations(
    context: &Context,
    found: &LoadedConfiguration,
) -> BTreeMap<String, Vec<u8>> {
    let untold = |workspace: &str, why: &str| {
        let text = format!("drsync: the configuration of {workspace} is not kept: {why}");
        context.remark(&clean(&text));
    };
    // What is signed in with later is as secret as what was signed in with.
    environment().register_secrets();
    let workspaces = &found.configuration.workspaces;
    let keys = match signature::written_keys(found) {
        Ok(keys) => keys,
        Err(failure) => {
            let all: Vec<&str> = workspaces.iter().map(|it| it.name.as_str()).collect();
            untold(&all.join(", "), failure.to_text().trim());
            return BTreeMap::new();
        }
    };
    let mut written = BTreeMap::new();
    for (place, workspace) in workspaces.iter().enumerate() {
        match text(found, place, &keys) {
            Ok(text) => {
                let bytes = harmless::json_bytes(text.into_bytes());
                written.insert(workspace.name.clone(), bytes);
            }
            Err(why) => untold(&workspace.name, why),
        }
    }
    written
}

/// The configuration of one workspace, or why it is not written.
fn text(
    found: &LoadedConfiguration,
    place: usize,
    keys: &WrittenKeys,
) -> Result<String, &'static str> {
    let configuration = &found.configuration;
    let text = configuration.workspaces[place].written(keys, configuration.incomplete);
    if secrets::holds(&text) {
        return Err("a secret that is in use stands in it");
    }
    // What is found on a bad day has to say what this one says.
    let again = config::read_text("kept", text.as_bytes(), Path::new("/"));
    let of = |configuration: &config::Configuration, place: usize| {
        configuration.effective()["workspaces"][place].clone()
    };
    if again.workspaces.len() != 1 || of(&again, 0) != of(configuration, place) {
        return Err("written as a file of its own it would say something else");
    }
    Ok(text)
}
