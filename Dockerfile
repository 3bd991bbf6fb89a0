# syntax=docker/dockerfile:1
# Three stages: the pages, the program, and an image with only that, run by a user without rights. Packages, and what was compiled, stay in
# caches of BuildKit, so that a change compiles only what it touches. The bill of materials (`docker buildx build --sbom=true`) lists what
# the first two stages used, as the program is linked statically with it.
FROM node:24-bookworm-slim AS web
ARG BUILDKIT_SBOM_SCAN_STAGE=true
WORKDIR /millrace/web
COPY schema/schema.graphql ../schema/
COPY web ./
RUN --mount=type=cache,target=/npm \
    npm ci --cache /npm --no-audit --no-fund \
    && npm run build

FROM rust:1.95-bookworm AS program
ARG BUILDKIT_SBOM_SCAN_STAGE=true
WORKDIR /millrace
COPY . .
COPY --from=web /millrace/web/dist web/dist
# Two builds at once would wait for the locks of cargo anyway.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/millrace/target,sharing=locked \
    cargo build --release --locked -p gateway \
    && cp target/release/millrace /usr/local/bin/

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home millrace \
    # Where an embedded gateway keeps its database, and where workers may archive: a volume gets the owner of what it covers.
    && install --directory --owner=millrace --mode=700 /home/millrace/data /archive
COPY --from=program /usr/local/bin/millrace /usr/local/bin/
USER 10001
WORKDIR /home/millrace
ENV MILLRACE_LISTEN=0.0.0.0:8080
EXPOSE 8080
# Of `millrace serve`. For `millrace work` give another one, with its --health-listen.
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s \
    CMD ["curl", "--fail", "--silent", "--max-time", "3", "http://127.0.0.1:8080/health/ready"]
CMD ["millrace"]
