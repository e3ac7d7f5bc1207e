//! A round over workspaces whose answers are changed on their way: sign-in, listings, results and refusals.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use drsync::apply;
use drsync::cli::ExitStatus;
use drsync::config::{Configuration, read_text};
use drsync::databricks::{ConnectOptions, Environment, Notice, Timing, connect};
use drsync::lakehouse::demo;
use drsync::observe::observe;
use drsync::plan::{Decision, Plan, Provenance, Request, plan};
use drsync::region::{RecordRange, Regions};
use drsync::render::sections::plan as screens;
use drsync::render::writers::{Form, write};
use drsync::render::{self, Style};
use drsync::sandbox::{self, Quirks, Running, World};
use serde_json::{Value, json};

use crate::foreign::between::{Answer, Between, Change, How};
use crate::foreign::bounded::{self, Watch};
use crate::foreign::corpus::files_below;
use crate::foreign::mutate::{Dice, TEXTS};
use crate::foreign::{FIRST, number, seconds};

/// Addresses that client, service and what is between them may use together.
const ADDRESSES: u64 = 3 << 30;
/// Memory that they may hold at most: some answers have as much as is read, and are held in all three.
const MEMORY_MIB: u64 = 1536;
/// No question lasts longer, so that a service that is never ready holds no trial up.
const QUESTION: Duration = Duration::from_secs(5);

/// Tries services in another process.
pub(crate) async fn try_in_a_bounded_process(test: &str) {
    if let Some(world) = bounded::world_to_try(test, ADDRESSES, build).await {
        try_services(&world).await;
    }
}

/// The demo, once applied over the service, and with news since.
async fn build(folder: &Path) {
    let now = Utc::now();
    demo::build(folder, now).await.unwrap();
    let site = Site::serve(folder).await;
    let (plan, regions) = site.plan(SignIn::Tokens).await.unwrap();
    let exit = site.apply(&plan, &regions, "before").await.unwrap();
    assert!([0, 4].contains(&exit), "the demo is applied: {exit}");
    demo::advance(folder, now).await.unwrap();
}

/// How drsync comes to its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignIn {
    /// They are in the environment.
    Tokens,
    /// A client secret opens a scope in which the token lies.
    ClientSecret,
    /// The id token of a workflow's runner is exchanged.
    IdToken,
    /// A tool of this machine prints one.
    Tool,
}

impl SignIn {
    const ALL: [SignIn; 4] = [SignIn::Tokens, SignIn::ClientSecret, SignIn::IdToken, SignIn::Tool];
}

/// A world that is served, with a stranger between.
struct Site {
    running: Running,
    between: Arc<Between>,
    text: String,
    folder: std::path::PathBuf,
    now: DateTime<Utc>,
    /// What the tool prints.
    printed: std::sync::Mutex<String>,
}

impl Site {
    async fn serve(folder: &Path) -> Site {
        // Results come in parts, and the larger ones from their store.
        let quirks = Quirks { chunk_rows: 8, inline_bytes: 4096, ..Quirks::default() };
        let world = World::find(folder).unwrap();
        let options = sandbox::SandboxOptions { quirks, ..sandbox::SandboxOptions::new(world) };
        let running = sandbox::serve(options).await.unwrap();
        let primary = &running.primary;
        let between = Between::new(&primary.client_id, &primary.client_secret);
        let mut text = running.configuration.clone();
        for served in [&running.primary, &running.secondary] {
            text = text.replace(&served.url, &between.stand_before(&served.url).await);
        }
        let end = Utc::now() + TimeDelta::hours(1);
        let printed = json!({"accessToken": primary.token, "expires_on": end.timestamp(), "tokenType": "Bearer"});
        Site {
            between,
            text,
            folder: folder.to_path_buf(),
            now: Utc::now(),
            printed: std::sync::Mutex::new(printed.to_string()),
            running,
        }
    }

    fn configuration(&self, sign_in: SignIn) -> Configuration {
        let mut value: Value = serde_json::from_str(&self.text).unwrap();
        if sign_in == SignIn::ClientSecret {
            value["secret_scope"] = json!("sandbox");
            value["workspaces"][0]["workspace_pat_key"] = json!("primary-pat");
        }
        let read = read_text("drsync.json", value.to_string().as_bytes(), &self.folder);
        assert!(read.mistakes.is_empty(), "{:?}", read.mistakes);
        read
    }

