//! Who gets what of an apply: one letter an address, whatever its roles, with everything that it is to hear and nothing else.
//! Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::address::hash_of;
use super::incident::{Class, GroupCut, How, Incident, SyncDigest, ToldState};
use super::policy::Policy;
use super::round::LeftWorkspace;
use crate::config::{Smtp, Success, Topic, Webhook};
use crate::harmless::name as clean_name;
use crate::plan::{Setting, SettingValue};

/// What a run record has that is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordNews {
    /// The apply.
    pub run_id: String,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The pipeline's run.
    pub url: Option<String>,
    /// What stands after it, by workspace.
    pub standings: Vec<ToldState>,
    /// Groups that it synchronized.
    pub synchronized: Vec<SynchronizedGroup>,
    /// Workspaces that had left the configuration.
    pub left: Vec<LeftWorkspace>,
}

/// A group that was synchronized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynchronizedGroup {
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub group: String,
    /// Its new cut.
    pub cut: GroupCut,
}

/// One message: to whom, why to them, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// To whom.
    pub to: Receiver,
    /// Why to them.
    pub why: BTreeSet<Why>,
    /// Of what, the worst first.
    pub items: Vec<LetterItem>,
    /// The apply that tells it.
    pub run_id: String,
    /// When that ended.
    pub at: DateTime<Utc>,
    /// The pipeline's run.
    pub url: Option<String>,
    /// Nothing of it is so: it only shows that messages arrive.
    pub test: bool,
    /// Names that groups of several workspaces have: of these the workspace is told, too.
    pub shared: BTreeSet<String>,
}

impl Letter {
    /// What people call a group, harmless.
    pub(super) fn name_of(&self, workspace: &str, group: &str) -> String {
        if self.shared.contains(group) {
            format!("{}/{}", clean_name(workspace), clean_name(group))
        } else {
            clean_name(group)
        }
    }
}

/// Who gets a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// An address, over a mail server.
    Mail {
        /// The address.
        address: String,
        /// The server.
        smtp: Smtp,
        /// The workspace whose secrets it needs.
        workspace: String,
    },
    /// A webhook of a workspace.
    Webhook {
        /// The workspace whose secrets it needs.
        workspace: String,
        /// The webhook.
        webhook: Webhook,
    },
}

/// Why an address gets a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It stands in `sync_failure_notification` of a workspace.
    Failure(String),
    /// It stands in `sync_success_notification` of a workspace.
    Success(String),
    /// It owns a group.
    Owner(String),
}

/// Something that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every item is an incident, and there are few"
)]
pub enum LetterItem {
    /// An incident.
    Incident {
        /// The workspace.
        workspace: String,
        /// What is new of it.
        news: News,
        /// As it stands now.
        incident: Incident,
        /// What people call the region that it is about.
        region: String,
        /// It is about a region, and from there the other one does not answer either.
        both_away: bool,
        /// When it is told of again, unless something changes before.
        next: DateTime<Utc>,
        /// The groups that it is about; of those that the receiver owns, where it hears of no others.
        groups: Vec<String>,
    },
    /// A group that was synchronized.
    Synchronized {
        /// Which, with its cut.
        done: SynchronizedGroup,
    },
    /// What was synchronized in a day.
    Digest {
        /// The workspace.
        workspace: String,
        /// The groups, with their cuts.
        digest: SyncDigest,
    },
}

/// What is new of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// It began.
    Opened,
    /// It has other causes than before.
    Changed,
    /// It goes on.
    Reminded,
    /// It is over.
    Closed,
}

impl Policy {
    /// The server over which an item is told by mail: that people are told over none any more is told over the one before.
    fn smtp_for(&self, item: &LetterItem) -> Option<&Smtp> {
        let before = self.before.smtp.as_ref().filter(|_| item.is_of_protection());
        self.smtp.as_ref().or(before)
    }

    /// The webhooks that hear of an item: those that the configuration does not have any more of protection alone.
    fn webhooks_for(&self, item: &LetterItem) -> impl Iterator<Item = &Webhook> {
        let before = if item.is_of_protection() { self.before.webhooks.as_slice() } else { &[] };
        let topic = item.topic();
        self.webhooks.iter().chain(before).filter(move |webhook| webhook.events.contains(&topic))
    }

