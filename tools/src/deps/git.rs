//! Packages from git repositories, by the `git` command.
use super::{Result, fail};
use gene::package::Git;
use std::path::Path;
use std::process::{Command, Stdio};

fn git(dir: Option<&Path>, args: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    if let Some(dir) = dir {
        command.arg("-C").arg(dir);
    }
    // Nobody is there to answer questions.
    command.args(args).stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
    let output = match command.output() {
        Ok(output) => output,
        Err(e) => return fail(format!("Failed to run git: {}", gene::reason(&e))),
    };
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message");
    fail(format!("git {}: {line}", args[0]))
}

/// Puts the files at the wanted commit into `dir`; gives the commit.
pub fn checkout(source: &Git, dir: &Path) -> Result<String> {
    let wanted = [&source.commit, &source.tag, &source.branch].into_iter().flatten().next();
    if wanted.is_some_and(|name| name.is_empty() || name.starts_with('-')) {
        return fail(format!("Invalid git revision: {}", wanted.map_or("", String::as_str)));
    }
    let target = dir.to_string_lossy();
    git(None, &["clone", "--quiet", "--no-checkout", "--", &source.url, &target])?;
    let revision = match (wanted, &source.tag, &source.branch) {
        (None, ..) => "HEAD".to_owned(),
        (Some(_), Some(tag), _) => format!("refs/tags/{tag}"),
        (Some(_), _, Some(branch)) => format!("refs/remotes/origin/{branch}"),
        (Some(commit), ..) => commit.clone(),
    };
    let commit = git(Some(dir), &["rev-parse", "--quiet", "--verify", &format!("{revision}^{{commit}}")]);
    let Ok(commit) = commit else {
        return fail(format!("No {} in {}", wanted.map_or("commit", String::as_str), source.url));
    };
    git(Some(dir), &["checkout", "--quiet", "--detach", &commit])?;
    Ok(commit)
}
