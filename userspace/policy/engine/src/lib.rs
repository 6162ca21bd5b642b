// SPDX-License-Identifier: Apache-2.0
//! The engine of realmkey-policy: questions and answers as in `rego/question.h`. Nothing here opens a file
//! or a connection, and the policies' own functions cannot either.
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use regorus::{Engine, Value};
use serde_json::{Map, Value as Json, json};

// --- memory -----------------------------------------------------------------------------------

unsafe extern "C" {
    /// Ends the process.
    safe fn policy_out_of_memory() -> !;
}

/// The system's allocator, with a limit for all that is allocated at a time.
struct Limited;

static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

fn take(size: usize) {
    match LEFT.load(Relaxed).checked_sub(size) {
        Some(left) => LEFT.store(left, Relaxed), // there is one thread
        None => policy_out_of_memory(),
    }
}

fn give(size: usize) {
    LEFT.store(LEFT.load(Relaxed).saturating_add(size), Relaxed);
}

fn present(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        policy_out_of_memory()
    }
    memory
}

// SAFETY: all memory is the system allocator's, which is asked with the caller's layout.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        present(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        present(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        let moved = present(unsafe { System.realloc(memory, layout, size) });
        give(layout.size());
        moved
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) };
        give(layout.size());
    }
}

#[global_allocator]
static MEMORY: Limited = Limited;

// --- mistakes ---------------------------------------------------------------------------------

/// What is wrong with a question or a policy, with line and column where they are known.
struct Mistake {
    text: String,
    place: Option<(u32, u32)>,
}

fn mistake<T>(text: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { text: text.into(), place: None })
}

/// The engine shows a mistake as a picture: `--> FILE:LINE:COLUMN`, the line itself, and `error: TEXT`.
fn mistake_from_engine(error: impl std::fmt::Display) -> Mistake {
    let picture = error.to_string();
    let place = picture.lines().find_map(|line| {
        let mut parts = line.strip_prefix("--> ")?.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        Some((parts.next()?.parse().ok()?, column))
    });
    let text = match (place, picture.rsplit_once("\nerror: ")) {
        (Some(_), Some((_, text))) => text.trim().to_string(),
        _ => picture.trim().to_string(),
    };
    Mistake { text, place }
}

impl Mistake {
    fn answer(self) -> Json {
        let mut answer = json!({ "error": self.text });
        if let Some((line, column)) = self.place {
            answer["line"] = line.into();
            answer["column"] = column.into();
        }
        answer
    }
}

// --- policies ---------------------------------------------------------------------------------

/// What the engine says of a rule that the policy does not have.
const NO_RULE: &str = "not a valid rule path";
/// The rules that Trustee evaluates.
const RULES: [&str; 3] = ["allow", "extensions", "trust_claims"];
const CACHED_POLICIES: usize = 16;

struct Cached {
    text: String,
    engine: Engine,
    size: usize, // bytes
}

thread_local! {
    /// Policies in use, the last one at the end.
    static CACHE: RefCell<VecDeque<Cached>> = const { RefCell::new(VecDeque::new()) };
    /// What `query_reference_value()` looks up in the evaluation that runs.
    static REFERENCES: RefCell<Value> = const { RefCell::new(Value::Undefined) };
    /// Reference values for all evaluations that do not bring their own.
    static KEPT: RefCell<Value> = const { RefCell::new(Value::Undefined) };
}

/// As Trustee's function of that name: one string, and `null` for a name without a value.
#[allow(clippy::needless_pass_by_value, reason = "the engine gives its functions a vector")]
fn query_reference_value(arguments: Vec<Value>) -> anyhow::Result<Value> {
    let [Value::String(name)] = arguments.as_slice() else {
        anyhow::bail!("query_reference_value() accepts one string");
    };
    let found = REFERENCES.with_borrow(|references| references[name.as_ref()].clone());
    Ok(if found == Value::Undefined { Value::Null } else { found })
}

/// An engine that has parsed and analysed `text`, and the path of its package.
fn prepare(text: &str) -> Result<(Engine, String), Mistake> {
    let mut engine = Engine::new();
    engine.set_gather_prints(true); // print() has no other effect
    let package = engine.add_policy(String::new(), text.to_string()).map_err(mistake_from_engine)?;
    engine
        .add_extension("query_reference_value".into(), 1, Box::new(query_reference_value))
        .map_err(mistake_from_engine)?;
    // There is no such rule, but the engine analyses the policy before it says so.
    match engine.eval_rule("data".into()) {
        Err(error) if error.to_string() != NO_RULE => Err(mistake_from_engine(error)),
        _ => Ok((engine, package)),
    }
}

/// A copy of the prepared engine for `text`, which no evaluation has changed. Engines are kept for the next time, in
/// a quarter of the memory at most, so that one policy does not take the memory of another.
fn prepared(text: &str) -> Result<Engine, Mistake> {
    CACHE.with_borrow_mut(|cache| {
        let at = cache.iter().position(|cached| cached.text == text);
        let entry = if let Some(entry) = at.and_then(|at| cache.remove(at)) {
            entry
        } else {
            let before = LEFT.load(Relaxed);
            let (engine, text) = (prepare(text)?.0, text.to_string());
            Cached { text, engine, size: before.saturating_sub(LEFT.load(Relaxed)) }
        };
        let engine = entry.engine.clone();
        cache.push_back(entry);
        while cache.len() > CACHED_POLICIES
            || cache.iter().map(|cached| cached.size).sum::<usize>() > LIMIT.load(Relaxed) / 4
        {
            cache.pop_front();
        }
        Ok(engine)
    })
}