    /// Who hears of an item by mail, each address once with every reason why, and over which server.
    fn mails_for(&self, item: &LetterItem) -> Vec<(&Smtp, String, BTreeSet<Why>)> {
        let Some(smtp) = self.smtp_for(item) else { return Vec::new() };
        let mails = self.reasons_by_address(item).into_iter();
        mails.map(|(address, why)| (smtp, address, why)).collect()
    }

    fn owners_of(&self, group: &str) -> &[String] {
        self.owners.get(group).map_or(&[], Vec::as_slice)
    }

    /// Who hears of an item, each with the reason.
    fn hearers(&self, item: &LetterItem) -> Vec<(String, Why)> {
        let mut all = Vec::new();
        let mut list = |addresses: &[String], why: Why| {
            all.extend(addresses.iter().map(|address| (address.clone(), why.clone())));
        };
        let (failure, success) =
            (Why::Failure(self.workspace.clone()), Why::Success(self.workspace.clone()));
        match item {
            LetterItem::Incident { news, incident, .. } => {
                list(&self.failure, failure.clone());
                // Whoever was taken from a list hears that for once.
                list(&formerly(incident, Setting::FailureMail), failure);
                if let Some(group) = &incident.group {
                    let closed = incident.closed.iter().flat_map(|closed| &closed.owners);
                    let owned: Vec<String> = closed.cloned().collect();
                    list(&owned, Why::Owner(group.clone()));
                    list(&formerly(incident, Setting::Owners), Why::Owner(group.clone()));
                }
                let recovered = incident.closed.as_ref().map(|closed| closed.how);
                if *news == News::Closed
                    && incident.class == Class::Failing
                    && recovered == Some(How::Recovered)
                {
                    list(&self.success_list, success);
                }
                for (group, owners) in &self.owners {
                    if incident.group.as_ref().is_none_or(|of| of == group) {
                        list(owners, Why::Owner(group.clone()));
                    }
                }
            }
            LetterItem::Synchronized { done } => {
                list(&self.success_list, success);
                list(self.owners_of(&done.group), Why::Owner(done.group.clone()));
            }
            LetterItem::Digest { digest, .. } => {
                list(&self.success_list, success);
                for group in &digest.groups {
                    list(self.owners_of(&group.group), Why::Owner(group.group.clone()));
                }
            }
        }
        all
    }
}

/// Who stood in a list before a change took them away.
fn formerly(incident: &Incident, list: Setting) -> Vec<String> {
    let lists = incident.weakened.iter().filter(|change| change.setting == list);
    let before = lists.filter_map(|change| match &change.before {
        Some(SettingValue::Texts(addresses)) => Some(addresses.clone()),
        _ => None,
    });
    before.flatten().collect()
}

/// To whom an incident is told, as records name them.
pub(super) fn told_to(policy: &Policy, incident: &Incident) -> Vec<String> {
    let item = LetterItem::Incident {
        workspace: policy.workspace.clone(),
        news: news_of(incident),
        incident: incident.clone(),
        region: String::new(),
        both_away: false,
        next: incident.told.at,
        groups: Vec::new(),
    };
    let mails = policy.mails_for(&item).into_iter().map(|(_, address, _)| hash_of(&address));
    let hooks = policy.webhooks_for(&item).map(|webhook| webhook.label.clone());
    let all: BTreeSet<String> = mails.chain(hooks).collect();
    all.into_iter().collect()
}

fn news_of(incident: &Incident) -> News {
    match () {
        () if incident.closed.is_some() => News::Closed,
        () if incident.told.by == incident.opened_by => News::Opened,
        () if incident.changed_by.as_ref() == Some(&incident.told.by) => News::Changed,
        () => News::Reminded,
    }
}

impl Receiver {
    /// The name by which records know it: no address stands in one.
    pub fn hash(&self) -> String {
        match self {
            Receiver::Mail { address, .. } => hash_of(address),
            Receiver::Webhook { webhook, .. } => webhook.label.clone(),
        }
    }

    /// The kind of channel.
    pub fn channel(&self) -> &'static str {
        match self {
            Receiver::Mail { .. } => "mail",
            Receiver::Webhook { webhook, .. } => webhook.kind.as_str(),
        }
    }
}

impl LetterItem {
    fn is_of_protection(&self) -> bool {
        match self {
            LetterItem::Incident { incident, .. } => incident.class == Class::ProtectionWeakened,
            LetterItem::Synchronized { .. } | LetterItem::Digest { .. } => false,
        }
    }