    fn environment(&self, configuration: &Configuration, sign_in: SignIn) -> Environment {
        let [primary, secondary] = [&self.running.primary, &self.running.secondary];
        let own = (secondary.token_variable.clone(), secondary.token.clone());
        let set = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            pairs.chain([own.clone()]).collect()
        };
        let base = ConnectOptions::of(&configuration.workspaces[0], Environment::empty());
        let id_tokens = format!("{}id-token?version=1", base.unwrap().address);
        let variables = match sign_in {
            SignIn::Tokens => set(&[(&primary.token_variable, &primary.token)]),
            SignIn::ClientSecret => set(&[
                ("DATABRICKS_CLIENT_ID", &primary.client_id),
                ("DATABRICKS_CLIENT_SECRET", &primary.client_secret),
            ]),
            SignIn::IdToken => set(&[
                ("DATABRICKS_CLIENT_ID", &primary.client_id),
                ("ACTIONS_ID_TOKEN_REQUEST_URL", &id_tokens),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-runner"),
            ]),
            SignIn::Tool => set(&[("ARM_ENVIRONMENT", "PUBLIC")]),
        };
        let printed = self.printed.lock().unwrap().clone();
        let run = move |_| -> futures::future::BoxFuture<'static, _> {
            let printed = printed.clone();
            Box::pin(async move { Ok(printed) })
        };
        Environment { variables, run: Arc::new(run), ..Environment::empty() }
    }

    /// Signs in, looks at both regions, and decides.
    async fn plan(&self, sign_in: SignIn) -> Result<(Plan, Regions), String> {
        let configuration = self.configuration(sign_in);
        let environment = self.environment(&configuration, sign_in);
        let options = ConnectOptions {
            timing: Timing {
                // Every pause is short, and none is nothing: whoever polls does not keep the machine busy.
                sleep: Arc::new(|_| Box::pin(tokio::time::sleep(Duration::from_millis(1)))),
                jitter: Arc::new(|| 0.5),
                until: Some(tokio::time::Instant::now() + 2 * QUESTION),
                question: QUESTION,
                ..Timing::real()
            },
            notice: Notice::nobody(),
            ..ConnectOptions::of(&configuration.workspaces[0], environment).unwrap()
        };
        let connected = connect(&options).await;
        let connected = connected.map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
        let regions = connected.regions();
        let request = Request { plan_id: "01JDPLAN".to_owned(), full: true, ..Request::default() };
        let both = std::slice::from_ref(&regions);
        let seen = observe(&configuration, both, &request, self.now, false).await;
        Ok((plan(&seen, &request), regions))
    }

    /// The exit status of an apply.
    async fn apply(&self, plan: &Plan, regions: &Regions, run: &str) -> Result<u8, String> {
        let random = run.bytes().fold(7, |sum: u128, byte| sum * 31 + u128::from(byte));
        let millis = self.now.timestamp_millis().cast_unsigned();
        let options = apply::ApplyOptions::new(
            ulid::Ulid::from_parts(millis, random & ((1 << 80) - 1)).to_string(),
            Provenance::of_actor("tester"),
            Utc::now,
        );
        let both = std::slice::from_ref(regions);
        let record = apply::apply(&plan.stored(), both, &options, &|_| {}).await;
        let status = ExitStatus::recorded(&record.exit);
        if status.document() != record.exit {
            return Err(format!("it ends as {:?}", record.exit));
        }
        assert!(
            !write(&render::sections::run::page(Some(plan), &record, None), Form::Text(WIDE))
                .is_empty()
        );
        Ok(status.code())
    }
}

const WIDE: Style = Style { width: 100, color: false, verbose: true, config: None };

