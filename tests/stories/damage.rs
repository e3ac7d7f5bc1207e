//! Every file of the ledger deleted, emptied, cut, garbled or replaced by an older copy, in one region and in both.

use std::path::{Path, PathBuf};

use drsync::apply::{GroupOutcome, RunRecord};
use drsync::ledger::{Cut, RowStatus};
use drsync::plan::{LedgerAction, Plan, Request, WarningCode};

use crate::support::world::{Form, World, batch};

/// Cuts before anything is damaged: more than a checkpoint holds, and some after it.
const CUTS: usize = 13;
const TABLES: [&str; 2] = ["sync_metadata", "sync_cuts"];
/// Every how many cases one is tried where `DRSYNC_DAMAGE=all` does not ask for each.
const EVERY: usize = 37;

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Deleted,
    Emptied,
    Cut,
    Garbled,
    Older,
}

const DAMAGES: [Damage; 5] =
    [Damage::Deleted, Damage::Emptied, Damage::Cut, Damage::Garbled, Damage::Older];

impl Damage {
    /// Does it to a file; `older` is the one of its kind before it.
    fn on(self, file: &Path, older: Option<&Path>) {
        let bytes = std::fs::read(file).unwrap();
        let with = match self {
            Damage::Deleted => return std::fs::remove_file(file).unwrap(),
            Damage::Emptied => Vec::new(),
            Damage::Cut => bytes[..bytes.len() / 2].to_vec(),
            Damage::Garbled => {
                let mut bytes = bytes;
                let middle = bytes.len() / 2;
                let end = (middle + 40).min(bytes.len());
                bytes[middle..end].fill(b'~');
                bytes
            }
            Damage::Older => match older {
                Some(older) => std::fs::read(older).unwrap(),
                None => return,
            },
        };
        std::fs::write(file, with).unwrap();
    }
}

/// Every file of a table, each with the one of its kind before it.
fn files_of(table: &Path) -> Vec<(PathBuf, Option<PathBuf>)> {
    let mut all: Vec<PathBuf> = Vec::new();
    for folder in [table.to_path_buf(), table.join("_delta_log")] {
        let entries = std::fs::read_dir(folder).unwrap();
        all.extend(entries.map(|entry| entry.unwrap().path()));
    }
    all.retain(|path| path.is_file());
    // Data files have random names: their order is that in which they were written.
    all.sort_by_key(|path| {
        let written = path.metadata().unwrap().modified().unwrap();
        (path.extension().map(ToOwned::to_owned), written, path.clone())
    });
    let before = |at: usize| -> Option<PathBuf> {
        let path: &PathBuf = &all[at];
        let other = &all[at.checked_sub(1)?];
        let same = other.parent() == path.parent() && other.extension() == path.extension();
        same.then(|| other.clone())
    };
    (0..all.len()).map(|at| (all[at].clone(), before(at))).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to)
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
            // Where a commit does not tell its time its file does.
            let written = entry.metadata().unwrap().modified().unwrap();
            let file = std::fs::File::options().append(true).open(to).unwrap();
            file.set_modified(written).unwrap();
        }
    }
}

/// A world with a history, and a copy of it to go back to.
struct Kept {
    world: World,
    backup: tempfile::TempDir,
    cuts: Vec<Cut>,
    /// What the clock showed.
    clock: chrono::DateTime<chrono::Utc>,
}

impl Kept {
    async fn new(form: Form) -> Kept {
        let mut world = World::of(form).await;
        for round in 0..CUTS {
            world.apply().await;
            world.later(12 * 60);
            let ids = [100 + round as i64];
            world.countries().insert(&batch(ids)).await.unwrap();
            world.later(1);
        }
        // What is due now is what an apply after the damage has to do.
        let backup = tempfile::tempdir().unwrap();
        for region in ["east", "west"] {
            copy(&world.path(region), &backup.path().join(region));
        }
        let cuts = world.regions().secondary.location.ledger().await.unwrap();
        let clock = world.now;
        let cuts = cuts.cuts.unwrap().cuts;
        assert_eq!(cuts.len(), CUTS);
        Kept { world, backup, cuts, clock }
    }

    /// The world as it was.
    fn put_back(&mut self) {
        for region in ["east", "west"] {
            for inside in ["sync", "tables"] {
                let folder = self.world.path(region).join(inside);
                let _ = std::fs::remove_dir_all(&folder);
                let kept = self.backup.path().join(region).join(inside);
                if kept.exists() {
                    copy(&kept, &folder);
                }
            }
        }
        self.world.now = self.clock;
    }