    /// What a webhook calls it.
    pub fn topic(&self) -> Topic {
        match self {
            LetterItem::Incident { news: News::Closed, .. } => Topic::Recovered,
            LetterItem::Incident { .. } => Topic::Failing,
            LetterItem::Synchronized { .. } | LetterItem::Digest { .. } => Topic::Synchronized,
        }
    }

    /// The worst has the least.
    fn rank(&self) -> (u8, u8) {
        match self {
            LetterItem::Incident { news, incident, .. } => {
                let class = match (news, incident.class) {
                    (News::Closed, Class::RegionAway | Class::NotBegun) => 5,
                    (News::Closed, _) => 6,
                    (_, Class::RegionAway | Class::NotBegun) => 0,
                    (_, Class::Failing) => 1,
                    (_, Class::SecondaryUnwatched) => 2,
                    (_, Class::ProtectionWeakened) => 3,
                    (_, Class::RpoBreached) => 4,
                };
                (class, *news as u8)
            }
            LetterItem::Synchronized { .. } => (7, 0),
            LetterItem::Digest { .. } => (8, 0),
        }
    }

    fn group(&self) -> Option<&str> {
        match self {
            LetterItem::Incident { incident, .. } => incident.group.as_deref(),
            LetterItem::Synchronized { done } => Some(&done.group),
            LetterItem::Digest { .. } => None,
        }
    }

    /// What a receiver hears of it who hears for these reasons: of others' groups only whoever hears of the whole workspace.
    fn for_reasons(&self, why: &BTreeSet<Why>) -> LetterItem {
        let owns = |group: &str| why.contains(&Why::Owner(group.to_owned()));
        let (failure, success) = (
            why.iter().any(|why| matches!(why, Why::Failure(_))),
            why.iter().any(|why| matches!(why, Why::Success(_))),
        );
        let mut item = self.clone();
        match &mut item {
            LetterItem::Incident { groups, .. } if !failure => groups.retain(|group| owns(group)),
            LetterItem::Digest { digest, .. } if !success => {
                digest.groups.retain(|group| owns(&group.group));
            }
            LetterItem::Incident { .. }
            | LetterItem::Digest { .. }
            | LetterItem::Synchronized { .. } => {}
        }
        item
    }
}

/// Every message of an apply, by what its record says and what the configuration says of who hears of it.
///
/// The same record gives the same messages, so that one that could not be sent is made again.
pub fn letters(told: &RecordNews, policies: &[Policy]) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    let of_left = told.left.iter().map(|left| Policy::of_left(left, policies));
    let policies: Vec<Policy> = policies.iter().cloned().chain(of_left).collect();
    let shared = shared_names(told, &policies);
    let letter = |to: Receiver| Letter {
        to,
        why: BTreeSet::new(),
        items: Vec::new(),
        run_id: told.run_id.clone(),
        at: told.ended_at,
        url: told.url.clone(),
        test: false,
        shared: shared.clone(),
    };
    for policy in &policies {
        let items = items(told, policy);
        for item in &items {
            for (smtp, address, why) in policy.mails_for(item) {
                let item = item.for_reasons(&why);
                let workspace = policy.secrets_of.clone();
                let to = Receiver::Mail { address, smtp: smtp.clone(), workspace };
                let same = |letter: &&mut Letter| letter.to.is(&to);
                if letters.iter_mut().find(same).is_none() {
                    letters.push(letter(to.clone()));
                }
                if let Some(letter) = letters.iter_mut().find(same) {
                    letter.why.extend(why);
                    letter.items.push(item);
                }
            }
        }
        for webhook in policy.webhooks.iter().chain(&policy.before.webhooks) {
            let heard =
                items.iter().filter(|item| policy.webhooks_for(item).any(|it| it == webhook));
            let heard: Vec<LetterItem> = heard.cloned().collect();
            if !heard.is_empty() {
                let workspace = policy.secrets_of.clone();
                let to = Receiver::Webhook { workspace, webhook: webhook.clone() };
                letters.push(Letter { items: heard, ..letter(to) });
            }
        }
    }
    for letter in &mut letters {
        letter.items.sort_by(|a, b| (a.rank(), a.group()).cmp(&(b.rank(), b.group())));
    }
    letters
}

