# Spoke, the service alone: production dependencies, source, migrations. TypeScript runs as it stands, nothing is built.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-slim
# As PID 1 Node could not be ended by its own watchdog: the kernel ignores SIGKILL to PID 1 from inside the container.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    SPOKE_DATA_DIR=/data
RUN mkdir /data && chown 10001:10001 /data && chmod 0700 /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY scripts/require-node.js ./scripts/require-node.js
COPY migrations ./migrations
COPY src ./src
USER 10001:10001
VOLUME /data
EXPOSE 8000
# Any address but loopback needs SPOKE_ADMIN_KEY and SPOKE_ENCRYPTION_KEYS; without them the start ends and says so.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8000}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--"]
CMD ["node", "--max-semi-space-size=8", "--initial-heap-size=96", "--max-old-space-size=512", "bin/spoke.js", "serve"]
