//! The files that run Millrace in containers. `docker-compose config` and `kubectl kustomize` read them, `tests/js` holds what they print to
//! what every container must have, and the program takes the settings that it would get there. A kubectl before 1.21 cannot read the
//! example of an installation, so with it that is the base alone.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Map, Value};
use tests::postgres::Postgres;
use tests::process::Process;
use tests::programs::{NODE, checker, product, repository};
use tests::recipe::{finish, product_command};
use tests::waiting::{SOON, eventually_blocking};
use tests::{Setup, guard, tokens};

use super::text;

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Runs a program of `tests/js` on this input; returns what it says of each service.
fn judge(program: &[&str], input: &str) -> Map<String, Value> {
    let mut child = Command::new(&*NODE)
        .args(program)
        .current_dir(repository().join("tests/js"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_str(&printed(&output)).expect("JSON")
}

/// Files with the secrets that containers are given.
fn secrets() -> PathBuf {
    let directory = guard::new_directory("secrets");
    let database = "postgres://millrace:secret@postgres:5432/millrace\n";
    for (name, content) in [
        ("database_url", database),
        ("database-url", database),
        ("redis-url", "redis://redis:6379\n"),
        ("token_keys", &tokens::keys()),
        ("token-keys", &tokens::keys()),
    ] {
        std::fs::write(directory.join(name), content).expect("a file");
    }
    directory
}

/// What `millrace config` prints with the environment of a container, whose files are elsewhere here.
fn effective(service: &Value, mounted: &[(&str, &Path)]) -> String {
    let environment = service["environment"].as_object().expect("an environment");
    let mut command = product_command("config", &guard::new_directory("container"));
    for (name, value) in environment {
        let mut value = value.as_str().expect("a text").to_owned();
        for (inside, here) in mounted {
            value = value.replace(inside, &here.display().to_string());
        }
        command.env(name, value);
    }
    let arguments = service["command"].as_array().expect("a command");
    assert_eq!(arguments[0], "millrace");
    printed(&finish(&mut command))
}

/// The settings without which an installation is not safe, or not reachable, with whatever comes from where it should.
fn assert_production(config: &str, of_gateway: &[&str]) {
    let of_all = [
        "production = true",
        "database-url = \"postgres://***@postgres:5432/millrace\"",
        "DATABASE_URL_FILE",
    ];
    for expected in of_all.iter().chain(of_gateway) {
        assert!(config.contains(expected), "{expected}:\n{config}");
    }
}

/// Compose 2, if Docker has it here, or the program of that name. Neither needs Docker to run for this.
fn compose() -> Command {
    let mut docker = Command::new("docker");
    docker.arg("compose");
    let mut asked = Command::new("docker");
    asked.args(["compose", "version"]);
    let asked = asked.stdout(Stdio::null()).stderr(Stdio::null()).status();
    match asked.is_ok_and(|status| status.success()) {
        true => docker,
        false => Command::new(checker("docker-compose", "docker-compose")),
    }
}

#[test]
fn docker_compose_runs_it() {
    let file = repository().join("docker-compose.yml");
    let output = compose()
        .args(["--file".as_ref(), file.as_os_str(), "config".as_ref()])
        .current_dir(guard::new_directory("compose"))
        .env_remove("SITE_ADDRESS")
        .env_remove("BIND_ADDRESS")
        .output();
    let services = judge(&["compose.mjs"], &printed(&output.expect("it starts")));
    let secrets = secrets();
    let settings = repository().join("deploy/compose/millrace.default.toml");
    let mounted = [
        ("/run/secrets", secrets.as_path()),
        ("/etc/millrace/millrace.toml", &settings),
    ];
    let of_gateway = [
        "listen = \"0.0.0.0:8080\"",
        "allowed-hosts = \"localhost\"",
        "forwarded-addresses = \"true\"",
        "MILLRACE_TOKEN_KEYS_FILE",
    ];
    let observed = "otlp-endpoint = \"***\"";
    for name in ["gateway-a", "gateway-b"] {
        let config = effective(&services[name], &mounted);
        assert_production(&config, &of_gateway);
        assert_production(&config, &[observed]);
    }
    assert_production(&effective(&services["workers"], &mounted), &[observed]);
    assert_production(&effective(&services["migrate"], &mounted), &[]);
}

fn render(folder: &str) -> String {
    let output = Command::new(checker("kubectl", "kubernetes-client"))
        .arg("kustomize")
        .arg(repository().join("deploy/kubernetes").join(folder))
        .output();
    printed(&output.expect("kubectl starts"))
}

#[test]
fn kubernetes_runs_it() {
    let services = judge(&["manifests.mjs", "--cases"], &render("base"));
    let secrets = secrets();
    let folder = repository().join("deploy/kubernetes/base");
    let mounted = [
        ("/run/secrets/millrace", secrets.as_path()),
        ("/etc/millrace", &folder),
    ];
    let of_gateway = [
        "listen = \"0.0.0.0:8080\"",
        "allowed-hosts = \"gateway.example.org\"",
        "forwarded-addresses = \"true\"",
        "redis-url = \"redis://redis:6379\"",
        "MILLRACE_TOKEN_KEYS_FILE",
    ];
    assert_production(&effective(&services["gateway"], &mounted), &of_gateway);
    for name in ["workers", "migrate"] {
        assert_production(&effective(&services[name], &mounted), &[]);
    }
    let version = Command::new(checker("kubectl", "kubernetes-client"))
        .args(["version", "--client", "--output=json"])
        .output();
    let version: Value =
        serde_json::from_str(&printed(&version.expect("it starts"))).expect("JSON");
    let minor = version["clientVersion"]["minor"]
        .as_str()
        .expect("a version");
    let minor: u32 = minor.trim_end_matches('+').parse().expect("a number");
    if minor < 21 {
        println!("kubectl 1.{minor} cannot read the example");
        return;
    }
    let example = render("example");
    judge(&["manifests.mjs"], &example);
    for expected in [
        "host: api.example.org",
        "image: registry.example.org/millrace:",
    ] {
        assert!(example.contains(expected), "{expected}:\n{example}");
    }
    assert!(!example.contains("millrace_sockets"), "{example}");
}

/// What a pod runs first ends when the job has brought the database up to date, and no earlier.
async fn pods_wait_for_the_migration(setup: Setup) {
    tokio::task::block_in_place(|| {
        let services = judge(&["manifests.mjs"], &render("base"));
        let waiting = &services["await-migration"]["command"];
        let arguments = waiting.as_array().expect("a command").iter();
        let arguments: Vec<&str> = arguments.filter_map(Value::as_str).collect();
        let url = Postgres::shared().empty_database("without_tables");
        let file = setup.directory.join("database-url");
        std::fs::write(&file, &url).expect("a file");
        let program = product("millrace");
        let mut path = std::ffi::OsString::from(program.parent().expect("a folder"));
        path.push(":/usr/bin:/bin");
        let mut command = Command::new(arguments[0]);
        command
            .args(&arguments[1..])
            .current_dir(&setup.directory)
            .env_clear()
            .env("PATH", path)
            .env("DATABASE_URL_FILE", file);
        let mut waiting = Process::spawn("waiting", &setup.directory, &mut command, "KILL");
        eventually_blocking("it waits", SOON, || {
            waiting.log().contains("is not up to date").then_some(())
        });
        assert!(waiting.is_running(), "{}", waiting.log());
        let mut migrate = product_command("migrate", &setup.directory);
        printed(&finish(migrate.args(["--database-url", &url])));
        assert!(waiting.wait(SOON).success(), "{}", waiting.log());
    });
}

#[test]
fn workflows_can_be_read() {
    judge(&["workflows.mjs"], "");
    for script in ["secrets", "upgrade"] {
        let path = repository().join("deploy").join(script);
        let read = Command::new("bash").arg("-n").arg(path).output();
        printed(&read.expect("bash starts"));
    }
}

/// What the script makes fits together, is not readable by others, and stays as it is.
#[test]
fn secrets_are_made_once() {
    let directory = guard::new_directory("made");
    std::fs::create_dir_all(directory.join("deploy/compose")).expect("a folder");
    let script = directory.join("deploy/secrets");
    for file in ["deploy/secrets", "deploy/compose/millrace.default.toml"] {
        std::fs::copy(repository().join(file), directory.join(file)).expect("a copy");
    }
    let make = || printed(&Command::new(&script).output().expect("it starts"));
    let read = |name: &str| {
        let read = std::fs::read_to_string(directory.join("secrets").join(name));
        read.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert_eq!(make().lines().count(), 5);
    let password = read("postgres_password");
    assert!(password.trim().len() >= 32, "{password}");
    let (url, keys) = (read("database_url"), read("token_keys"));
    assert!(
        url.contains(&format!(":{}@postgres:", password.trim())),
        "{url}"
    );
    let mode = std::fs::metadata(directory.join("secrets")).expect("it is there");
    assert_eq!(mode.permissions().mode() & 0o777, 0o700);
    let settings = directory.join("deploy/compose/millrace.toml");
    std::fs::write(&settings, "production = false\n").expect("a setting");
    assert_eq!(make(), "", "nothing is made anew");
    let kept = std::fs::read_to_string(&settings).expect("it is there");
    assert_eq!(kept, "production = false\n");
    assert_eq!(read("database_url"), url);
    // The program takes what was made.
    let mut serve = product_command("config", &directory);
    serve
        .env("DATABASE_URL_FILE", directory.join("secrets/database_url"))
        .env("MILLRACE_TOKEN_KEYS", keys.trim());
    assert!(printed(&finish(&mut serve)).contains("DATABASE_URL_FILE"));
}

tests::distributed!(pods_wait_for_the_migration);
