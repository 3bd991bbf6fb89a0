# The commands of this repository. Each works from a clean clone.
.PHONY: run test test-long oracle simulate fuzz faults soak upgrade bench bench-rebuild bench-followers bench-watchers bench-crowd bench-hot instructions check domain domain-check weight setup web release-schema screenshots

# The gateway at http://127.0.0.1:8080, with the pages if npm is here to build them. Nothing else is needed.
run:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web; else echo "npm is missing: starting without the pages"; fi
	cargo run -p gateway -- --demo-data

# Everything that is tested, on private servers of its own. `TEST="followers posts::"` runs only those whose names have one of these.
test: setup
	tests/run $(TEST)

# The same, with longer searches at random and more load in each fault.
test-long: setup
	TEST_LONG=1 tests/run $(TEST)

# Documents that are drawn, and what graphql-js makes of them. Some minutes. `ORACLE_SEED=n` draws others.
oracle: setup
	ORACLE="$${ORACLE:-100000}" cargo test --workspace --lib -- oracle

# The live end of the log, and groups with their subscribers, under 100,000 schedules that are drawn. Some minutes. Of the former
# `FIRST_SEED=n SCHEDULES=1` runs one again.
simulate:
	SCHEDULES="$${SCHEDULES:-100000}" cargo test --workspace --lib -- simulation schedules

# Inputs that break a target of gateway/src/fuzz.rs, for ten minutes: `make fuzz TARGET=documents`. Needs cargo-fuzz
# (`cargo install cargo-fuzz`). What it finds goes to tests/fuzz/artifacts; mend it, and keep the input in the target's corpus.
fuzz:
	mkdir -p "$${CARGO_TARGET_DIR:-target}/fuzz/$(TARGET)"
	cargo fuzz run --fuzz-dir tests/fuzz --target-dir "$${CARGO_TARGET_DIR:-target}/fuzz" --sanitizer none $(TARGET) \
		"$${CARGO_TARGET_DIR:-target}/fuzz/$(TARGET)" tests/fuzz/corpus/$(TARGET) -- \
		-max_total_time="$${SECONDS_EACH:-600}" -rss_limit_mb=2048 -timeout=10

# Two gateways and two workers under load, and one fault after the other. About ten minutes; `FAULTS="--list"` tells what there is.
faults: setup
	cargo build --workspace --bins
	"$${CARGO_TARGET_DIR:-target}/debug/faults" $(FAULTS)

# Two gateways and two workers under load, with clients that come and go: nothing may grow. Twenty minutes; `SOAK="--minutes 5"`.
soak: setup
	cargo build --workspace --bins
	"$${CARGO_TARGET_DIR:-target}/debug/soak" $(SOAK)

# The same load on an earlier version, whose processes are replaced by this one's, and a few of them taken back in between. Two minutes, when
# both are built; `make upgrade FROM=v1.2.3`. Without FROM it is the last release, or HEAD~20 before there is one.
upgrade: setup
	tests/upgrade $(FROM)

# The gateway against its peers, in rounds by turns. Takes some minutes.
bench: setup
	npm ci --prefix tests/bench/mercurius --no-audit --no-fund
	cargo build --release --manifest-path tests/bench/stock/Cargo.toml --target-dir "$${CARGO_TARGET_DIR:-target}"
	cargo build --release --workspace --bins
	cargo run --release -p tests --bin bench -- $(BENCH)

# A million post events: rebuilt at rest, and under 200 mutations a second with queries; COPY of the same rows is the limit.
bench-rebuild: setup
	cargo build --release --workspace --bins
	cargo run --release -p tests --bin bench -- rebuild $(BENCH)

# One process of workers behind a log that is there: events a second, until all followers are at its end.
bench-followers: setup
	cargo build --release --workspace --bins
	cargo run --release -p tests --bin bench -- followers $(BENCH)

# A thousand live queries of one list that changes fifty times a second: executions, bytes and times.
bench-watchers: setup
	cargo build --release --workspace --bins
	cargo run --release -p tests --bin bench -- watchers $(BENCH)

# One event beside 100,000 other subscriptions, one for 14,000 sockets, and 2,000 that resume at once. Needs as many file descriptors.
bench-crowd: setup
	cargo build --release --workspace --bins
	cargo run --release -p tests --bin bench -- crowd $(BENCH)

# Single functions that run for every request or event. About a minute; `BENCH=framing` runs those whose name has the word.
bench-hot:
	cargo bench --workspace --bench hot -- $(BENCH)

# What the gateway executes for queries, a mutation and a delivery, in instructions, against what was kept. Needs valgrind.
instructions:
	tests/instructions

# Form and style, without running anything.
check: web
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	npm run --prefix web check
	tests/setup examples
	npm run --prefix examples/typescript check
	cd examples/typescript && ../../web/node_modules/.bin/biome ci
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; fi

# A record domain of this name, the plural of what it is about: `make domain NAME=orders`. It says what is left to do.
domain:
	tests/domain "$(NAME)"

# The same in a copy of HEAD, where the new domain is then held to the contract. Before each release.
domain-check: setup
	tests/domain --check orders

# What the build weighs, as a row for tests/weight.tsv. Takes two builds from cold.
weight:
	tests/weight

# The present schema and events as those that the next versions are held to. Refuses what the version and the changelog do not say.
release-schema: setup
	node tests/js/contract-check.mjs release

# The pictures of the documentation anew, of a gateway that runs with demo data: `make run` elsewhere, then
# `SIGN_IN_PASSWORD=… make screenshots` with the password that it printed. `SCREENSHOTS=` takes all that there could be.
SCREENSHOTS ?= landing-light customers-dark chat-phone operations-dark graphiql-light
screenshots: setup
	node tests/js/screenshots.mjs "$${GATEWAY:-http://127.0.0.1:8080}" docs/images $(SCREENSHOTS)

# The programs and packages that the tests need.
setup:
	tests/setup

web:
	tests/setup web