impl Policy {
    /// Who hears of something by mail, each address once, with every reason why.
    fn reasons_by_address(&self, item: &LetterItem) -> Vec<(String, BTreeSet<Why>)> {
        let mut hearers: Vec<(String, BTreeSet<Why>)> = Vec::new();
        for (address, why) in self.hearers(item) {
            let same = |(other, _): &&mut (String, BTreeSet<Why>)| {
                other.to_lowercase() == address.to_lowercase()
            };
            match hearers.iter_mut().find(same) {
                Some((_, all)) => drop(all.insert(why)),
                None => hearers.push((address, BTreeSet::from([why]))),
            }
        }
        hearers
    }
}

/// Names that groups of several workspaces have, or had where something is told of them.
fn shared_names(told: &RecordNews, policies: &[Policy]) -> BTreeSet<String> {
    let configured = policies
        .iter()
        .flat_map(|policy| policy.owners.keys().map(|group| (group, &policy.workspace)));
    let of_incidents = told.standings.iter().flat_map(|standing| {
        let groups = standing.incidents.iter().filter_map(|incident| incident.group.as_ref());
        groups.map(|group| (group, &standing.workspace))
    });
    let each: BTreeSet<(&String, &String)> = configured.chain(of_incidents).collect();
    let mut once = BTreeSet::new();
    each.into_iter()
        .filter(|(group, _)| !once.insert(*group))
        .map(|(group, _)| group.clone())
        .collect()
}

impl Receiver {
    fn is(&self, other: &Receiver) -> bool {
        match (self, other) {
            (
                Receiver::Mail { address, smtp, workspace: _ },
                Receiver::Mail { address: other, smtp: their_smtp, workspace: _ },
            ) => smtp == their_smtp && address.to_lowercase() == other.to_lowercase(),
            (
                Receiver::Webhook { workspace, webhook },
                Receiver::Webhook { workspace: their_workspace, webhook: other },
            ) => workspace == their_workspace && webhook.label == other.label,
            (Receiver::Mail { .. }, Receiver::Webhook { .. })
            | (Receiver::Webhook { .. }, Receiver::Mail { .. }) => false,
        }
    }
}

impl ToldState {
    /// Whether the other region than that of an incident does not answer either, as seen from the same place.
    fn is_away_from_both(&self, incident: &Incident) -> bool {
        let other = |it: &&Incident| it.side != incident.side && it.seen_from == incident.seen_from;
        let mut away = self.incidents.iter().filter(|it| it.class == Class::RegionAway);
        incident.class == Class::RegionAway && away.any(|it| it.is_open() && other(&it))
    }
}

/// What an apply tells of a workspace.
fn items(told: &RecordNews, policy: &Policy) -> Vec<LetterItem> {
    let mut items = Vec::new();
    let standings = || told.standings.iter().filter(|it| it.workspace == policy.workspace);
    let workspace = || policy.workspace.clone();
    for incident in standings().flat_map(|standing| &standing.incidents) {
        if incident.told.by != told.run_id {
            continue;
        }
        let groups = match &incident.group {
            Some(group) => vec![group.clone()],
            None => policy.owners.keys().cloned().collect(),
        };
        items.push(LetterItem::Incident {
            workspace: workspace(),
            news: news_of(incident),
            incident: incident.clone(),
            region: policy.region(incident),
            both_away: standings().any(|standing| standing.is_away_from_both(incident)),
            next: next_reminder(incident, policy.reminder),
            groups,
        });
    }
    let recovers = |group: &str| {
        let mut incidents = standings().flat_map(|standing| &standing.incidents);
        incidents.any(|incident| {
            incident.class == Class::Failing
                && incident.group.as_deref() == Some(group)
                && !incident.is_open()
        })
    };
    for done in told.synchronized.iter().filter(|done| done.workspace == policy.workspace) {
        // The first ever is told in any case; one after a failure is told as the end of that.
        let wanted = policy.success == Success::Each || done.cut.number == 1;
        if wanted && !recovers(&done.group) {
            items.push(LetterItem::Synchronized { done: done.clone() });
        }
    }
    for digest in standings().filter_map(|standing| standing.digest.as_ref()) {
        if digest.due {
            items.push(LetterItem::Digest { workspace: workspace(), digest: digest.clone() });
        }
    }
    items
}

fn next_reminder(incident: &Incident, every: Duration) -> DateTime<Utc> {
    let every = every.num_seconds().max(1);
    let spans = (incident.told.at - incident.counted_from).num_seconds().div_euclid(every) + 1;
    let later = spans.checked_mul(every).and_then(Duration::try_seconds);
    later
        .and_then(|later| incident.counted_from.checked_add_signed(later))
        .unwrap_or(incident.told.at)
}
