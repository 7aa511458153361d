//! The command line: what each command accepts, and the messages when it gets something else.
use crate::USAGE;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use gene::package::manifest::ReadError;
use gene::{Diagnostics, VmBuilder};
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

#[derive(Parser)]
#[command(name = "gene", disable_help_subcommand = true, disable_version_flag = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Execute a program
    Run(Run),
    /// Execute code given as argument, or on stdin
    Eval(Eval),
    /// Interactive session
    Repl(Repl),
    /// Show the reader's result
    Parse(Parse),
    /// Compile and report, without running
    Check(Check),
    /// Package dependencies
    Deps(Deps),
    /// Process stdin line by line
    Pipe(Pipe),
    /// Format sources
    #[command(alias = "format")]
    Fmt(Fmt),
    /// Run tests
    Test(Test),
    /// Execute the ^examples of a program's functions
    RunExamples(RunExamples),
    /// Show serialized data
    #[command(alias = "deserialize")]
    Deser(Deser),
    /// Show the documentation of builtins
    Doc(Doc),
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Run {
    #[command(flatten)]
    pub common: Common,
    /// The program (`-`: stdin) and its arguments
    #[arg(value_name = "FILE", required = true, trailing_var_arg = true, num_args = 1..)]
    pub words: Vec<OsString>,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Eval {
    #[command(flatten)]
    pub common: Common,
    /// Print the last value in debug form
    #[arg(short, long)]
    pub print_last: bool,
    /// Print the last value in debug form
    #[arg(long)]
    pub gene: bool,
    /// Print the last value in display form
    #[arg(long)]
    pub line: bool,
    /// Print the last value, an Array of Arrays, as CSV
    #[arg(long)]
    pub csv: bool,
    /// Print the last value as JSON
    #[arg(long)]
    pub json: bool,
    /// The code (absent: stdin) and its arguments
    #[arg(value_name = "CODE", trailing_var_arg = true, num_args = 0..)]
    pub words: Vec<OsString>,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Repl {
    #[command(flatten)]
    pub common: Common,
    /// Arguments of the session ($args)
    #[arg(value_name = "ARG", trailing_var_arg = true, num_args = 0..)]
    pub words: Vec<OsString>,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Parse {
    /// How forms are shown
    #[arg(long, value_enum, default_value = "pretty")]
    pub format: ParseFormat,
    /// Form of error reports
    #[arg(long, value_enum, value_name = "FORM")]
    pub diagnostics: Option<Form>,
    /// The file (`-`: stdin)
    #[arg(value_name = "FILE")]
    pub file: OsString,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Check {
    #[command(flatten)]
    pub common: Common,
    /// The files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<OsString>,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Deps {
    /// What to do
    #[arg(value_enum, value_name = "install|update|verify|gc|clean", hide_possible_values = true)]
    pub action: DepsAction,
    /// The package's directory (absent: the nearest package)
    #[arg(long, value_name = "DIR")]
    pub root: Option<OsString>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DepsAction {
    /// Install what the lock file says, or resolve and write it
    Install,
    /// Resolve anew
    Update,
    /// Compare what is installed with the lock file
    Verify,
    /// Remove what the lock file does not mention
    Gc,
    /// Remove everything installed
    Clean,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Pipe {
    #[command(flatten)]
    pub common: Common,
    /// Print the lines for which the result is true
    #[arg(long)]
    pub filter: bool,
    /// Print Strings in debug form
    #[arg(long)]
    pub quote_str: bool,
    /// The code, or a file that holds it, evaluated with $line and $n; then its arguments
    #[arg(value_name = "CODE", required = true, trailing_var_arg = true, num_args = 1..)]
    pub words: Vec<OsString>,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Fmt {
    /// Change nothing; list the files that would change
    #[arg(long)]
    pub check: bool,
    /// Form of error reports
    #[arg(long, value_enum, value_name = "FORM")]
    pub diagnostics: Option<Form>,
    /// The files (`-`: stdin, to stdout)
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<OsString>,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Test {
    #[command(flatten)]
    pub common: Common,
    /// Run only the tests whose name contains the text
    #[arg(short = 'k', value_name = "TEXT")]
    pub filter: Option<String>,
    /// How results are shown
    #[arg(long, value_enum, default_value = "text")]
    pub format: TestFormat,
    /// Run each test under N seeded schedules
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub shake: Option<u32>,
    /// Files, and directories to look for tests in (default: the package's tests)
    #[arg(value_name = "PATH")]
    pub paths: Vec<OsString>,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct RunExamples {
    #[command(flatten)]
    pub common: Common,
    /// The file
    #[arg(value_name = "FILE")]
    pub file: OsString,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Deser {
    /// The text, instead of a file
    #[arg(short = 'e', value_name = "TEXT", conflicts_with = "file")]
    pub text: Option<String>,
    /// How the value is shown
    #[arg(long, value_enum, default_value = "pretty")]
    pub format: DeserFormat,
    /// As --format compact
    #[arg(long)]
    pub gene: bool,
    /// Form of error reports
    #[arg(long, value_enum, value_name = "FORM")]
    pub diagnostics: Option<Form>,
    /// The file (absent or `-`: stdin)
    #[arg(value_name = "FILE")]
    pub file: Option<OsString>,
}

#[derive(Args)]
#[command(args_override_self = true)]
pub struct Doc {
    /// The reference of all builtins, as a Markdown page
    #[arg(long)]
    pub markdown: bool,
    /// String.split, math/sin, println, a class, a namespace (none: all names)
    #[arg(value_name = "NAME", conflicts_with = "markdown")]
    pub names: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    Text,
    Junit,
    Tap,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeserFormat {
    Pretty,
    Compact,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ParseFormat {
    Pretty,
    Compact,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    Text,
    Data,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

/// Options of everything that runs a program.
#[derive(Args, Clone, Default)]
#[command(args_override_self = true)]
pub struct Common {
    /// Check ^pre and ^post
    #[arg(long, value_enum, value_name = "on|off", hide_possible_values = true)]
    pub contracts: Option<Switch>,
    /// Types do not accept nil unless they say so
    #[arg(long)]
    pub strict_nil: bool,
    /// No static type checks
    #[arg(long, alias = "no-typecheck")]
    pub no_type_check: bool,
    /// Static type errors are fatal
    #[arg(long)]
    pub strict_types: bool,
    /// No warnings
    #[arg(long)]
    pub no_warnings: bool,
    /// Use the context of the package with this root or name
    #[arg(long, value_name = "DIR|NAME")]
    pub pkg: Option<OsString>,
    /// Start a session where the program failed
    #[arg(long)]
    pub repl_on_error: bool,
    /// Internal diagnostics on stderr
    #[arg(short, long)]
    pub debug: bool,
    /// Form of error reports
    #[arg(long, value_enum, value_name = "FORM")]
    pub diagnostics: Option<Form>,
    /// Calls and back-edges between two looks at the event loop; 0: only when the program waits
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub poll_interval: Option<u32>,
    /// Time jumps to the next deadline instead of passing
    #[arg(long)]
    pub virtual_time: bool,
    /// Orders ready tasks, timers and random numbers; the same seed gives the same run on virtual time
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Write a timeline of the tasks that Chrome and Perfetto load
    #[arg(long, value_name = "FILE")]
    pub trace: Option<OsString>,
    /// Collect garbage at every safepoint
    #[arg(long)]
    pub stress_gc: bool,
    /// Largest size of the heap
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub memory_limit: Option<usize>,
    /// Calls and back-edges the program may make
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub instruction_limit: Option<u64>,
    /// The program ends with its main body
    #[arg(long)]
    pub no_drain: bool,
}

impl Common {
    /// The package of `--pkg`: a directory, or a name that an import from here would find.
    fn package_root(&self) -> Result<Option<PathBuf>, i32> {
        let Some(wanted) = &self.pkg else { return Ok(None) };
        match gene::package::locate(&wanted.to_string_lossy()) {
            Ok(root) => Ok(Some(root)),
            Err(message) => {
                eprintln!("Error: {message}");
                Err(1)
            }
        }
    }

    /// A file argument: relative ones are looked up in the package of `--pkg` first.
    pub fn file(&self, name: &str) -> Result<PathBuf, i32> {
        let in_package = self.package_root()?.map(|root| root.join(name)).filter(|file| file.exists());
        Ok(in_package.unwrap_or_else(|| PathBuf::from(name)))
    }

    /// The machine these options describe; `Err`: exit code, the reason is reported.
    pub fn builder(&self) -> Result<VmBuilder, i32> {
        let mut b = gene::Vm::builder()
            .contracts(self.contracts != Some(Switch::Off))
            .strict_nil(self.strict_nil)
            .keep_scopes(self.repl_on_error)
            .warnings(!self.no_warnings)
            .type_check(!self.no_type_check)
            .strict_types(self.strict_types)
            .drain(!self.no_drain)
            .diagnostics(diagnostics(self.diagnostics)?)
            .color(color());
        if let Some(root) = self.package_root()? {
            b = b.directory(root.clone()).package(root);
        }
        if let Some(n) = self.poll_interval {
            b = b.poll_interval(n);
        }
        if let Some(n) = self.seed {
            b = b.seed(n);
        }
        if let Some(n) = self.memory_limit {
            b = b.memory_limit(n);
        }
        if let Some(n) = self.instruction_limit {
            b = b.instruction_limit(n);
        }
        if let Some(file) = &self.trace {
            // A program may run for hours: better to hear of it now.
            if let Err(e) = std::fs::File::create(file) {
                eprintln!("Error: {}", unwritable(file, &e));
                return Err(1);
            }
            b = b.trace();
        }
        if self.virtual_time {
            b = b.virtual_clock();
        }
        if self.stress_gc {
            b = b.stress_gc();
        }
        Ok(b)
    }
}

impl Common {
    /// The exit code of a run with this one: not 0 if its timeline, asked for with `--trace`, could not be written.
    pub fn written(&self, vm: &mut gene::Vm, code: i32) -> i32 {
        let (Some(file), Some(text)) = (&self.trace, vm.take_trace()) else { return code };
        match std::fs::write(file, text) {
            Ok(()) => code,
            Err(e) => {
                vm.write_stderr(&format!("Error: {}\n", unwritable(file, &e)));
                1
            }
        }
    }
}

fn unwritable(file: &OsStr, e: &std::io::Error) -> String {
    gene::file_ops::message(gene::file_ops::WRITE, &file.to_string_lossy(), &gene::reason(e))
}

impl Common {
    /// Where `gene test` looks: the tests of the package, else the working directory. `Err`: exit code.
    pub fn test_dir(&self) -> Result<PathBuf, i32> {
        let here = working_directory();
        let root = self.package_root()?.or_else(|| gene::package::find_root(&here));
        let Some(root) = root else { return Ok(PathBuf::from(".")) };
        let shown = root.join(gene::package::MANIFEST).to_string_lossy().into_owned();
        let dir = match gene::package::Manifest::read(&root, &shown) {
            Ok(manifest) => root.join(manifest.test_dir),
            Err(ReadError::Malformed(e)) => {
                eprintln!("Error: {e}");
                return Err(1);
            }
            Err(ReadError::Io(e)) => {
                eprintln!("Error: Failed to read file '{shown}': {e}");
                return Err(1);
            }
        };
        if !dir.is_dir() {
            eprintln!("Error: File not found: {}", dir.display());
            return Err(1);
        }
        Ok(dir.strip_prefix(&here).map_or(dir.clone(), Path::to_path_buf))
    }
}

fn working_directory() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// Further options, which win over `common`, and the arguments after them. `Err`: what is wrong with them.
pub fn common_of(common: &Common, words: &[String]) -> Result<(Common, Vec<String>), String> {
    #[derive(Parser)]
    #[command(no_binary_name = true, disable_help_flag = true, args_override_self = true)]
    struct Line {
        #[command(flatten)]
        common: Common,
        #[arg(trailing_var_arg = true, num_args = 0..)]
        words: Vec<String>,
    }
    let line = Line::try_parse_from(words).map_err(|e| message(&e))?;
    Ok((line.common.over(common.clone()), line.words))
}

impl Common {
    /// These options where they are given, else the others.
    fn over(self, other: Common) -> Common {
        Common {
            contracts: self.contracts.or(other.contracts),
            strict_nil: self.strict_nil || other.strict_nil,
            no_type_check: self.no_type_check || other.no_type_check,
            strict_types: self.strict_types || other.strict_types,
            no_warnings: self.no_warnings || other.no_warnings,
            pkg: self.pkg.or(other.pkg),
            repl_on_error: self.repl_on_error || other.repl_on_error,
            debug: self.debug || other.debug,
            diagnostics: self.diagnostics.or(other.diagnostics),
            poll_interval: self.poll_interval.or(other.poll_interval),
            virtual_time: self.virtual_time || other.virtual_time,
            seed: self.seed.or(other.seed),
            trace: self.trace.or(other.trace),
            stress_gc: self.stress_gc || other.stress_gc,
            memory_limit: self.memory_limit.or(other.memory_limit),
            instruction_limit: self.instruction_limit.or(other.instruction_limit),
            no_drain: self.no_drain || other.no_drain,
        }
    }
}

/// The option, else `GENE_DIAGNOSTICS`, else text. `Err`: exit code, the reason is reported.
pub fn diagnostics(option: Option<Form>) -> Result<Diagnostics, i32> {
    match option {
        Some(Form::Data) => return Ok(Diagnostics::Data),
        Some(Form::Text) => return Ok(Diagnostics::Text),
        None => {}
    }
    let value = std::env::var_os("GENE_DIAGNOSTICS").unwrap_or_default();
    match value.to_str() {
        Some("data") => Ok(Diagnostics::Data),
        Some("" | "text") => Ok(Diagnostics::Text),
        _ => {
            eprintln!("Error: Invalid value for GENE_DIAGNOSTICS: {}", value.to_string_lossy());
            Err(USAGE)
        }
    }
}

pub fn color() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
        || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
    !forbidden && std::io::stderr().is_terminal()
}

/// Words of the command line as the program sees them.
pub fn texts(words: &[OsString]) -> Vec<String> {
    words.iter().map(|w| w.to_string_lossy().into_owned()).collect()
}

/// The help text of one command.
pub fn help(command: &str) -> String {
    let mut cli = Cli::command().bin_name("gene");
    cli.build();
    match cli.find_subcommand_mut(command) {
        Some(sub) => sub.render_help().to_string(),
        None => String::new(),
    }
}

/// `Err`: exit code; what there is to say has been printed.
pub fn parse(args: &[OsString]) -> Result<Cli, i32> {
    Cli::try_parse_from(args).map_err(|e| {
        if e.kind() == ErrorKind::DisplayHelp {
            print!("{}", e.render());
            return 0;
        }
        eprintln!("Error: {}", message(&e));
        USAGE
    })
}

fn message(e: &clap::Error) -> String {
    let text = |kind| match e.get(kind) {
        Some(ContextValue::String(s)) => s.clone(),
        Some(ContextValue::Strings(list)) => list.join(", "),
        _ => String::new(),
    };
    // `--seed <N>` names the option and its value.
    let option = || text(ContextKind::InvalidArg).split(' ').next().unwrap_or_default().to_owned();
    match e.kind() {
        ErrorKind::UnknownArgument if !option().starts_with('-') => format!("Unexpected argument: {}", option()),
        ErrorKind::UnknownArgument => format!("Unknown option: {}", option()),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => match text(ContextKind::InvalidValue) {
            value if value.is_empty() => format!("Missing value for {}", option()),
            value => format!("Invalid value for {}: {value}", option()),
        },
        ErrorKind::MissingRequiredArgument => {
            format!(
                "Missing argument: {}",
                text(ContextKind::InvalidArg).trim_end_matches("...").trim_matches(['<', '>'])
            )
        }
        ErrorKind::TooManyValues => format!("{} takes no value", option()),
        ErrorKind::ArgumentConflict => format!("{} cannot be combined with {}", option(), conflicting(e)),
        _ => e.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}

fn conflicting(e: &clap::Error) -> String {
    match e.get(ContextKind::PriorArg) {
        Some(ContextValue::String(s)) => s.clone(),
        Some(ContextValue::Strings(list)) => list.join(", "),
        _ => String::new(),
    }
}
