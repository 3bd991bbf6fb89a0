//! Programs in JavaScript that tell the test what to do to the gateway: they print `please …`, and go on when they read `done`. Called by the
//! tests of the client and of the app.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::people::Person;
use crate::programs::NODE;
use crate::setup::Gateway;

/// Runs the program to its end, and does to the first gateway what it asks for.
pub async fn run(folder: PathBuf, program: &'static str, gateways: Vec<Gateway>, person: Person) {
    let running = move || drive(&folder, program, gateways, &person);
    let done = tokio::task::spawn_blocking(running).await;
    done.expect("the program");
}

fn drive(folder: &Path, program: &str, mut gateways: Vec<Gateway>, person: &Person) {
    let mut child = Command::new(&*NODE)
        .arg(program)
        .args(gateways.iter().map(Gateway::url))
        .env("ACCESS_TOKEN", &person.access_token)
        .env("SIGN_IN_EMAIL", &person.email)
        .env("SIGN_IN_PASSWORD", &person.password)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut answers = child.stdin.take().expect("its input");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    for line in lines.map_while(Result::ok) {
        println!("{line}");
        match line.as_str() {
            "please kill and restart" => gateways[0].kill_and_restart(),
            "please kill" => gateways[0].process.kill(),
            "please restart" => gateways[0].restart(),
            _ => continue,
        }
        writeln!(answers, "done").expect("it listens");
    }
    let status = child.wait().expect("its end");
    assert!(status.success(), "{program} failed with {status}");
}
