# The controller as an image: docker build -t batchyard/controller .
# Bases can be replaced, by a mirror's or by an imported root file system with Node 20 (and, for the build,
# a compiler and Python, for what has no ready-made binary).
ARG BUILD_BASE=node:20-bookworm
ARG BASE=node:20-bookworm-slim

FROM ${BUILD_BASE} AS build
WORKDIR /app
# Where packages come from; empty: npm's own setting.
ARG NPM_REGISTRY=
COPY package.json package-lock.json .npmrc ./
COPY provider/package.json provider/
# Development packages are needed to build, and taken away after it. What is optional (libvirt) is left out:
# its hypervisors are outside of the container.
RUN npm ci --omit=optional --no-audit --no-fund --loglevel=error ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"}
COPY . .
RUN node scripts/build.mjs && npm prune --omit=dev --omit=optional --no-audit --no-fund --loglevel=error

FROM ${BASE}
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/provider/package.json provider/
COPY --from=build /app/dist dist
RUN mkdir -m 0700 /data && chown 1000:1000 /data
USER 1000:1000
ENV NODE_ENV=production
VOLUME /data
EXPOSE 8480
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8480/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/batchyard.js", "controller"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8480"]