    /// Whether both logs can be read whole, and no other reader would stumble over them.
    async fn is_readable(&self) -> bool {
        let regions = self.world.regions();
        for region in [&regions.primary, &regions.secondary] {
            match region.location.ledger().await {
                Ok(copy) if copy.troubles.is_empty() && copy.cuts.is_some() => {}
                Ok(_) | Err(_) => return false,
            }
        }
        true
    }

    /// A plan that looks at everything.
    async fn full_plan(&self) -> Plan {
        let request = Request { full: true, content: true, ..Request::default() };
        self.world.plan_with(request).await
    }

    /// The cuts of both regions, which have to say the same.
    async fn cuts_now(&self, case: &str) -> Vec<Cut> {
        let regions = self.world.regions();
        let mut copies = Vec::new();
        for region in [&regions.primary, &regions.secondary] {
            let copy =
                region.location.ledger().await.unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(copy.troubles, [], "{case}");
            assert!(copy.metadata.is_some(), "{case}");
            copies.push(copy.cuts.expect(case).cuts);
        }
        let numbers =
            |at: usize| copies[at].iter().map(|cut: &Cut| cut.cut_number).collect::<Vec<_>>();
        assert_eq!(numbers(0), numbers(1), "{case}: both regions");
        assert!(copies[0] == copies[1], "{case}: both regions");
        copies.remove(0)
    }
}

/// Whether a plan tells of damage.
fn is_told(plan: &Plan) -> bool {
    plan.warnings.iter().any(|warning| warning.code == WarningCode::LedgerDamaged)
}

/// What has to hold after an apply that met damage and could go on.
async fn assert_healed(kept: &mut Kept, record: &RunRecord, case: &str, lost: &[u64]) {
    assert_eq!(record.exit.code, 0, "{case}: {:?} {:?}", record.exit, record.warnings);
    assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized, "{case}");
    let now = kept.cuts_now(case).await;
    let before = kept.cuts.iter().filter(|cut| !lost.contains(&cut.cut_number));
    for cut in before {
        assert!(now.contains(cut), "{case}: cut {} is gone", cut.cut_number);
    }
    assert_eq!(now.len(), kept.cuts.len() + 1 - lost.len(), "{case}");
    for region in ["east", "west"] {
        let row = kept.world.row(region, "reference").await;
        assert_eq!(row.current_sync_status, Some(RowStatus::Success), "{case}: {row:?}");
    }
    // Afterwards there is nothing that is not in order, and the next change arrives as ever.
    kept.world.later(1);
    let plan = kept.world.plan().await;
    let damaged = plan.warnings.iter().filter(|it| it.code == WarningCode::LedgerDamaged);
    assert_eq!(damaged.count(), 0, "{case}: {:?}", plan.warnings);
    let actions = plan.workspaces[0].metadata.iter().map(|it| it.action);
    assert!(actions.into_iter().all(|it| it == LedgerAction::None), "{case}");
    kept.world.countries().insert(&batch([999])).await.unwrap();
    kept.world.later(12 * 60);
    let record = kept.world.apply().await;
    assert_eq!(record.exit.code, 0, "{case}");
    assert_eq!(kept.cuts_now(case).await.len(), now.len() + 1, "{case}");
}

/// Copies a ledger's tables, for other readers to read at the end.
fn collect(kept: &Kept, into: &Path, case: usize) {
    for region in ["east", "west"] {
        for table in TABLES {
            let from = kept.world.path(region).join("sync/_drsync").join(table);
            copy(&from, &into.join(format!("{case}-{region}-{table}")));
        }
    }
}