/// Everything that commands which look do with a service: how many groups are kept out of a plan, or what is wrong with how it ended.
async fn look(site: &Site, sign_in: SignIn) -> Result<usize, String> {
    let (plan, regions) = match site.plan(sign_in).await {
        Ok(planned) => planned,
        // It names the workspace, and why.
        Err(why) if why.contains("http://127.0.0.1:") => return Ok(usize::MAX),
        Err(why) => return Err(format!("it is not said who was to sign in: {why}")),
    };
    let mut refused = 0;
    for (workspace, group) in plan.groups() {
        let blocked = group.decision == Decision::Blocked;
        let named =
            group.findings.iter().all(|finding| !finding.message.to_string().trim().is_empty());
        if blocked && (group.findings.is_empty() || !named) {
            return Err(format!("{}/{} is blocked without a word", workspace.name, group.name));
        }
        refused += usize::from(blocked);
    }
    let stored = plan.stored();
    for (page, form) in [
        (screens::screen(&plan, WIDE.verbose), Form::Text(WIDE)),
        (screens::comment(&plan), Form::Markdown(60_000)),
        (screens::report(&stored, &[], site.now), Form::Html),
    ] {
        assert!(!write(&page, form).is_empty());
    }
    let range = RecordRange::default();
    for region in [&regions.primary, &regions.secondary] {
        let active_runs = match &region.workspace {
            Some(workspace) => workspace.active_runs().await.err(),
            None => None,
        };
        let said = [
            region.location.ledger().await.err(),
            region.location.run_records(&range).await.err(),
            region.location.evidence_names(&range).await.err(),
            active_runs,
        ];
        for error in said.into_iter().flatten() {
            let text = format!("{:#}", anyhow::Error::from(error));
            if text.trim().is_empty() {
                return Err("a region refuses without a word".to_owned());
            }
        }
    }
    Ok(refused)
}

