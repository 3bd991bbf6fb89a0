# Three stages: the pages, the program, and an image with only that, run by a user without rights.
FROM node:24-bookworm-slim AS web
WORKDIR /millrace/web
COPY web/package.json web/package-lock.json ./
COPY web/client/package.json client/
COPY web/app/package.json app/
RUN npm ci --no-audit --no-fund
COPY web ./
COPY schema/schema.graphql ../schema/
RUN npm run build

FROM rust:1.95-bookworm AS program
WORKDIR /millrace
COPY . .
COPY --from=web /millrace/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/millrace/target \
    cargo build --release --locked -p gateway \
    && cp target/release/millrace /usr/local/bin/

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home millrace
COPY --from=program /usr/local/bin/millrace /usr/local/bin/
USER millrace
WORKDIR /home/millrace
EXPOSE 8080
CMD ["millrace"]
