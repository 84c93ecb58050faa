# Production image of the support desk in examples/. docs/docker.md has a Dockerfile for your own application, and
# describes builds behind a proxy or with a private registry.

# The digest pins the base image for all platforms. Update it together with the one in docs/docker.md.
ARG NODE_IMAGE=node:24-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json tsconfig.examples.json ./
COPY scripts/build.ts scripts/
COPY src src
COPY examples examples
RUN node scripts/build.ts

FROM ${NODE_IMAGE} AS app
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY LICENSE ./
COPY bin bin
COPY --from=build /app/dist dist
# The files belong to root, and only root may change them, regardless of the umask of the checkout.
RUN rm package-lock.json node_modules/.package-lock.json && chmod -R u=rwX,go=rX .

FROM ${NODE_IMAGE}
ARG NODE_IMAGE
# The release pipeline passes these build arguments.
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="agent-service" \
      org.opencontainers.image.description="Agents built on the OpenAI Agents SDK for JavaScript, served as a production service." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="${NODE_IMAGE}"
# Nothing is installed at run time, so the package managers are removed. The embedded store writes to /data only.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
    && mkdir /data && chown 10001:10001 /data
WORKDIR /app
COPY --from=app /app ./
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data WEB_CONCURRENCY=auto
# A numeric id, so that Kubernetes can verify that the user is not root.
USER 10001:10001
VOLUME /data
EXPOSE 8000 9464
# Node sends the request, since the image has no curl. In Kubernetes the probes of the chart replace this check.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8000}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No shell and no npm in between: node is process 1 and receives the signals.
ENTRYPOINT ["node", "bin/agent-service.mjs"]
CMD ["start", "dist/examples/support-desk/main.js"]