/// What comes instead of an answer.
fn instead(dice: &mut Dice) -> Answer {
    let text = *dice.one(&TEXTS);
    let page = format!("<html><head><title>Sign in {text}</title></head>{text}</html>");
    let refusal = json!({"error_code": text, "message": text, "details": [{"reason": text}]});
    let status = *dice.one(&[200, 200, 302, 400, 401, 403, 404, 409, 429, 500, 503]);
    let (kind, body): (&str, Vec<u8>) = match dice.below(14) {
        0 => ("text/html", page.into_bytes()),
        1 => ("text/html; charset=utf-16", page.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        2 => ("application/json; charset=latin-1", b"{\"message\": \"\xe4\xf6\xfc\", \"a\": 1}".to_vec()),
        3 => ("application/json", refusal.to_string().into_bytes()),
        4 => ("application/json", "[".repeat(1 << dice.below(18)).into_bytes()),
        5 => ("application/json", "{\"a\":".repeat(1 << dice.below(18)).into_bytes()),
        6 => ("application/json", b"{}".to_vec()),
        7 => ("application/json", dice.one::<&str>(&["null", "[]", "\"\"", "0", "", "\u{feff}{}"]).to_string().into_bytes()),
        8 => ("application/json", json!({"next_page_token": "x", "has_more": true, "access_token": text, "expires_in": i64::MAX}).to_string().into_bytes()),
        9 => ("application/json", json!({"statement_id": text, "status": {"state": dice.one::<&str>(&["RUNNING", "FAILED", "SUCCEEDED", "CLOSED", text])}}).to_string().into_bytes()),
        10 => ("text/plain", vec![b'x'; 3 << 20]),
        11 => ("application/json", format!("[{}]", "{},".repeat(400_000)).into_bytes()),
        // As much as two of them, which is more than one may have; few, because they take seconds.
        12 if dice.below(8) == 0 => ("application/json", vec![b' '; 80 << 20]),
        13 if dice.below(8) == 0 => ("application/json", bomb(160 << 20)),
        _ => ("application/octet-stream", (0..4096).map(|_| dice.roll() as u8).collect()),
    };
    let packed = body.starts_with(&[0x1f, 0x8b]) || dice.below(16) == 0;
    let mut headers = vec![("content-type".to_owned(), kind.to_owned())];
    let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
    if packed {
        add("content-encoding", "gzip");
    }
    match dice.below(6) {
        0 => add("retry-after", dice.one::<&str>(&["9223372036854775807", "-1", "soon", "1e9"])),
        1 => add("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
        2 => add(
            "date",
            dice.one::<&str>(&[
                "Fri, 31 Dec 9999 23:59:59 GMT",
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "x",
            ]),
        ),
        3 => {
            add("location", dice.one::<&str>(&["http://127.0.0.1:9/", "file:///etc/passwd", "//x"]))
        }
        _ => {}
    }
    Answer { status, headers, body }
}

/// So many blanks, packed as gzip: 13 bits for each 258 of them.
fn bomb(blanks: usize) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut held, mut count) = (0_u64, 0);
    let mut put = |out: &mut Vec<u8>, bits: u64, length: u32| {
        held |= bits << count;
        count += length;
        while count >= 8 {
            out.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    };
    // The last block, of the fixed codes; a blank, then copies of it, and the end. Codes stand with their first bit lowest.
    put(&mut out, 0b011, 3);
    put(&mut out, u64::from((0x30_u8 + b' ').reverse_bits()), 8);
    for _ in 0..blanks / 258 {
        put(&mut out, u64::from(0b1100_0101_u8.reverse_bits()), 8);
        put(&mut out, 0, 5);
    }
    put(&mut out, 0, 7);
    put(&mut out, 0, 7);
    out.extend([0; 8]);
    out
}

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) {
    for file in files_below(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}

async fn try_services(world: &Path) {
    let watch = Watch::begin();
    let site = Site::serve(world).await;
    let mut kinds = Vec::new();
    for sign_in in SignIn::ALL {
        site.between.change(None);
        // One group of the demo is blocked.
        assert_eq!(look(&site, sign_in).await, Ok(1), "{sign_in:?}");
        let seen = site.between.seen().into_iter();
        kinds.extend(seen.map(|(kind, (count, body))| (sign_in, kind, count, body)));
    }
    let printed = site.printed.lock().unwrap().clone();
    let first = number(FIRST).unwrap_or(1);
    let until = Instant::now() + seconds();
    let (mut tried, mut refused, mut applied) = (BTreeMap::<String, u64>::new(), 0, 0);
    for seed in first.. {
        if Instant::now() > until {
            break;
        }
        let mut dice = Dice::of(seed);
        let (sign_in, kind, count, _) = dice.one(&kinds);
        let other = dice.one(&kinds).3.clone();
        let how = match dice.below(3) {
            0 => How::Instead(instead(&mut dice)),
            _ => How::Mutated { seed: dice.roll(), other },
        };
        let change = Change {
            kind: kind.clone(),
            from: dice.below(*count),
            lasting: dice.below(3) == 0,
            how: how.clone(),
        };
        let about = format!("seed {seed}: {sign_in:?}, {kind}, answer {}", change.from);
        let input = match &how {
            How::Instead(answer) => answer.body.clone(),
            How::Mutated { .. } => Vec::new(),
        };
        bounded::keep(world, &input, &about);
        if *sign_in == SignIn::Tool && dice.below(4) == 0 {
            let changed = crate::foreign::mutate::mutated(&mut dice, printed.as_bytes(), b"{}");
            *site.printed.lock().unwrap() = String::from_utf8_lossy(&changed).into_owned();
        }
        let ended = watch.over(seed, async {
            if dice.below(16) == 0 {
                applied += 1;
                return apply_changed(world, change).await;
            }
            site.between.change(Some(change));
            look(&site, *sign_in).await
        });
        match ended.await {
            Ok(blocked) => refused += u64::from(blocked > 1),
            Err(wrong) => panic!("{about}: {wrong}"),
        }
        site.printed.lock().unwrap().clone_from(&printed);
        *tried.entry(kind.clone()).or_default() += 1;
    }
    let peak = bounded::peak_mib();
    let (all, kinds) = (tried.values().sum::<u64>(), tried.len());
    eprintln!(
        "services: {all} trials of {kinds} kinds of answers from seed {first}, {applied} applied, {refused} refused, {peak} MiB at most"
    );
    assert!(all > 0, "no time for a trial");
    assert!(peak < MEMORY_MIB, "{peak} MiB are more than {MEMORY_MIB}");
}

/// A whole round over a copy of the world, whose answers are changed from its plan on.
async fn apply_changed(world: &Path, change: Change) -> Result<usize, String> {
    let folder = tempfile::tempdir_in(world).unwrap();
    for part in ["east", "west", "drsync.json", demo::MARKER] {
        if world.join(part).is_dir() {
            copy(&world.join(part), &folder.path().join(part))
        } else {
            fs::copy(world.join(part), folder.path().join(part)).unwrap();
        }
    }
    let site = Site::serve(folder.path()).await;
    site.between.change(None);
    let (plan, regions) = site.plan(SignIn::Tokens).await?;
    site.between.change(Some(change));
    // It ends with 4 in any case.
    site.apply(&plan, &regions, "changed").await.map(|exit| usize::from(exit != 4) + 1)
}
