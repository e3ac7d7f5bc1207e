//! Somebody's text in each form of a message, so that nothing in it is an order to whoever shows the form: each form's escaping
//! stands here and nowhere else. Pure.

use maud::html;

/// Text beside what Slack shows of a message, in which it neither mentions anybody nor is a link: three characters are Slack's own.
pub(super) fn mrkdwn(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A plain text as the page of a mail.
pub(super) fn page(plain: &str) -> String {
    let page = html! {
        (maud::DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; }
            body {
                pre style="font-family: ui-monospace, Consolas, monospace; white-space: pre-wrap; font-size: 14px" {
                    (plain)
                }
            }
        }
    };
    page.into_string()
}

/// One line that is safe in a header of a mail: no control character, and no end.
pub(super) fn header(text: &str) -> String {
    const LETTERS_MAX: usize = 200;
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match plain.char_indices().nth(LETTERS_MAX) {
        Some((at, _)) => format!("{}…", plain[..at].trim_end()),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that groups, tables and workspaces may have.
    const HOSTILE: [&str; 7] = [
        "<!channel>",
        "<@U012ABCDEF>",
        "<https://evil.test|click here>",
        "&lt;!here&gt;",
        "a```\n<!here>\n```b",
        "</pre><script>alert(1)</script><img src=x onerror=alert(1)>",
        "a\r\nBcc: everybody@example.com",
    ];

    #[test]
    fn nobody_is_mentioned_and_nothing_is_a_link_in_slack() {
        for name in HOSTILE {
            let text = mrkdwn(name);
            assert!(!text.contains(['<', '>']), "{text}");
            let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            assert_eq!(plain, name);
        }
    }

    #[test]
    fn nothing_is_an_element_in_a_mail_and_no_header_ends() {
        for name in HOSTILE {
            let text = page(name);
            assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
            assert_eq!(text.matches("</pre>").count(), 1, "{text}");
            assert!(!header(name).contains(['\r', '\n']));
        }
    }
}