fn read_by_others(folder: &Path) {
    let Ok(python) = std::env::var("DRSYNC_TEST_PYTHON") else {
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/ledgers.py");
    let read = std::process::Command::new(python).arg(script).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&read.stderr).into_owned();
    assert!(read.status.success(), "{}{said}", String::from_utf8_lossy(&read.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_of_one_region_is_healed_at_once_and_stops_nothing() {
    let every = match std::env::var("DRSYNC_DAMAGE").as_deref() {
        Ok("all") => 1,
        _ => EVERY,
    };
    let mut kept = Kept::new(Form::Lakehouse).await;
    let collected = tempfile::tempdir().unwrap();
    let (mut number, mut bad) = (0, Vec::new());
    for region in ["east", "west"] {
        for table in TABLES {
            kept.put_back();
            let folder = kept.world.path(region).join("sync/_drsync").join(table);
            for (file, older) in files_of(&folder) {
                for damage in DAMAGES {
                    number += 1;
                    if number % every != 0 {
                        continue;
                    }
                    kept.put_back();
                    let name = file.file_name().unwrap().to_string_lossy().into_owned();
                    let case = format!("{region} {table} {name} {damage:?}");
                    damage.on(&file, older.as_deref());
                    let mut plan = kept.world.plan().await;
                    if !is_told(&plan) && !kept.is_readable().await {
                        // It is in what no plan needs, the cuts before the newest: a full one reads them.
                        plan = kept.full_plan().await;
                        assert!(is_told(&plan), "{case}");
                    }
                    if plan.summary.groups_blocked > 0 {
                        bad.push(format!("{case}: blocked {:?}", plan.warnings));
                        continue;
                    }
                    let record = kept.world.apply_plan(&plan).await;
                    assert_healed(&mut kept, &record, &case, &[]).await;
                    collect(&kept, collected.path(), number);
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
    read_by_others(collected.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_that_only_a_full_look_sees_is_healed_by_the_apply_of_its_plan() {
    let mut kept = Kept::new(Form::Lakehouse).await;
    let folder = kept.world.path("east").join("sync/_drsync").join("sync_cuts");
    let is_data = |file: &Path| file.extension().is_some_and(|it| it == "parquet");
    let parts = files_of(&folder).into_iter().filter(|(file, _)| is_data(file));
    let mut unseen = 0;
    for (file, older) in parts {
        kept.put_back();
        Damage::Garbled.on(&file, older.as_deref());
        let mut plan = kept.world.plan().await;
        if !is_told(&plan) && !kept.is_readable().await {
            plan = kept.full_plan().await;
            unseen += 1;
        }
        let case = format!("{}", file.display());
        let record = kept.world.apply_plan(&plan).await;
        assert_healed(&mut kept, &record, &case, &[]).await;
    }
    assert!(unseen > 0, "an older part of the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_damage_in_both_regions_only_what_no_copy_can_say_needs_a_person() {
    let every = match std::env::var("DRSYNC_DAMAGE").as_deref() {
        Ok("all") => 1,
        _ => EVERY,
    };
    let mut kept = Kept::new(Form::Lakehouse).await;
    let (mut number, mut stopped, mut gone_on) = (0, 0, 0);
    for table in TABLES {
        kept.put_back();
        let of = |region: &str| {
            let folder = kept.world.path(region).join("sync/_drsync").join(table);
            files_of(&folder)
        };
        let (east, west) = (of("east"), of("west"));
        for (one, other) in east.iter().zip(&west) {
            for damage in DAMAGES {
                number += 1;
                if number % every != 0 {
                    continue;
                }
                kept.put_back();
                let name = one.0.file_name().unwrap().to_string_lossy().into_owned();
                let case = format!("both {table} {name} {damage:?}");
                for (file, older) in [one, other] {
                    damage.on(file, older.as_deref());
                }
                let plan = kept.world.plan().await;
                let replica = kept.world.replica_folder("main.shop.countries");
                let before = kept.world.ids(&replica).await;
                let record = kept.world.apply_plan(&plan).await;
                if table == "sync_metadata" {
                    assert_healed(&mut kept, &record, &case, &[]).await;
                    gone_on += 1;
                } else if record.exit.code == 0 {
                    gone_on += 1;
                    if kept.is_readable().await {
                        // Whatever is believed is one chain or is told as parted; nothing that is readable was left out of it.
                        drop(kept.cuts_now(&case).await)
                    } else {
                        // Nothing that this apply needed.
                        let plan = kept.full_plan().await;
                        assert!(is_told(&plan) || plan.summary.groups_blocked > 0, "{case}");
                    }
                } else {
                    stopped += 1;
                    // Nothing was changed where nothing is known.
                    assert_eq!(kept.world.ids(&replica).await, before, "{case}");
                }
            }
        }
    }
    assert!(stopped > 0 && gone_on > stopped, "{stopped} {gone_on}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_written_anew_in_one_region_owes_the_other_nothing() {
    let mut kept = Kept::new(Form::Lakehouse).await;
    for region in ["east", "west"] {
        kept.put_back();
        let log = kept.world.path(region).join("sync/_drsync/sync_cuts/_delta_log");
        Damage::Emptied.on(&log.join("_last_checkpoint"), None);
        let plan = kept.world.plan().await;
        assert!(is_told(&plan), "{:?}", plan.warnings);
        let record = kept.world.apply_plan(&plan).await;
        assert_healed(&mut kept, &record, region, &[]).await;
    }
}

pub(crate) async fn rows_that_cannot_be_read_are_put_aside_and_stop_nothing(form: Form) {
    for regions in [&["west"][..], &["east", "west"]] {
        let mut world = World::of(form).await;
        assert_eq!(world.apply().await.exit.code, 0);
        for region in regions {
            let table = world.path(region).join("sync/_drsync/sync_metadata");
            let data = files_of(&table)
                .into_iter()
                .filter(|(file, _)| file.extension().is_some_and(|ending| ending == "parquet"));
            for (file, _) in data {
                Damage::Garbled.on(&file, None);
                let bytes = std::fs::read(&file).unwrap();
                std::fs::write(&file, vec![b'~'; bytes.len()]).unwrap();
            }
        }
        world.countries().insert(&batch([4])).await.unwrap();
        world.later(12 * 60);
        let plan = world.plan().await;
        let told: Vec<String> = plan
            .warnings
            .iter()
            .filter(|warning| warning.code == WarningCode::LedgerDamaged)
            .map(|warning| warning.message.to_string())
            .collect();
        assert_eq!(told.len(), regions.len(), "{:?}", plan.warnings);
        let aside = format!("sync_metadata.unreadable-{}", plan.plan_id);
        assert!(told.iter().all(|text| text.contains(&aside)), "{told:?}");
        let record = world.apply_plan(&plan).await;
        assert_eq!(record.exit.code, 0, "{:?}", record.warnings);
        assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized);
        for region in ["east", "west"] {
            let row = world.row(region, "reference").await;
            assert_eq!(row.current_sync_status, Some(RowStatus::Success));
            let there = world.path(region).join("sync/_drsync").join(&aside);
            assert_eq!(there.join("_delta_log").exists(), regions.contains(&region));
        }
        assert!(!world.plan().await.applyable);
    }
}

pub(crate) async fn cuts_that_cannot_be_read_are_put_aside_and_healed_from_the_other_region(
    form: Form,
) {
    for region in ["west", "east"] {
        let mut world = World::of(form).await;
        // More than the heads: all of them have to come back.
        for id in 100..103 {
            assert_eq!(world.apply().await.exit.code, 0);
            world.countries().insert(&batch([id])).await.unwrap();
            world.later(12 * 60);
        }
        let table = world.path(region).join("sync/_drsync/sync_cuts");
        let files = files_of(&table).into_iter().map(|(file, _)| file);
        for file in files.filter(|file| file.extension().is_some_and(|ending| ending == "parquet"))
        {
            let bytes = std::fs::read(&file).unwrap();
            std::fs::write(&file, vec![b'~'; bytes.len()]).unwrap();
        }
        let plan = world.plan().await;
        assert_eq!(plan.summary.groups_blocked, 0, "{region}: {:?}", plan.warnings);
        let aside = format!("sync_cuts.unreadable-{}", plan.plan_id);
        let mut told = plan.warnings.iter().filter(|it| it.code == WarningCode::LedgerDamaged);
        assert!(
            told.any(|it| it.message.to_string().contains(&aside)),
            "{region}: {:?}",
            plan.warnings
        );
        let record = world.apply_plan(&plan).await;
        assert_eq!(record.exit.code, 0, "{region}: {:?}", record.warnings);
        assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized, "{region}");
        let regions = world.regions();
        let copies = [&regions.primary, &regions.secondary].map(|region| region.location.ledger());
        let [primary, secondary] = futures::future::join_all(copies).await.try_into().unwrap();
        let [primary, secondary] = [primary, secondary].map(|copy| copy.unwrap().all_cuts());
        let numbers: Vec<u64> = primary.iter().map(|cut| cut.cut_number).collect();
        assert_eq!(numbers, [1, 2, 3, 4], "{region}");
        assert!(primary.iter().eq(secondary.iter()), "{region}");
        let there = world.path(region).join("sync/_drsync").join(&aside);
        assert!(there.join("_delta_log").exists(), "{region}");
        assert!(!world.plan().await.applyable, "{region}");
    }
}

pub(crate) async fn rows_whose_log_is_damaged_beyond_reading_stop_no_group(form: Form) {
    let mut world = World::of(form).await;
    assert_eq!(world.apply().await.exit.code, 0);
    for region in ["east", "west"] {
        let log = world.path(region).join("sync/_drsync/sync_metadata/_delta_log");
        for entry in std::fs::read_dir(log).unwrap() {
            std::fs::write(entry.unwrap().path(), "~~~\n").unwrap();
        }
    }
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(12 * 60);
    let record = world.apply().await;
    assert_eq!(record.exit.code, 0, "{:?}", record.warnings);
    assert_eq!(record.groups[0].outcome, GroupOutcome::Synchronized);
    let cuts = world.regions().primary.location.ledger_heads().await.unwrap();
    assert_eq!(cuts.all_cuts().newest("reference").unwrap().cut_number, 2);
}
