//! How a message looks in a chat. Every text in which somebody's name may stand is an element whose text has no marks: what would make
//! a name bold, struck out, code, a link or a mention elsewhere is read there as it stands. Pure.

use serde_json::{Value, json};

use super::escape;
use super::letter::Text;

/// Characters of a header of Slack.
const SLACK_HEADER_MAX: usize = 150;
/// Characters of all facts in Slack.
const SLACK_TEXT_MAX: usize = 2_900;

/// No more of a text than so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// A message for Slack: a header, facts each after its label, and the command, in rich text, which has its marks beside the text.
pub(super) fn slack(text: &Text) -> Value {
    let header = json!({
        "type": "plain_text", "text": cut(&text.verdict, SLACK_HEADER_MAX), "emoji": false,
    });
    let mut blocks = vec![json!({ "type": "header", "text": header })];
    let facts = slack_facts(text);
    if !facts.is_empty() {
        blocks.push(rich("rich_text_section", facts));
    }
    if let Some(command) = &text.command {
        let command = json!({ "type": "text", "text": command });
        blocks.push(rich("rich_text_preformatted", vec![command]));
    }
    // What a notification shows, which has no room for blocks.
    json!({ "text": escape::mrkdwn(&text.verdict), "mrkdwn": false, "blocks": blocks })
}

fn rich(kind: &str, elements: Vec<Value>) -> Value {
    json!({ "type": "rich_text", "elements": [{ "type": kind, "elements": elements }] })
}

/// The facts, a line each, as many as there is room for.
fn slack_facts(text: &Text) -> Vec<Value> {
    let mut elements = Vec::new();
    let mut room = SLACK_TEXT_MAX;
    for (at, (label, fact)) in text.facts.iter().enumerate() {
        let end = if at + 1 < text.facts.len() { "\n" } else { "" };
        let Some(left) = room.checked_sub(label.chars().count()).filter(|left| *left > 0) else {
            break;
        };
        let said = cut(&format!(" {fact}{end}"), left);
        room = left - said.chars().count();
        elements.push(json!({ "type": "text", "text": label, "style": { "bold": true } }));
        elements.push(json!({ "type": "text", "text": said }));
    }
    elements
}

/// A message for Teams: a card of runs of text, which have their marks beside the text, unlike blocks of it.
pub(super) fn teams(text: &Text) -> Value {
    let mut body = vec![line(runs(&text.verdict, "weight", "Bolder"))];
    for (label, fact) in &text.facts {
        let label = json!({ "type": "TextRun", "text": format!("{label}  "), "weight": "Bolder" });
        body.push(line([vec![label], runs(fact, "weight", "Default")].concat()));
    }
    if let Some(command) = &text.command {
        body.push(line(runs(command, "fontType", "Monospace")));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

fn line(inlines: Vec<Value>) -> Value {
    json!({ "type": "RichTextBlock", "inlines": inlines })
}

/// A text in runs of one look. A card takes `{{DATE(…)}}` for a moment that it writes itself: two braces stand in two runs.
fn runs(text: &str, look: &str, value: &str) -> Vec<Value> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, after) = rest.split_at(at + 1);
        runs.push(before);
        rest = after;
    }
    runs.push(rest);
    runs.into_iter().map(|text| json!({ "type": "TextRun", "text": text, look: value })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that groups, tables and workspaces may have.
    const HOSTILE: [&str; 14] = [
        "*gold*",
        "_gold_ __gold__",
        "~gold~ ~~gold~~",
        "`gold` ```gold```",
        "**gold**",
        "<!channel> <@U012ABCDEF> <#C012ABCDEF>",
        "<https://evil.test|click here>",
        "[click here](https://evil.test)",
        "https://evil.test www.evil.test",
        "@here @channel #general :tada:",
        "<at>everybody</at>",
        "{{DATE(2026-11-22T10:00:00Z)}} {{{{TIME(2026-11-22T10:00:00Z)}}}}",
        "&#60;!here&#62;",
        "- gold\r\n1. gold\r# gold\n> gold",
    ];

    fn message(name: &str) -> Text {
        Text {
            subject: name.to_owned(),
            verdict: format!("{name} is not synchronized"),
            facts: vec![("what", name.to_owned()), ("keeps", format!("cut 1 of {name}"))],
            command: Some(format!("drsync plan --only {name}")),
            plain: String::new(),
            html: String::new(),
            id: "id".to_owned(),
            before: Vec::new(),
        }
    }

    /// Every text of a document, with the object that it is in.
    fn texts<'a>(document: &'a Value, found: &mut Vec<(&'a Value, &'a str)>) {
        match document {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(text) if name == "text" => found.push((document, text)),
                        Some(_) | None => texts(value, found),
                    }
                }
            }
            Value::Array(all) => all.iter().for_each(|value| texts(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn a_name_is_text_in_slack_and_nothing_more() {
        for name in HOSTILE {
            let body = slack(&message(name));
            let mut found = Vec::new();
            texts(&body, &mut found);
            assert!(found.len() >= 7, "{body}");
            for (object, text) in &found {
                match object["type"].as_str() {
                    // Only an object of type `mrkdwn` may have marks in its text.
                    Some(kind) => assert!(["plain_text", "text"].contains(&kind), "{object}"),
                    None => {
                        assert_eq!(object["mrkdwn"], false);
                        assert!(!text.contains(['<', '>']), "{text}");
                    }
                }
            }
            let whole = found.iter().filter(|(_, text)| text.contains(name)).count();
            assert!(whole >= 4, "as it stands: {body}");
        }
    }

    #[test]
    fn a_name_is_text_in_teams_and_nothing_more() {
        for name in HOSTILE {
            let body = teams(&message(name));
            let mut found = Vec::new();
            texts(&body, &mut found);
            assert!(found.len() >= 6, "{body}");
            for (object, text) in &found {
                assert_eq!(
                    object["type"], "TextRun",
                    "blocks of text and facts have marks: {body}"
                );
                assert!(!text.contains("{{"), "{text}");
            }
            let all: String = found.iter().map(|(_, text)| *text).collect();
            assert_eq!(all.matches(name).count(), 4, "as it stands: {body}");
        }
    }

    #[test]
    fn a_chat_gets_as_many_facts_as_it_takes() {
        let fact = |at: usize| ("what", format!("{at} {}", "x".repeat(500)));
        let body = slack(&Text { facts: (0..40).map(fact).collect(), ..message("gold") });
        let mut found = Vec::new();
        texts(&body["blocks"][1], &mut found);
        let taken: usize = found.iter().map(|(_, text)| text.chars().count()).sum();
        assert!((SLACK_TEXT_MAX - 10..=SLACK_TEXT_MAX).contains(&taken), "{taken}");
        assert!(found.last().unwrap().1.ends_with('…'));
    }
}
