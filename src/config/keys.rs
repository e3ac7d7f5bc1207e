//! Every key a configuration knows: its level, whether it is needed, its default and an example. Pure.

mod notifications;
mod workspaces;

/// A key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key itself.
    pub name: &'static str,
    /// The object it stands in.
    pub level: Level,
    /// What its value looks like.
    pub shape: ValueShape,
    /// It must be given. A key of workspace or group must be given in the workspace.
    pub required: bool,
    /// What holds without it; `None` where nothing does.
    pub default: Option<&'static str>,
    /// A value, as JSON.
    pub example: &'static str,
    /// What it is for, in a sentence.
    pub meaning: &'static str,
    /// How another value is told to whoever reviews a change.
    pub compared: Compared,
}

/// How another value of a key is told to whoever reviews a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// By a setting of its own, which says whether less is protected.
    BySetting,
    /// As it is written: no value is the weaker.
    AsWritten,
    /// By each of the keys within it.
    ByItsKeys,
    /// Not at all, for this reason.
    Not(&'static str),
}

/// The object a key stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The file itself.
    File,
    /// An entry of `workspaces`.
    Workspace,
    /// An entry of `workspaces` or of `sync_groups`, where the group's wins.
    WorkspaceOrGroup,
    /// An entry of `sync_groups`.
    Group,
    /// The file itself or an entry of `workspaces`, where the workspace's wins.
    FileOrWorkspace,
    /// `notifications`: who is told over what.
    Notifications,
    /// `smtp` of `notifications`: the mail server.
    Smtp,
    /// `oauth` of `smtp`: where the mail server's tokens come from.
    OAuth,
    /// An entry of `webhooks`.
    Webhook,
    /// `heartbeat` of `notifications`.
    Heartbeat,
}

/// What a value looks like, before anything is looked at closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueShape {
    /// Text with something in it.
    Text,
    /// Text, also an empty one.
    TextOrEmpty,
    /// A whole number from the first to the second, also written as text.
    Number(u32, u32),
    /// A list of objects of a level, at least one.
    Entries(Level),
    /// A list of texts, at least one.
    Texts,
    /// Text, or a list of at least one.
    TextOrTexts,
    /// An object of texts.
    TextByName,
    /// An object of a level.
    Object(Level),
    /// A list of objects of a level, which may be empty.
    EntriesOrNone(Level),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list of at least one of these texts.
    Choices(&'static [&'static str]),
}

impl Key {
    /// What it is called among those of all objects: `smtp.port`.
    pub fn called(&self) -> String {
        match self.level.within() {
            None => self.name.to_owned(),
            Some(object) => format!("{object}.{}", self.name),
        }
    }

    /// The same key, told as it is written.
    const fn as_written(self) -> Key {
        Key { compared: Compared::AsWritten, ..self }
    }

    /// The same key, told by those within it.
    const fn by_its_keys(self) -> Key {
        Key { compared: Compared::ByItsKeys, ..self }
    }

    /// The same key, not told for a reason.
    const fn not_compared(self, why: &'static str) -> Key {
        Key { compared: Compared::Not(why), ..self }
    }
}

impl Level {
    /// What an object of this level is called where its keys stand beside those of others; `None`: it needs no name.
    fn within(self) -> Option<&'static str> {
        match self {
            Level::File
            | Level::Workspace
            | Level::WorkspaceOrGroup
            | Level::Group
            | Level::FileOrWorkspace => None,
            Level::Notifications => Some("notifications"),
            Level::Smtp => Some("smtp"),
            Level::OAuth => Some("oauth"),
            Level::Webhook => Some("webhooks"),
            Level::Heartbeat => Some("heartbeat"),
        }
    }

    /// Where its keys belong, as a person says it.
    pub(super) fn describe_level(self) -> &'static str {
        match self {
            Level::File => "the top of the file",
            Level::Workspace => "the workspace",
            Level::WorkspaceOrGroup => "the workspace or a group",
            Level::Group => "a sync group",
            Level::FileOrWorkspace => "the top of the file or a workspace",
            Level::Notifications => "notifications",
            Level::Smtp => "smtp of notifications",
            Level::OAuth => "oauth of smtp",
            Level::Webhook => "an entry of webhooks",
            Level::Heartbeat => "heartbeat of notifications",
        }
    }

    /// Whether an object of this level may hold a key of `key`'s level.
    pub fn holds(self, key: Level) -> bool {
        match key {
            Level::WorkspaceOrGroup => {
                matches!(self, Level::Workspace | Level::Group | Level::WorkspaceOrGroup)
            }
            Level::FileOrWorkspace => {
                matches!(self, Level::File | Level::Workspace | Level::FileOrWorkspace)
            }
            Level::File
            | Level::Workspace
            | Level::Group
            | Level::Notifications
            | Level::Smtp
            | Level::OAuth
            | Level::Webhook
            | Level::Heartbeat => key == self,
        }
    }

    /// Whether an object of this level is one within `notifications`.
    pub fn of_notifications(self) -> bool {
        match self {
            Level::Notifications
            | Level::Smtp
            | Level::OAuth
            | Level::Webhook
            | Level::Heartbeat => true,
            Level::File
            | Level::Workspace
            | Level::WorkspaceOrGroup
            | Level::Group
            | Level::FileOrWorkspace => false,
        }
    }
}

/// Ten years: longer is a slip.
pub(super) const MINUTES_MAX: u32 = 5_256_000;

/// Every key, in the order of docs/configuration.md.
pub const KEYS: &[Key] = &joined::<{ workspaces::KEYS.len() + notifications::KEYS.len() }>(
    workspaces::KEYS,
    notifications::KEYS,
);

const fn joined<const N: usize>(first: &[Key], second: &[Key]) -> [Key; N] {
    let mut all = [first[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}

/// The entry of a key in an object of a level; objects of different levels may have keys of one name.
pub(super) fn key_in(level: Level, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name && level.holds(key.level))
}

/// The entry of a key, whatever object it belongs in.
pub(super) fn key_anywhere(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

const fn required(
    level: Level,
    name: &'static str,
    shape: ValueShape,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    let compared = Compared::BySetting;
    Key { name, level, shape, required: true, default: None, example, meaning, compared }
}

const fn optional(
    level: Level,
    name: &'static str,
    shape: ValueShape,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    let compared = Compared::BySetting;
    Key { name, level, shape, required: false, default: Some(default), example, meaning, compared }
}
