//! Every kind of instruction, as people who follow them read it.

use std::collections::BTreeSet;

use super::{hostile, phrase, render_markdown, structure};
use crate::render::page::*;
use crate::render::writers::guide;
use crate::runbook;

/// An instruction of every kind, each with this text wherever a text of others can stand.
fn instructions(text: &str) -> Vec<Instruction> {
    let name = || text.to_owned();
    let run = |in_one_line| RunInOrder {
        language: runbook::Language::Sql,
        before: Some(phrase(text)),
        answers: phrase(text),
        otherwise: Some(phrase(text)),
        in_one_line,
        blocks: vec![name(), name()],
    };
    let points = vec![
        LabeledPoint {
            run: Some(name()),
            also: Some(phrase(text)),
            ..LabeledPoint::new("Rights", phrase(text))
        },
        LabeledPoint { run: Some(name()), ..LabeledPoint::new("", phrase(text)) },
        LabeledPoint::new("Start", phrase(text)),
    ];
    let all = vec![
        Instruction::Sentences(vec![phrase(text), phrase(text)]),
        Instruction::Listed(phrase(text), vec![phrase(text), phrase(text)]),
        Instruction::Strong(Phrase::from("All of ").and(Phrase::name(text))),
        Instruction::Warning(phrase(text)),
        Instruction::Conditions(vec![Condition::Known(phrase(text))]),
        Instruction::Conditions(vec![Condition::Written(name())]),
        Instruction::Numbered(vec![phrase(text), phrase(text)]),
        Instruction::Points(points),
        Instruction::Run(run(true)),
        Instruction::Run(run(false)),
        Instruction::RunApart(RunApart { says: phrase(text), block: name() }),
    ];
    // Of every kind there is one: a new kind finds its place above and here.
    let kinds: BTreeSet<u8> = all
        .iter()
        .map(|instruction| match instruction {
            Instruction::Sentences(_) => 0,
            Instruction::Listed(..) => 1,
            Instruction::Strong(_) => 2,
            Instruction::Warning(_) => 3,
            Instruction::Conditions(_) => 4,
            Instruction::Numbered(_) => 5,
            Instruction::Points(_) => 6,
            Instruction::Run(_) => 7,
            Instruction::RunApart(_) => 8,
        })
        .collect();
    assert_eq!(kinds, (0..9).collect());
    all
}

/// A page of one instruction.
fn page(instruction: Instruction, text: &str) -> Guide {
    let stage = GuideStep { title: phrase(text), says: vec![instruction.clone()] };
    let chapter =
        Chapter { title: phrase(text), says: vec![instruction.clone()], stages: vec![stage] };
    Guide { title: phrase(text), head: vec![instruction], chapters: vec![chapter] }
}

#[test]
fn nothing_in_any_instruction_is_more_than_text() {
    let plain = instructions("plain");
    let mut wrong = vec![];
    for evil in hostile() {
        let about: String = evil.chars().take(40).collect();
        for (at, (instruction, plain)) in instructions(&evil).into_iter().zip(&plain).enumerate() {
            let written = matches!(
                &instruction,
                Instruction::Conditions(all) if matches!(all[..], [Condition::Written(_)])
            );
            let page_of_evil = guide(&page(instruction, &evil));
            let (made, expected) = (
                render_markdown(&page_of_evil),
                render_markdown(&guide(&page(plain.clone(), "plain"))),
            );
            // An address that somebody wrote down is code, so that it can be copied.
            let without_code = |all: Vec<String>| -> Vec<String> {
                all.into_iter().filter(|it| !(written && it == "code ")).collect()
            };
            if without_code(structure(&made)) != without_code(structure(&expected)) {
                wrong.push(format!("{about:?} in instruction {at}:\n{page_of_evil}\n{made}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn chapters_and_stages_are_numbered_and_an_empty_line_stands_between_what_is_said() {
    let says = |words: &str| Instruction::Sentences(vec![words.into()]);
    let stage = |title: &str| GuideStep { title: title.into(), says: vec![says("Do it.")] };
    let chapter = |title: &str, stages| Chapter {
        title: title.into(),
        says: vec![says("First this.")],
        stages,
    };
    let page = Guide {
        title: "If all is lost".into(),
        head: vec![says("Read on.")],
        chapters: vec![
            chapter("Decide", vec![]),
            chapter("Go", vec![stage("Here"), stage("There")]),
        ],
    };
    assert_eq!(
        guide(&page),
        "# If all is lost\n\nRead on.\n\n## 1 Decide\n\nFirst this.\n\n## 2 Go\n\nFirst this.\n\n\
         ### 2.1 Here\n\nDo it.\n\n### 2.2 There\n\nDo it.\n"
    );
}