// --- questions --------------------------------------------------------------------------------

fn text<'a>(question: &'a Value, name: &str) -> Result<&'a str, Mistake> {
    match &question[name] {
        Value::String(text) => Ok(text),
        _ => mistake(format!("the question has no text \"{name}\"")),
    }
}

fn check(question: &Value) -> Result<Json, Mistake> {
    let (mut engine, package) = prepare(text(question, "policy")?)?;
    let rules = RULES.map(|rule| format!("{package}.{rule}"));
    let found = rules.iter().filter(|rule| engine.compile_with_entrypoint(&rule.as_str().into()).is_ok());
    Ok(json!({ "rules": found.collect::<Vec<_>>(), "package": package.trim_start_matches("data.") }))
}

fn evaluate(question: &Value) -> Result<Json, Mistake> {
    let mut engine = prepared(text(question, "policy")?)?;
    if question["data"] != Value::Undefined {
        engine.add_data(question["data"].clone()).map_err(mistake_from_engine)?;
    }
    if question["input"] != Value::Undefined {
        engine.set_input(question["input"].clone());
    }
    REFERENCES.set(match &question["references"] {
        Value::Bool(true) => KEPT.with_borrow(Value::clone),
        given => given.clone(),
    });
    let Value::Array(rules) = &question["rules"] else { return mistake("the question has no list \"rules\"") };
    let mut values = Map::new();
    for rule in rules.iter() {
        let rule = rule.as_string().map_err(mistake_from_engine)?.to_string();
        match engine.eval_rule(rule.clone()) {
            Ok(value) => {
                values.insert(rule, serde_json::to_value(value).map_err(mistake_from_engine)?);
            }
            Err(error) if error.to_string() == NO_RULE => {}
            Err(error) => return Err(mistake_from_engine(error)),
        }
    }
    Ok(json!({ "values": values }))
}

/// The place of a byte of `text`, as line and column.
fn place(text: &str, byte: usize) -> Option<(u32, u32)> {
    let before = text.get(..byte)?;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    Some((line.try_into().ok()?, (before[line_start..].chars().count() + 1).try_into().ok()?))
}

fn init_data(question: &Value) -> Result<Json, Mistake> {
    let document = text(question, "text")?;
    let table = document.parse::<toml::Table>().map_err(|error| Mistake {
        text: error.message().to_string(),
        place: error.span().and_then(|span| place(document, span.start)),
    })?;
    let (Some(version), Some(algorithm), Some(data)) = (
        table.get("version").and_then(toml::Value::as_str),
        table.get("algorithm").and_then(toml::Value::as_str),
        table.get("data").and_then(toml::Value::as_table),
    ) else {
        return mistake("init-data requires the texts version and algorithm, and the table data");
    };
    let mut claims = Map::new();
    for (name, value) in data {
        let Some(file) = value.as_str() else { return mistake(format!("data.{name}: not a text")) };
        let (name, claim) = claim(name, file);
        claims.insert(name.to_string(), claim);
    }
    Ok(json!({ "version": version, "algorithm": algorithm, "claims": claims }))
}

/// What Trustee makes of one file of init-data: two files become JSON, and of the agent's policy only the data
/// at its end remains. A file that is not of this form stays a text.
fn claim<'a>(name: &'a str, file: &str) -> (&'a str, Json) {
    const POLICY_DATA: &str = "policy_data := ";
    let start = file.find(&format!("{POLICY_DATA}{{")).map(|at| at + POLICY_DATA.len());
    let found = match name {
        "aa.toml" | "cdh.toml" => {
            file.parse::<toml::Table>().ok().and_then(|table| Some((name, serde_json::to_value(table).ok()?)))
        }
        "policy.rego" => {
            start.and_then(|start| Some(("agent_policy_claims", serde_json::from_str(&file[start..]).ok()?)))
        }
        _ => None,
    };
    found.unwrap_or_else(|| (name, file.into()))
}

fn answer(question: &[u8]) -> Result<Json, Mistake> {
    let Ok(question) = std::str::from_utf8(question) else { return mistake("the question is not UTF-8") };
    let question = Value::from_json_str(question).map_err(mistake_from_engine)?;
    if question["keep"] != Value::Undefined {
        KEPT.set(question["keep"].clone());
    }
    match text(&question, "kind")? {
        "evaluate" => evaluate(&question),
        "check" => check(&question),
        "init-data" => init_data(&question),
        kind => mistake(format!("the engine does not know questions of the kind \"{kind}\"")),
    }
}

// --- for main.c -------------------------------------------------------------------------------

/// Sets how many bytes may be allocated at a time, from now on.
#[unsafe(no_mangle)]
pub extern "C" fn engine_limit(memory: usize) {
    LIMIT.store(memory, Relaxed);
    LEFT.store(memory, Relaxed);
}

/// Answers the question of `len` bytes. The answer, of `answer_len` bytes, is valid until the next call.
///
/// # Safety
/// `question` and `answer_len` must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_answer(question: *const u8, len: usize, answer_len: *mut usize) -> *const u8 {
    thread_local! {
        static LAST: RefCell<String> = const { RefCell::new(String::new()) };
    }
    LAST.take(); // its memory is for this question
    // SAFETY: the caller's promise.
    let question = unsafe { std::slice::from_raw_parts(question, len) };
    let text = answer(question).unwrap_or_else(Mistake::answer).to_string();
    REFERENCES.set(Value::Undefined);
    LAST.with_borrow_mut(|last| {
        *last = text;
        // SAFETY: the caller's promise.
        unsafe { *answer_len = last.len() };
        last.as_ptr()
    })
}
